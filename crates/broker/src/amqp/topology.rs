//! What there is in the virtual host, and why each argument is as it is.
//!
//! Publishing goes through exchanges of our own: the default exchange would let whoever may publish
//! a delivery write to every queue, and wake-ups as well.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Connection, ErrorKind, ExchangeKind};

use super::connect::Link;
use super::error::AmqpError;
use super::greeting::{self, Version};
use super::settings::{AmqpLimits, AmqpSettings};

/// The exchange that deliveries are published to, and the queue behind it.
pub const DELIVERIES: &str = "pullwright.deliveries";
/// The exchange that wake-ups are published to, by pool; the queue of a pool is `pullwright.jobs.<pool>`.
pub const JOBS: &str = "pullwright.jobs";

/// A wake-up older than this has been repeated by the dispatcher's sweep.
const WAKE_UP_TTL_MS: i64 = 60_000;
/// Wake-ups that wait; more of them say nothing more.
const MAX_WAKE_UPS: i64 = 1_000;

const DELIVERY_LIMIT: &str = "x-delivery-limit";

type Arguments = Vec<(&'static str, AMQPValue)>;

/// The queue of a pool's wake-ups.
pub(super) fn job_queue(pool: &str) -> Result<ShortString, AmqpError> {
    // AMQP takes 255 bytes in all.
    if pool.len() > 200 {
        return Err(AmqpError::Name(pool.to_owned()));
    }
    Ok(format!("{JOBS}.{pool}").into())
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn deliveries(limits: AmqpLimits, version: Version) -> Arguments {
    let mut arguments = vec![
        // Replicated and synced to disk before it is confirmed; a classic queue promises neither.
        ("x-queue-type", text("quorum")),
        // Order per work item needs one reader at a time; the next one takes over when it dies.
        ("x-single-active-consumer", AMQPValue::Boolean(true)),
        ("x-max-length", AMQPValue::LongLongInt(limits.max_messages.into())),
        ("x-max-length-bytes", AMQPValue::LongLongInt(i64::try_from(limits.max_bytes).unwrap_or(i64::MAX))),
        // At the limit a publish is refused, and the sender tries again; the default would drop
        // the oldest delivery, which was accepted.
        ("x-overflow", text("reject-publish")),
    ];
    // A poisonous delivery ends in the database's quarantine, never here. But since 4.0 a message is
    // dropped after 20 redeliveries unless this says otherwise. 3.x has no such limit, and takes
    // this value for one that the first redelivery exceeds.
    if version.has_delivery_limit() {
        arguments.push((DELIVERY_LIMIT, AMQPValue::LongLongInt(-1)));
    }
    arguments
}

fn jobs() -> Arguments {
    vec![
        // It must live through the loss of a machine as well, or workers fall back to polling.
        ("x-queue-type", text("quorum")),
        // A wake-up is a hint: old ones go, so that workers back from a pause are not flooded.
        ("x-message-ttl", AMQPValue::LongLongInt(WAKE_UP_TTL_MS)),
        ("x-max-length", AMQPValue::LongLongInt(MAX_WAKE_UPS)),
        // The oldest hint is the least useful one; publishers are not to be refused.
        ("x-overflow", text("drop-head")),
    ]
}

/// Makes the exchange and the queue of deliveries, or finds them as they are to be.
pub(super) async fn declare_deliveries(connection: &Link, settings: &AmqpSettings) -> Result<(), AmqpError> {
    let version = greeting::version(settings, &connection.host).await?;
    if version.is_too_old() {
        return Err(AmqpError::TooOld { version: version.to_string() });
    }
    let declare = async {
        let channel = connection.create_channel().await?;
        // Fanout: there is one queue, and no key to get wrong.
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let none = FieldTable::default;
        channel.exchange_declare(DELIVERIES.into(), ExchangeKind::Fanout, durable, none()).await?;
        declare_queue(connection, &DELIVERIES.into(), deliveries(settings.limits, version)).await?;
        let (queue, exchange) = (DELIVERIES.into(), DELIVERIES.into());
        channel.queue_bind(queue, exchange, "".into(), QueueBindOptions::default(), none()).await
    };
    declare.await.map_err(|error: lapin::Error| AmqpError::of(&error, settings))
}

/// Makes the exchange of wake-ups and the queue of `pool`.
pub(super) async fn declare_jobs(
    connection: &Connection,
    settings: &AmqpSettings,
    pool: &str,
) -> Result<(), AmqpError> {
    let queue = job_queue(pool)?;
    let declare = async {
        let channel = connection.create_channel().await?;
        // Direct: the key is the pool.
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let none = FieldTable::default;
        channel.exchange_declare(JOBS.into(), ExchangeKind::Direct, durable, none()).await?;
        declare_queue(connection, &queue, jobs()).await?;
        channel.queue_bind(queue, JOBS.into(), pool.into(), QueueBindOptions::default(), none()).await
    };
    declare.await.map_err(|error: lapin::Error| AmqpError::of(&error, settings))
}

/// Looks whether the queue, and the exchange if one is named, are there. Needs no permission.
pub(super) async fn expect(
    connection: &Connection,
    settings: &AmqpSettings,
    exchange: Option<&str>,
    queue: &ShortString,
) -> Result<(), AmqpError> {
    let look = async {
        let channel = connection.create_channel().await?;
        if let Some(exchange) = exchange {
            let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
            let (kind, none) = (ExchangeKind::Fanout, FieldTable::default());
            channel.exchange_declare(exchange.into(), kind, passive, none).await?;
        }
        channel.queue_declare(queue.clone(), passive(), FieldTable::default()).await
    };
    look.await.map(|_| ()).map_err(|error: lapin::Error| AmqpError::of(&error, settings))
}

/// Options of a declaration that only looks.
pub(super) fn passive() -> QueueDeclareOptions {
    QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() }
}

/// Declares `queue`. A limit that it has already stays: RabbitMQ cannot change one, and refusing to
/// start over it would be worse. A channel is closed by each refusal, so each try has its own.
async fn declare_queue(
    connection: &Connection,
    queue: &ShortString,
    mut arguments: Arguments,
) -> Result<(), lapin::Error> {
    loop {
        let channel = connection.create_channel().await?;
        let mut table = FieldTable::default();
        for (name, value) in &arguments {
            table.insert((*name).into(), value.clone());
        }
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let Err(error) = channel.queue_declare(queue.clone(), durable, table).await else { return Ok(()) };
        let refused = Refused::read(&error).filter(Refused::is_of_a_limit);
        let place = refused.as_ref().and_then(|refused| place_of(&arguments, refused.argument));
        let (Some(refused), Some(place)) = (refused, place) else { return Err(error) };
        let (name, wanted) = arguments.remove(place);
        let has = refused.current;
        if name == DELIVERY_LIMIT && has.is_none() {
            tracing::warn!(
                "the queue {queue} was made by RabbitMQ 3, so RabbitMQ 4 drops what it redelivered 20 times; set a policy: rabbitmqctl set_policy --apply-to quorum_queues pullwright '^pullwright\\.' '{{\"delivery-limit\": -1}}'"
            );
        } else {
            tracing::warn!(
                "the queue {queue} keeps its {name} of {has:?}; the configuration has {wanted:?}. A queue's limits are fixed when it is made; a policy can lower them"
            );
        }
        if let Some(has) = has {
            arguments.push((name, AMQPValue::LongLongInt(has)));
        }
    }
}

fn place_of(arguments: &Arguments, name: &str) -> Option<usize> {
    arguments.iter().position(|(argument, _)| *argument == name)
}

/// An argument that the queue has otherwise.
struct Refused<'a> {
    argument: &'a str,
    /// What the queue has; `None` for nothing.
    current: Option<i64>,
}

impl<'a> Refused<'a> {
    /// Reads `… arg 'x-max-length' for queue …: received … but current is the value '5' …`.
    fn read(error: &'a lapin::Error) -> Option<Self> {
        let ErrorKind::ProtocolError(error) = error.kind() else { return None };
        let quoted = |text: &'a str| text.split('\'').nth(1);
        let (_, rest) = error.get_message().as_str().split_once("inequivalent arg ")?;
        let (_, current) = rest.split_once("but current is ")?;
        let current = match quoted(current) {
            Some(value) => Some(value.parse().ok()?),
            None => None,
        };
        Some(Self { argument: quoted(rest)?, current })
    }

    /// Everything else makes it another kind of queue.
    fn is_of_a_limit(&self) -> bool {
        matches!(self.argument, DELIVERY_LIMIT | "x-max-length" | "x-max-length-bytes" | "x-message-ttl")
    }
}
