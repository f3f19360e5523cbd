//! Deliveries, and waiting for what another process does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use broker::amqp::{Health, State};
use broker::{Consumer, PublishError, Publisher};
use bytes::Bytes;
use chrono::DateTime;
use schemas::clock::FakeClock;
use schemas::delivery::Body;
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// For anything that another process has to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn clock(seed: u64) -> FakeClock {
    FakeClock::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap(), seed)
}

pub fn delivery(clock: &dyn Clock, body: &[u8]) -> Delivery {
    Delivery {
        id: DeliveryId::fresh(clock),
        webhook: "github".into(),
        received_at: clock.now(),
        headers: BTreeMap::from([("x-github-event".into(), "push".into())]),
        body: Body::from_stored(Bytes::copy_from_slice(body)),
        trace: TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        replay_of: None,
    }
}

/// Asks again until it is so.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let ask = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, ask).await.is_ok(), "not in time: {what}");
}

/// Waits until the health is as asked.
pub async fn until(health: &mut watch::Receiver<Health>, is_so: impl FnMut(&Health) -> bool) -> Health {
    let found = tokio::time::timeout(PATIENCE, health.wait_for(is_so)).await;
    let found = found.ok().map(|found| found.unwrap().clone());
    found.unwrap_or_else(|| panic!("it stays {:?}", *health.borrow()))
}

pub async fn ready(health: &mut watch::Receiver<Health>) {
    until(health, |health| health.state == State::Ready).await;
}

/// Reads, trying again as the dispatcher does, until it has so many; acks each batch if asked.
pub async fn take(consumer: &mut dyn Consumer, count: usize, ack: bool) -> Vec<Delivery> {
    let mut taken = Vec::new();
    let read = async {
        while taken.len() < count {
            let Ok(batch) = consumer.next(count - taken.len()).await else { continue };
            let last = batch.last().unwrap().position;
            taken.extend(batch.into_iter().map(|one| one.delivery.unwrap()));
            if ack {
                consumer.ack(last).await.unwrap();
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, read).await.is_ok(), "{} of {count} came", taken.len());
    taken
}

/// Publishes, and again as a sender does, until it is stored.
pub async fn publish(publisher: &dyn Publisher, delivery: Delivery) {
    eventually("a publish", async || match publisher.publish(delivery.clone()).await {
        Ok(()) => true,
        Err(PublishError::TooLarge { .. }) => panic!("it is too large"),
        Err(_) => false,
    })
    .await;
}

/// Many publishers at once, until they are told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    pub confirmed: Arc<AtomicUsize>,
    pub refused: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<BTreeSet<DeliveryId>>>,
}

impl Load {
    pub fn start(publisher: &Arc<dyn Publisher>, publishers: u64) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            confirmed: Arc::default(),
            refused: Arc::default(),
            tasks: Vec::new(),
        };
        for seed in 0..publishers {
            let (publisher, stop) = (Arc::clone(publisher), Arc::clone(&load.stop));
            let (confirmed, refused) = (Arc::clone(&load.confirmed), Arc::clone(&load.refused));
            load.tasks.push(tokio::spawn(async move {
                let clock = clock(seed);
                let mut ids = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    let delivery = delivery(&clock, &[7; 700]);
                    let id = delivery.id;
                    if publisher.publish(delivery).await.is_ok() {
                        ids.insert(id);
                        confirmed.fetch_add(1, Ordering::Relaxed);
                    } else {
                        refused.fetch_add(1, Ordering::Relaxed);
                        // A refusal may come at once; the next try is not to starve what it waits for.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
                ids
            }));
        }
        load
    }

    /// Waits for so many more confirmed publishes.
    pub async fn confirms(&self, more: usize) {
        let goal = self.confirmed.load(Ordering::Relaxed) + more;
        eventually("confirmed publishes", async || self.confirmed.load(Ordering::Relaxed) >= goal).await;
    }

    /// The ids of what was confirmed.
    pub async fn stop(self) -> BTreeSet<DeliveryId> {
        self.stop.store(true, Ordering::Relaxed);
        let mut ids = BTreeSet::new();
        for task in self.tasks {
            ids.extend(task.await.unwrap());
        }
        ids
    }
}

/// Reads and acks on the side until everything in `wanted` was seen; what else came is fine.
pub async fn read_all(
    consumer: &mut dyn Consumer,
    seen: &mut BTreeSet<DeliveryId>,
    wanted: &BTreeSet<DeliveryId>,
) {
    let read = async {
        while !wanted.is_subset(seen) {
            read_some(consumer, seen).await;
        }
    };
    let finished = tokio::time::timeout(PATIENCE, read).await.is_ok();
    let lost = wanted.difference(seen).count();
    assert!(finished, "{lost} of {} confirmed deliveries are lost", wanted.len());
}

pub async fn read_some(consumer: &mut dyn Consumer, seen: &mut BTreeSet<DeliveryId>) {
    if let Ok(batch) = consumer.next(256).await {
        let last = batch.last().unwrap().position;
        seen.extend(batch.into_iter().filter_map(|one| Some(one.delivery.ok()?.id)));
        // An ack may fail; then they come again.
        let _ = consumer.ack(last).await;
    }
}
