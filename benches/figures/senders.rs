//! Accepted webhooks a second of each main sender, at 32 and at 256 connections: ours, durable, beside
//! the floor, and beside what teams use today for the same work.

use std::net::SocketAddr;
use std::time::Duration;

use schemas::{Clock, SystemClock};

use crate::deliveries::Deliveries;
use crate::load::{self, Outcome, Plan};
use crate::peers::{DebianWebhook, Probot};
use crate::process::Role;
use crate::scheme::Scheme;
use crate::spread::millis;
use crate::table::{Figure, Table, Target};

const CONNECTIONS: [usize; 2] = [32, 256];

fn plan(connections: usize) -> Plan {
    Plan { connections, warm_up: Duration::from_secs(1), time: Duration::from_secs(4) }
}

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let deliveries = Deliveries::new("question", SystemClock::new().now())?;
    for connections in CONNECTIONS {
        let mut ours_of_github = 0.0;
        for scheme in Scheme::ALL {
            let signed = deliveries.signed_by(scheme, &format!("/webhooks/{}", scheme.name()));
            let floor = Role::start("floor", &[scheme.name().as_ref()]).await?;
            let floor = run(floor.address, &signed, connections, "floor", scheme).await?;
            let folder = tempfile::tempdir()?;
            let intake = Role::start("intake", &[folder.path().as_os_str()]).await?;
            let ours = run(intake.address, &signed, connections, "ours", scheme).await?;
            table.add(Figure {
                name: format!("{}, {connections} connections", scheme.name()),
                unit: "/s",
                measured: ours.per_second,
                floor: Some(floor.per_second),
                target: Target::AtLeastOfFloor(0.3),
            });
            if connections == 32 {
                table.add(Figure {
                    name: format!("{}, {connections} connections, p99", scheme.name()),
                    unit: "ms",
                    measured: ours.latency.at(99).as_secs_f64() * 1e3,
                    floor: None,
                    target: Target::AtMost(10.0),
                });
            }
            if scheme == Scheme::GitHub {
                ours_of_github = ours.per_second;
            }
        }
        let best = peers(&deliveries, connections).await?;
        table.add(Figure {
            name: format!("github, {connections} connections, of the better peer"),
            unit: "/s",
            measured: ours_of_github,
            floor: best,
            target: Target::AtLeastOfFloor(2.5),
        });
    }
    Ok(())
}

/// The rate of the better one of the peers that this machine has.
async fn peers(deliveries: &Deliveries, connections: usize) -> anyhow::Result<Option<f64>> {
    let mut rates = Vec::new();
    match DebianWebhook::start().await? {
        Some(webhook) => {
            let signed = deliveries.signed_by(Scheme::GitHub, "/hooks/github");
            rates.push(
                run(webhook.address, &signed, connections, "webhook", Scheme::GitHub).await?.per_second,
            );
        }
        None => println!("  webhook: not measured, it is not installed (Debian's package `webhook`)"),
    }
    match Probot::start().await? {
        Some(probot) => {
            let signed = deliveries.signed_by(Scheme::GitHub, "/webhooks/github");
            rates.push(run(probot.address, &signed, connections, "probot", Scheme::GitHub).await?.per_second);
        }
        None => println!("  probot: not measured, it needs `npm` and `redis-server`"),
    }
    Ok(rates.into_iter().reduce(f64::max))
}

async fn run(
    target: SocketAddr,
    deliveries: &Deliveries,
    connections: usize,
    name: &str,
    scheme: Scheme,
) -> anyhow::Result<Outcome> {
    let outcome = load::run(target, deliveries, plan(connections)).await?;
    println!(
        "  {connections:>3} {:<7} {name:<8} {:>7.0}/s   {}   longest {}",
        scheme.name(),
        outcome.per_second,
        outcome.latency,
        millis(outcome.latency.at(100)),
    );
    Ok(outcome)
}
