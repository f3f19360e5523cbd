//! A process that is killed while it publishes: what it was told is stored, is stored.
//!
//! The test starts itself again as the process that dies; the parent kills it with SIGKILL.
#![expect(clippy::unwrap_used, reason = "a failure of a test is a panic")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use broker::{Consumer, Queue, QueueLimits};
use schemas::clock::SystemClock;
use schemas::delivery::Body;
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};

const QUEUE: &str = "PULLWRIGHT_TEST_QUEUE";

fn delivery(clock: &dyn Clock) -> Delivery {
    Delivery {
        id: DeliveryId::fresh(clock),
        webhook: "github".into(),
        received_at: clock.now(),
        headers: [].into(),
        body: Body::compress(&[1; 3000]),
        trace: TraceContext::default(),
        replay_of: None,
    }
}

/// Publishes from several tasks until killed; prints each id once publishing returned.
async fn publish_forever(path: PathBuf) {
    let queue = Queue::open(&path, QueueLimits::default()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let publisher = queue.publisher();
        tasks.spawn(async move {
            let clock = SystemClock::new();
            loop {
                let delivery = delivery(&clock);
                let id = delivery.id;
                if publisher.publish(delivery).await.is_err() {
                    return;
                }
                println!("stored {id}");
            }
        });
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_confirmed_is_lost_by_a_kill() {
    if let Some(path) = std::env::var_os(QUEUE) {
        return publish_forever(path.into()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let mut confirmed = BTreeSet::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "nothing_that_was_confirmed_is_lost_by_a_kill", "--nocapture"])
            .env(QUEUE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut take = |line: std::io::Result<String>| {
            if let Some(id) = line.unwrap().strip_prefix("stored ") {
                confirmed.insert(id.parse::<DeliveryId>().unwrap());
            }
        };
        (&mut lines).take(500 * round).for_each(&mut take);
        child.kill().unwrap();
        lines.for_each(&mut take);
        child.wait().unwrap();
    }
    assert!(confirmed.len() > 2_000, "{}", confirmed.len());

    let queue = Queue::open(&path, QueueLimits::default()).await.unwrap();
    let waiting = queue.depth().rows;
    let mut consumer = queue.consumer().unwrap();
    let mut found = BTreeSet::new();
    while (found.len() as u64) < waiting {
        for received in consumer.next(1000).await.unwrap() {
            assert!(found.insert(received.delivery.unwrap().id), "stored twice");
        }
    }
    let lost: Vec<_> = confirmed.difference(&found).collect();
    assert!(lost.is_empty(), "{} lost", lost.len());
    queue.close().await;
}
