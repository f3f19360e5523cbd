//! How many confirmed publishes per second on RabbitMQ, next to the floor: the bare client library on
//! the same exchange and quorum queue, in the same run, with as many messages under way.
//!
//! `cargo run --release -p broker --example confirmed_publish ADDRESS [under way] [seconds] [rounds]`

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use broker::amqp::{AmqpLimits, AmqpPublisher, AmqpSettings, DELIVERIES, Topology};
use broker::{Publisher, wire};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueuePurgeOptions};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use schemas::amqp::Address;
use schemas::clock::SystemClock;
use schemas::delivery::Body;
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};

const BODY: usize = 12_000;

type Failure = Box<dyn std::error::Error>;

fn argument<T: FromStr>(place: usize, otherwise: T) -> T {
    std::env::args().nth(place).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Twelve kilobytes that compress about as well as a webhook's JSON does.
fn body(clock: &SystemClock) -> Body {
    let mut raw = Vec::with_capacity(BODY + 200);
    while raw.len() < BODY {
        let noise = clock.secret_bytes();
        let text = format!(
            "\"events_url\":\"https://api.github.com/users/octocat/events{{/privacy}}\",\"id\":{},\"node\":\"{:02x?}\",\"site_admin\":false,",
            noise[0],
            &noise[1..4]
        );
        raw.extend_from_slice(text.as_bytes());
    }
    raw.truncate(BODY);
    Body::compress(&raw)
}

fn delivery(clock: &SystemClock, body: &Body) -> Delivery {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Delivery {
        id: DeliveryId::fresh(clock),
        webhook: "github".into(),
        received_at: clock.now(),
        headers: [
            header("x-github-event", "issues"),
            header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            header("content-type", "application/json"),
        ]
        .into(),
        body: body.clone(),
        trace: TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        replay_of: None,
    }
}

/// Publishes per second through ours, each caller waiting for his own.
async fn ours(
    publisher: &Arc<AmqpPublisher>,
    body: &Body,
    under_way: usize,
    time: Duration,
) -> Result<f64, Failure> {
    let (clock, count) = (Arc::new(SystemClock::new()), Arc::new(AtomicU64::new(0)));
    let start = clock.monotonic();
    let mut callers = Vec::new();
    for _ in 0..under_way {
        let (publisher, clock) = (Arc::clone(publisher), Arc::clone(&clock));
        let (body, count) = (body.clone(), Arc::clone(&count));
        callers.push(tokio::spawn(async move {
            while clock.monotonic() - start < time {
                publisher.publish(delivery(&clock, &body)).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, broker::PublishError>(())
        }));
    }
    for caller in callers {
        caller.await??;
    }
    Ok(count.load(Ordering::Relaxed) as f64 / (clock.monotonic() - start).as_secs_f64())
}

/// Publishes per second through the bare library: one message, sent again and again.
async fn floor(channel: &Channel, body: &Body, under_way: usize, time: Duration) -> Result<f64, Failure> {
    let clock = SystemClock::new();
    let message = wire::encode(delivery(&clock, body))?;
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default().with_delivery_mode(2);
    let start = clock.monotonic();
    let (mut in_flight, mut count) = (FuturesUnordered::new(), 0);
    loop {
        let in_time = clock.monotonic() - start < time;
        if in_time && in_flight.len() < under_way {
            let sent =
                channel.basic_publish(DELIVERIES.into(), "".into(), options, &message, properties.clone());
            in_flight.push(sent.await?);
            continue;
        }
        let Some(confirmed) = in_flight.next().await else { break };
        if !confirmed?.is_ack() {
            return Err("not confirmed".into());
        }
        count += 1;
    }
    Ok(f64::from(count) / (clock.monotonic() - start).as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let text: String = argument(1, "amqp://localhost".to_owned());
    let (under_way, seconds, rounds) = (argument(2, 256), argument(3, 5), argument(4, 3));
    let time = Duration::from_secs(seconds);
    let (address, password) = Address::read(&text)?;
    let mut settings = AmqpSettings::new(address, password.unwrap_or("guest").into(), "confirmed_publish");
    settings.limits = AmqpLimits { max_messages: 50_000_000, max_bytes: 64 << 30, ..AmqpLimits::default() };
    settings.deadline = Duration::from_secs(30);
    let publisher = Arc::new(AmqpPublisher::start(settings, Topology::Declare));
    let clock = SystemClock::new();
    let body = body(&clock);
    publisher.publish(delivery(&clock, &body)).await?;

    let connection = Connection::connect(&text, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    println!("body {BODY} bytes, {} stored; {under_way} under way", body.as_stored().len());
    let mut ratios = Vec::new();
    for round in 0..rounds {
        // Turn about, so that neither always has the emptier queue.
        let (floor, ours) = if round % 2 == 0 {
            let floor = floor(&channel, &body, under_way, time).await?;
            (floor, ours(&publisher, &body, under_way, time).await?)
        } else {
            let ours = ours(&publisher, &body, under_way, time).await?;
            (floor(&channel, &body, under_way, time).await?, ours)
        };
        println!("  floor {floor:.0}/s   publisher {ours:.0}/s   ratio {:.2}", ours / floor);
        ratios.push(ours / floor);
        channel.queue_purge(DELIVERIES.into(), QueuePurgeOptions::default()).await?;
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios.get(ratios.len() / 2).copied().unwrap_or_default());
    Ok(())
}
