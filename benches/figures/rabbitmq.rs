//! Accepted webhooks a second through ingress to RabbitMQ, beside the bare client library publishing
//! as many bytes to the same quorum queue, each confirmed, with as many under way.

use std::time::Duration;

use anyhow::ensure;
use broker::amqp::DELIVERIES;
use broker::wire;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueuePurgeOptions};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use schemas::{Clock, SystemClock};

use crate::decisions;
use crate::deliveries::{Deliveries, FIRST};
use crate::load::{self, Plan};
use crate::process::Role;
use crate::servers::Server;
use crate::spread::median;
use crate::table::{Figure, Table, Target};

const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(5);
/// Connections of the senders, and publishes under way.
const UNDER_WAY: [usize; 2] = [32, 256];

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let Some(node) = Server::rabbitmq().await? else {
        println!("  not measured: rabbitmq-server is not installed");
        return Ok(());
    };
    let deliveries = Deliveries::new("agent:fix", SystemClock::new().now())?;
    let intake = Role::start("intake-rabbitmq", &[node.address.as_ref()]).await?;
    let connection = Connection::connect(&node.address, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    for under_way in UNDER_WAY {
        let (mut measured, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            floors.push(floor(&channel, &deliveries, under_way).await?);
            let plan = Plan { connections: under_way, warm_up: Duration::from_secs(1), time: TIME };
            let outcome = load::run(intake.address, &deliveries, plan).await?;
            println!("  {under_way:>3} connections {:>7.0}/s   {}", outcome.per_second, outcome.latency);
            measured.push(outcome.per_second);
            channel.queue_purge(DELIVERIES.into(), QueuePurgeOptions::default()).await?;
        }
        table.add(Figure {
            name: format!("webhooks to RabbitMQ, {under_way} connections"),
            unit: "/s",
            measured: median(measured),
            floor: Some(median(floors)),
            target: Target::AtLeastOfFloor(0.6),
        });
    }
    Ok(())
}

/// Publishes a second through the library alone: one message, sent again and again.
async fn floor(channel: &Channel, deliveries: &Deliveries, under_way: usize) -> anyhow::Result<f64> {
    let clock = SystemClock::new();
    let message = wire::encode(decisions::delivery(deliveries, FIRST, &clock))?;
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default().with_delivery_mode(2);
    let start = clock.monotonic();
    let (mut in_flight, mut count) = (FuturesUnordered::new(), 0);
    loop {
        if clock.monotonic() - start < TIME && in_flight.len() < under_way {
            let sent =
                channel.basic_publish(DELIVERIES.into(), "".into(), options, &message, properties.clone());
            in_flight.push(sent.await?);
            continue;
        }
        let Some(confirmed) = in_flight.next().await else { break };
        ensure!(confirmed?.is_ack(), "a message was not confirmed");
        count += 1;
    }
    let rate = f64::from(count) / (clock.monotonic() - start).as_secs_f64();
    println!("  {under_way:>3} under way    {rate:>7.0}/s   the library alone");
    Ok(rate)
}
