//! Accepted webhooks a second at 32 connections: an intake alone, and with every one decided.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use schemas::{Clock, SystemClock};
use serde_json::Value;

use crate::deliveries::Deliveries;
use crate::forge::Forge;
use crate::load::{self, Outcome, Plan};
use crate::process::{self, Memory, PATIENCE, Role};
use crate::site::{Site, Up};
use crate::spread::{median, millis};
use crate::table::{Figure, Table, Target};

/// Floor and intake take turns, so that a busy moment hits both.
const ROUNDS: usize = 3;
const SHORT: Plan = Plan { connections: 32, warm_up: Duration::from_secs(1), time: Duration::from_secs(5) };
const LONG: Plan = Plan { connections: 32, warm_up: Duration::ZERO, time: Duration::from_secs(12) };
const REST: Duration = Duration::from_secs(10);
/// What the automation waits for, but for its condition: decided and recorded, and nothing is run.
const LABEL: &str = "agent:fix";
const NEVER: &str = "    if: \"event.item.title.contains('nothing of the kind')\"\n";

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let deliveries = Deliveries::new(LABEL, SystemClock::new().now())?;
    let (mut floors, mut intakes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floors.push(floor(&deliveries).await?);
        let folder = tempfile::tempdir()?;
        let intake = Role::start("intake", &[folder.path().as_os_str()]).await?;
        intakes.push(short(intake.address, &deliveries, "intake").await?);
    }
    let sustained = sustained(&deliveries).await?;
    floors.push(floor(&deliveries).await?);
    let floor = median(floors);
    let mut add = |name: &str, measured, part| {
        let target = Target::AtLeastOfFloor(part);
        table.add(Figure { name: name.to_owned(), unit: "/s", measured, floor: Some(floor), target });
    };
    add("webhooks, intake alone", median(intakes), 0.3);
    add("webhooks, decisions written", sustained.per_second, 0.06);
    let mut add = |name: &str, measured, target| {
        table.add(Figure { name: name.to_owned(), unit: "MB", measured, floor: None, target });
    };
    add("memory, idle", sustained.idle.now, Target::AtMost(40.0));
    add("  of it its own, the rest its program's file", sustained.idle.own, Target::None);
    add("memory, at most under load", sustained.highest, Target::None);
    add("memory, idle again after the load", sustained.rested, Target::None);
    Ok(())
}

async fn floor(deliveries: &Deliveries) -> anyhow::Result<f64> {
    let floor = Role::start("floor", &["github".as_ref()]).await?;
    short(floor.address, deliveries, "floor").await
}

async fn short(target: SocketAddr, deliveries: &Deliveries, name: &str) -> anyhow::Result<f64> {
    let outcome = load::run(target, deliveries, SHORT).await?;
    print(name, &outcome);
    Ok(outcome.per_second)
}

fn print(name: &str, outcome: &Outcome) {
    println!("  {name:<8} {:>7.0}/s   {}", outcome.per_second, outcome.latency);
}

/// What `pullwright up` does under load, and what it holds in memory, in MB.
struct Sustained {
    /// Webhooks, from the first one sent to the last decision committed.
    per_second: f64,
    idle: Memory,
    highest: f64,
    rested: f64,
}

async fn sustained(deliveries: &Deliveries) -> anyhow::Result<Sustained> {
    let forge = Forge::start().await?;
    let site = Site::new(&forge, LABEL, "true", NEVER)?;
    let up = site.start().await?;
    up.until_taking_jobs().await?;
    tokio::time::sleep(REST).await;
    let idle = process::memory(&up.child)?;

    let clock = SystemClock::new();
    let outcome = load::run(up.address, deliveries, LONG).await?;
    let sent = clock.monotonic();
    let waiting = waiting(&up).await?;
    let decided = until_decided(&up, outcome.accepted, &clock).await?;
    let drain = decided.saturating_sub(sent);
    let per_second = outcome.accepted as f64 / decided.as_secs_f64();

    print("up", &outcome);
    println!(
        "           {} accepted, {waiting} waiting when the last was answered, all decided {} later: {per_second:.0}/s",
        outcome.accepted,
        millis(drain),
    );
    let loaded = process::memory(&up.child)?;
    tokio::time::sleep(REST).await;
    let rested = process::memory(&up.child)?;
    println!(
        "           memory {:.1} MB idle, {:.1} MB after the load ({:.1} MB at most), {:.1} MB after {} s of rest",
        idle.now,
        loaded.now,
        loaded.highest,
        rested.now,
        REST.as_secs()
    );
    println!("           store.db {:.0} MB", site.size("store.db") as f64 / 1e6);
    up.stop().await?;

    let again = site.start().await?;
    println!("           ready {} after a start on these records", millis(again.ready_after));
    again.stop().await?;
    Ok(Sustained { per_second, idle, highest: loaded.highest, rested: rested.now })
}

/// Deliveries that wait for their decision, as `/readyz` tells.
async fn waiting(up: &Up) -> anyhow::Result<u64> {
    let readiness: Value = serde_json::from_str(&up.text("/readyz").await?)?;
    let checks = readiness["checks"].as_array().context("no checks")?;
    let queue = checks.iter().find(|check| check["name"] == "queue").context("no check of the queue")?;
    let detail = queue["detail"].as_str().unwrap_or_default();
    detail.split(' ').next().and_then(|count| count.parse().ok()).context("no depth")
}

/// When the last of `accepted` decisions was committed. Fails if any was not an ordinary one.
async fn until_decided(up: &Up, accepted: u64, clock: &SystemClock) -> anyhow::Result<Duration> {
    loop {
        let metrics = up.text("/metrics").await?;
        let now = clock.monotonic();
        let decisions = metrics.lines().filter(|line| line.starts_with("pullwright_decisions_total{"));
        let (mut all, mut ordinary) = (0, 0);
        for line in decisions {
            let count: u64 = line.rsplit(' ').next().unwrap_or_default().parse()?;
            all += count;
            ordinary += if line.contains("verdict=\"not_matched\"") { count } else { 0 };
        }
        if all >= accepted {
            if (all, ordinary) != (accepted, accepted) {
                bail!("{accepted} were accepted, {all} decided, {ordinary} of them as expected");
            }
            return Ok(now);
        }
        if now > PATIENCE * 5 {
            bail!("of {accepted} accepted only {all} are decided");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
