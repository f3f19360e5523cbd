//! What `doctor` asks: is RabbitMQ there, and may this part do with it what it has to?

use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection};
use schemas::amqp::Host;
use tokio::time::timeout;

use super::connect::{ANSWER, Link, connect_to};
use super::error::{AmqpError, is_malformed};
use super::greeting::{self, Version};
use super::settings::AmqpSettings;
use super::topology::{self, DELIVERIES};

/// What a part does with RabbitMQ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Publishes deliveries; may write to the exchange of deliveries and nothing else.
    Ingress,
    /// Makes everything, reads deliveries and sends wake-ups; may do all with names of ours.
    Dispatcher,
    /// Reads the wake-ups of a pool; may read that queue and nothing else.
    Worker {
        /// Its pool.
        pool: String,
    },
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is as it should be.
    Fine(String),
    /// It is not, and what to do.
    Problem(AmqpError),
}

/// Looks at every host, then does what the task needs, without a trace: nothing is published or taken.
/// The dispatcher's check makes exchange and queue, as its start does.
pub async fn check(settings: &AmqpSettings, task: &Task) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut usable = None;
    for host in &settings.address.hosts {
        match look_at(settings, host).await {
            Ok((connection, version)) => {
                findings.push(if version.is_too_old() {
                    Finding::Problem(AmqpError::TooOld { version: version.to_string() })
                } else {
                    Finding::Fine(format!("RabbitMQ {version} at {host} takes the user's login"))
                });
                usable = usable.or(Some(connection));
            }
            Err(error) => findings.push(Finding::Problem(error)),
        }
    }
    if let Some(connection) = usable {
        let silent = || AmqpError::Silent { host: settings.address.to_string() };
        let tried = timeout(ANSWER, attempt(settings, task, &connection)).await;
        findings.push(match tried.unwrap_or_else(|_| Err(silent())) {
            Ok(what) => Finding::Fine(what),
            Err(error) => Finding::Problem(error),
        });
    }
    findings
}

async fn look_at(settings: &AmqpSettings, host: &Host) -> Result<(Link, Version), AmqpError> {
    let connection = connect_to(settings, host).await?;
    let version = greeting::version(settings, host).await?;
    Ok((connection, version))
}

async fn attempt(settings: &AmqpSettings, task: &Task, connection: &Link) -> Result<String, AmqpError> {
    let of = |error: lapin::Error| AmqpError::of(&error, settings);
    match task {
        Task::Ingress => {
            topology::expect(connection, settings, Some(DELIVERIES), &DELIVERIES.into()).await?;
            permitted(publish(connection).await).map_err(of)?;
            Ok("deliveries may be published".to_owned())
        }
        Task::Dispatcher => {
            topology::declare_deliveries(connection, settings).await?;
            permitted(consume(connection, DELIVERIES).await).map_err(of)?;
            Ok("exchange and queue of deliveries are there and may be read".to_owned())
        }
        Task::Worker { pool } => {
            let queue = topology::job_queue(pool)?;
            topology::expect(connection, settings, None, &queue).await?;
            permitted(consume(connection, queue.as_str()).await).map_err(of)?;
            Ok(format!("wake-ups of the pool `{pool}` may be read"))
        }
    }
}

/// RabbitMQ looks at permissions first. So a request that is malformed in the end is refused either
/// way, does nothing, and the refusal tells whether it would have been permitted.
fn permitted(result: Result<(), lapin::Error>) -> Result<(), lapin::Error> {
    match result {
        Err(error) if is_malformed(&error) => Ok(()),
        other => other,
    }
}

async fn publish(connection: &Connection) -> Result<(), lapin::Error> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let malformed = BasicProperties::default().with_expiration("never".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish(DELIVERIES.into(), "".into(), options, b"", malformed).await?.await?;
    Ok(())
}

async fn consume(connection: &Connection, queue: &str) -> Result<(), lapin::Error> {
    let channel = connection.create_channel().await?;
    let mut malformed = FieldTable::default();
    malformed.insert("x-priority".into(), AMQPValue::LongString("none".into()));
    channel.basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), malformed).await?;
    Ok(())
}
