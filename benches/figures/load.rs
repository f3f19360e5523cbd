//! A closed loop of webhooks: each connection sends the next one when it has its answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{bail, ensure};
use schemas::{Clock, SystemClock};
use tokio::task::JoinSet;

use crate::deliveries::{Deliveries, FIRST};
use crate::http::Connection;
use crate::spread::Spread;

/// How long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// At once.
    pub connections: usize,
    /// Sent and answered, but not counted.
    pub warm_up: Duration,
    /// Counted.
    pub time: Duration,
}

/// What came of it.
pub struct Outcome {
    /// Webhooks that were answered 202 or 200, those of the warm-up among them.
    pub accepted: u64,
    /// Of them a second, without the warm-up.
    pub per_second: f64,
    /// From the first byte sent to the last one read, without the warm-up.
    pub latency: Spread,
}

/// Sends by `plan`, from one thread of its own.
///
/// # Errors
/// When a connection breaks, or something else is answered.
pub async fn run(target: SocketAddr, deliveries: &Deliveries, plan: Plan) -> anyhow::Result<Outcome> {
    let deliveries = deliveries.clone();
    let sending = tokio::task::spawn_blocking(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(send(
            target,
            Arc::new(deliveries),
            plan,
        ))
    });
    sending.await?
}

/// Sends one webhook of each number, so many at once.
///
/// # Errors
/// When a connection breaks, or one is not taken.
pub async fn send_all(
    target: SocketAddr,
    deliveries: &Deliveries,
    numbers: Range<u64>,
    connections: usize,
) -> anyhow::Result<()> {
    let (next, deliveries) = (Arc::new(AtomicU64::new(numbers.start)), Arc::new(deliveries.clone()));
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::open(target).await?;
        let (next, deliveries) = (Arc::clone(&next), Arc::clone(&deliveries));
        senders.spawn(async move {
            let mut request = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return anyhow::Ok(());
                }
                deliveries.write(number, "reporter", &mut request);
                let answer = connection.exchange(&request).await?;
                ensure!(answer.status == 202, "a webhook was answered {}", answer.status);
            }
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    Ok(())
}

async fn send(target: SocketAddr, deliveries: Arc<Deliveries>, plan: Plan) -> anyhow::Result<Outcome> {
    let (clock, next) = (Arc::new(SystemClock::new()), Arc::new(AtomicU64::new(FIRST)));
    let mut senders = JoinSet::new();
    for _ in 0..plan.connections {
        let connection = Connection::open(target).await?;
        let (clock, next, deliveries) = (Arc::clone(&clock), Arc::clone(&next), Arc::clone(&deliveries));
        senders.spawn(sender(connection, clock, next, deliveries, plan));
    }
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    let mut times = Vec::new();
    while let Some(sent) = senders.join_next().await {
        for (status, time) in sent?? {
            *statuses.entry(status).or_default() += 1;
            times.extend(time);
        }
    }
    // Ours says 202; others say 200.
    let accepted = [202, 200].into_iter().filter_map(|status| statuses.remove(&status)).sum();
    if !statuses.is_empty() {
        bail!("{accepted} webhooks were accepted, others answered {statuses:?}");
    }
    let per_second = times.len() as f64 / plan.time.as_secs_f64();
    Ok(Outcome { accepted, per_second, latency: times.into_iter().collect() })
}

/// One connection's answers; those that count with their time.
async fn sender(
    mut connection: Connection,
    clock: Arc<SystemClock>,
    next: Arc<AtomicU64>,
    deliveries: Arc<Deliveries>,
    plan: Plan,
) -> std::io::Result<Vec<(u16, Option<Duration>)>> {
    let mut answers = Vec::new();
    let mut request = Vec::new();
    loop {
        deliveries.write(next.fetch_add(1, Ordering::Relaxed), "reporter", &mut request);
        let begin = clock.monotonic();
        if begin >= plan.warm_up + plan.time {
            return Ok(answers);
        }
        let answer = connection.exchange(&request).await?;
        let end = clock.monotonic();
        let counts = begin >= plan.warm_up && end < plan.warm_up + plan.time;
        answers.push((answer.status, counts.then(|| end - begin)));
    }
}
