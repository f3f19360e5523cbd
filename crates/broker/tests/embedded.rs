//! The embedded queue, from outside: order, durability, limits, faults.
#![expect(clippy::unwrap_used, reason = "a failure of a test is a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use broker::{ConsumeError, Consumer, OpenError, Position, PublishError, Queue, QueueLimits};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemas::clock::FakeClock;
use schemas::delivery::Body;
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn delivery(clock: &dyn Clock, body: &[u8]) -> Delivery {
    Delivery {
        id: DeliveryId::fresh(clock),
        webhook: "github".into(),
        received_at: clock.now(),
        headers: BTreeMap::from([("x-github-event".into(), "push".into())]),
        body: Body::from_stored(Bytes::copy_from_slice(body)),
        trace: TraceContext::default(),
        replay_of: None,
    }
}

async fn open(folder: &Path) -> Queue {
    Queue::open(&folder.join("queue.db"), QueueLimits::default()).await.unwrap()
}

#[tokio::test]
async fn what_was_published_comes_out_in_order_until_it_is_acked() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(start(), 1);
    let queue = open(folder.path()).await;
    let publisher = queue.publisher();
    let sent: Vec<_> = (0..10u8).map(|n| delivery(&clock, &[n; 100])).collect();
    for delivery in &sent {
        publisher.publish(delivery.clone()).await.unwrap();
    }
    let mut consumer = queue.consumer().unwrap();
    let first = consumer.next(4).await.unwrap();
    let rest = consumer.next(100).await.unwrap();
    let got: Vec<_> = first.iter().chain(&rest).map(|one| one.delivery.clone().unwrap()).collect();
    assert_eq!(got, sent);
    assert_eq!(queue.depth().rows, 10);
    assert_eq!(queue.depth().oldest, Some(start()));

    consumer.ack(first.last().unwrap().position).await.unwrap();
    assert_eq!(queue.depth().rows, 6);
    drop(consumer);
    let mut again = queue.consumer().unwrap();
    let got: Vec<_> = again.next(100).await.unwrap().into_iter().map(|one| one.delivery.unwrap()).collect();
    assert_eq!(got, sent[4..], "a new consumer starts at the oldest that is not acked");

    queue.close().await;
    assert_eq!(again.next(1).await, Err(ConsumeError::Closed));
    assert!(matches!(publisher.publish(sent[0].clone()).await, Err(PublishError::Unavailable(_))));
}

#[tokio::test]
async fn a_waiting_consumer_wakes_when_something_comes() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(start(), 1);
    let queue = open(folder.path()).await;
    let mut consumer = queue.consumer().unwrap();
    let waiting = tokio::spawn(async move { consumer.next(10).await.map(|batch| batch.len()) });
    tokio::task::yield_now().await;
    queue.publisher().publish(delivery(&clock, b"x")).await.unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_at_once_lose_and_double_nothing_while_it_is_consumed() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path()).await;
    let mut tasks = Vec::new();
    for seed in 0..16u64 {
        let publisher = queue.publisher();
        tasks.push(tokio::spawn(async move {
            let clock = FakeClock::new(start(), seed);
            let mut ids = Vec::new();
            for _ in 0..100 {
                // Large enough for several checkpoints, and for batches bounded by bytes.
                let delivery = delivery(&clock, &vec![7; 40_000]);
                ids.push(delivery.id);
                publisher.publish(delivery).await.unwrap();
            }
            ids
        }));
    }
    let mut consumer = queue.consumer().unwrap();
    let mut seen = Vec::new();
    let mut last = Position(0);
    while seen.len() < 1600 {
        for received in consumer.next(50).await.unwrap() {
            assert!(received.position > last);
            last = received.position;
            seen.push(received.delivery.unwrap().id);
        }
        consumer.ack(last).await.unwrap();
    }
    let mut sent = BTreeSet::new();
    for task in tasks {
        sent.extend(task.await.unwrap());
    }
    assert_eq!(seen.len(), 1600);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), sent);
    assert_eq!(queue.depth(), broker::Depth::default());
    queue.close().await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_takes_again_after_an_ack() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(start(), 1);
    let limits = QueueLimits { max_bytes: 5_000, max_message: 2_000, keep_free: 0 };
    let queue = Queue::open(&folder.path().join("queue.db"), limits).await.unwrap();
    let publisher = queue.publisher();
    assert!(matches!(
        publisher.publish(delivery(&clock, &[0; 2_000])).await,
        Err(PublishError::TooLarge { size, limit: 2_000 }) if size > 2_000
    ));
    let mut stored = 0;
    while publisher.publish(delivery(&clock, &[0; 1_000])).await.is_ok() {
        stored += 1;
    }
    assert_eq!(stored, 4);
    assert_eq!(publisher.publish(delivery(&clock, &[0; 1_000])).await, Err(PublishError::Full));

    let mut consumer = queue.consumer().unwrap();
    let batch = consumer.next(10).await.unwrap();
    assert_eq!(batch.len(), 4);
    consumer.ack(batch[0].position).await.unwrap();
    publisher.publish(delivery(&clock, &[0; 1_000])).await.unwrap();
    assert_eq!(publisher.publish(delivery(&clock, &[0; 1_000])).await, Err(PublishError::Full));
    queue.close().await;
}

#[tokio::test]
async fn one_process_and_one_consumer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path()).await;
    let second = Queue::open(&folder.path().join("queue.db"), QueueLimits::default()).await;
    let error = second.err().unwrap();
    assert!(matches!(error, OpenError::InUse(_)));
    assert!(error.to_string().contains("in use by another process"), "{error}");

    let consumer = queue.consumer().unwrap();
    assert!(queue.consumer().is_err());
    drop(consumer);
    assert!(queue.consumer().is_ok());

    queue.close().await;
    open(folder.path()).await.close().await;
}

#[tokio::test]
async fn its_files_are_private_even_when_they_were_not() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(start(), 1);
    open(folder.path()).await.close().await;
    let path = folder.path().join("queue.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let queue = open(folder.path()).await;
    queue.publisher().publish(delivery(&clock, b"x")).await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
    queue.close().await;
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    std::fs::write(&path, b"This is not a database, it only stands where one should be. ".repeat(20))
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Queue::open(&path, QueueLimits::default()).await.err().unwrap();
    assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let missing = folder.path().join("nowhere/queue.db");
    assert!(matches!(Queue::open(&missing, QueueLimits::default()).await, Err(OpenError::File { .. })));
}

#[tokio::test]
async fn who_gives_up_waiting_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(start(), 1);
    let queue = open(folder.path()).await;
    let publisher = queue.publisher();
    for _ in 0..50 {
        let given_up = publisher.publish(delivery(&clock, b"x"));
        // Polled once at most: it may or may not get in, and must not disturb.
        tokio::select! { biased; _ = given_up => {}, () = std::future::ready(()) => {} }
        publisher.publish(delivery(&clock, b"y")).await.unwrap();
    }
    let mut consumer = queue.consumer().unwrap();
    let mut bodies = Vec::new();
    while bodies.iter().filter(|body| **body == *b"y").count() < 50 {
        let batch = consumer.next(500).await.unwrap();
        bodies.extend(batch.into_iter().map(|one| one.delivery.unwrap().body.as_stored().to_vec()));
    }
    queue.close().await;
}
