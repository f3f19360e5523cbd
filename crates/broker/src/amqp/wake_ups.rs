//! Wake-ups across machines: what [`WakeUps`] are in one process, through a queue per pool.
//!
//! A message wakes one worker, so as many are sent as there are workers; a lost or a needless one
//! is harmless, as workers also ask from time to time and claiming then finds nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::wake::{Follower, WakeUps};

use super::connect::{ANSWER, CONNECT, Link, connect};
use super::error::AmqpError;
use super::health::{Health, State, set};
use super::publisher::RECONNECT;
use super::settings::AmqpSettings;
use super::subscription::{Source, Subscription};
use super::topology::{self, JOBS};

/// Messages for one wake-up; beyond it the rest of the workers ask by themselves.
const MOST_WORKERS: u32 = 64;
/// Wake-ups that wait for one worker: they are acked at once, so that one too many costs nothing.
const PREFETCH: u16 = 4;

/// The dispatcher's side: passes wake-ups on to RabbitMQ, and makes the queue of each pool.
#[derive(Debug)]
pub struct WakeSender {
    health: watch::Receiver<Health>,
    task: JoinHandle<()>,
}

impl WakeSender {
    /// Passes on what `wake_ups` gets, until it is dropped.
    #[must_use]
    pub fn start(settings: AmqpSettings, wake_ups: WakeUps) -> Self {
        let (health, watched) = Health::channel();
        let task = tokio::spawn(send(settings, wake_ups, health));
        Self { health: watched, task }
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }
}

impl Drop for WakeSender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn send(settings: AmqpSettings, wake_ups: WakeUps, health: watch::Sender<Health>) {
    let mut failures = 0;
    loop {
        // Whatever woke while there was no connection is sent now: once too often harms nobody.
        let mut pools = wake_ups.follow();
        let error = match open_sender(&settings).await {
            Ok((connection, channel)) => {
                failures = 0;
                set(&health, State::Ready);
                pass_on(&connection, &channel, &mut pools, &settings).await
            }
            Err(error) => error,
        };
        set(&health, State::Down(error.in_full()));
        tokio::time::sleep(RECONNECT.delay(failures, u16::MAX)).await;
        failures = failures.saturating_add(1);
    }
}

async fn open_sender(settings: &AmqpSettings) -> Result<(Link, Channel), AmqpError> {
    let connection = connect(settings).await?;
    let silent = |_| AmqpError::Silent { host: settings.address.to_string() };
    let channel = timeout(CONNECT, connection.create_channel()).await.map_err(silent)?;
    let channel = channel.map_err(|error| AmqpError::of(&error, settings))?;
    Ok((connection, channel))
}

async fn pass_on(
    connection: &Connection,
    channel: &Channel,
    pools: &mut Follower,
    settings: &AmqpSettings,
) -> AmqpError {
    let mut declared = BTreeSet::new();
    let silent = || AmqpError::Silent { host: settings.address.to_string() };
    loop {
        let woken = tokio::select! {
            woken = pools.woken() => woken,
            error = watch_idle(channel, &declared) => return AmqpError::of(&error, settings),
        };
        for pool in woken {
            if !declared.contains(&pool) {
                match timeout(CONNECT, topology::declare_jobs(connection, settings, &pool)).await {
                    Ok(Ok(())) => declared.insert(pool.clone()),
                    Ok(Err(error)) => return error,
                    Err(_) => return silent(),
                };
            }
            match timeout(ANSWER, wake(channel, &pool)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return AmqpError::of(&error, settings),
                // Blocked for want of memory: workers ask by themselves until that is over.
                Err(_) if connection.status().blocked() => {}
                Err(_) => return silent(),
            }
        }
    }
}

/// Sends one message for each worker that listens; one when none does, for the next that comes.
async fn wake(channel: &Channel, pool: &str) -> Result<(), lapin::Error> {
    let queue = format!("{JOBS}.{pool}");
    let queue = channel.queue_declare(queue.into(), topology::passive(), FieldTable::default()).await?;
    for _ in 0..queue.consumer_count().clamp(1, MOST_WORKERS) {
        // No confirm: the database is the truth, and the dispatcher's sweep repeats it.
        let options = BasicPublishOptions::default();
        channel.basic_publish(JOBS.into(), pool.into(), options, b"", BasicProperties::default()).await?;
    }
    Ok(())
}

/// Returns when the connection or a queue is gone, which nothing else would tell while nothing is sent.
async fn watch_idle(channel: &Channel, pools: &BTreeSet<String>) -> lapin::Error {
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        for pool in pools {
            let queue = format!("{JOBS}.{pool}");
            if let Err(error) =
                channel.queue_declare(queue.into(), topology::passive(), FieldTable::default()).await
            {
                return error;
            }
        }
    }
}

/// A worker's side: rings [`WakeUps`] of its process when its pool is woken.
#[derive(Debug)]
pub struct WakeReceiver {
    health: watch::Receiver<Health>,
    task: JoinHandle<()>,
}

impl WakeReceiver {
    /// Listens on the queue of `pool` until it is dropped.
    #[must_use]
    pub fn start(settings: AmqpSettings, wake_ups: WakeUps, pool: &str) -> Self {
        let (health, watched) = Health::channel();
        let task = tokio::spawn(receive(settings, wake_ups, pool.to_owned(), health));
        Self { health: watched, task }
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }
}

impl Drop for WakeReceiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(settings: AmqpSettings, wake_ups: WakeUps, pool: String, health: watch::Sender<Health>) {
    let mut failures = 0;
    loop {
        let state = match Subscription::open(&settings, Source::Jobs(&pool), PREFETCH).await {
            Ok(mut subscription) => {
                failures = 0;
                set(&health, State::Ready);
                // What was queued while it was away it finds by asking.
                wake_ups.wake(&pool);
                State::Down(listen(&mut subscription, &wake_ups, &pool).await.in_full())
            }
            Err(error @ AmqpError::Missing { .. }) => State::NoQueue(error.in_full()),
            Err(error) => State::Down(error.in_full()),
        };
        set(&health, state);
        tokio::time::sleep(RECONNECT.delay(failures, u16::MAX)).await;
        failures = failures.saturating_add(1);
    }
}

async fn listen(subscription: &mut Subscription, wake_ups: &WakeUps, pool: &str) -> AmqpError {
    loop {
        let heard = subscription.next(0).await;
        let acked = match heard {
            // At once: the lease in the database is what holds a job, never an unacked message.
            Ok(message) => subscription.ack(message.delivery_tag, false).await,
            Err(error) => return error,
        };
        wake_ups.wake(pool);
        if let Err(error) = acked {
            return error;
        }
    }
}
