//! A full disk: publishing is refused, never confirmed by mistake, and works again once there is space.
//!
//! Needs a small file system: the test starts itself again in a mount namespace of its own, and
//! says that it is skipped where the system does not allow that.
#![expect(clippy::unwrap_used, reason = "a failure of a test is a panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use broker::{Consumer, PublishError, Queue, QueueLimits};
use bytes::Bytes;
use schemas::clock::FakeClock;
use schemas::delivery::Body;
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};

const FOLDER: &str = "PULLWRIGHT_TEST_SMALL_DISK";
const UNSHARE: [&str; 4] = ["--user", "--map-root-user", "--mount", "sh"];
const MOUNT: &str = r#"mount -t tmpfs -o size=12m none "$0""#;

fn delivery(clock: &dyn Clock) -> Delivery {
    Delivery {
        id: DeliveryId::fresh(clock),
        webhook: "github".into(),
        received_at: clock.now(),
        headers: [].into(),
        body: Body::from_stored(Bytes::from_static(&[7; 20_000])),
        trace: TraceContext::default(),
        replay_of: None,
    }
}

/// Space runs out under SQLite's feet.
async fn fill_to_the_last_byte(path: PathBuf) {
    let ballast = path.with_extension("ballast");
    std::fs::write(&ballast, vec![0; 4 << 20]).unwrap();
    let limits = QueueLimits { keep_free: 0, ..QueueLimits::default() };
    let queue = Queue::open(&path, limits).await.unwrap();
    let publisher = queue.publisher();
    let clock = FakeClock::new(chrono::DateTime::UNIX_EPOCH, 1);
    let mut stored = BTreeSet::new();
    let mut publish = async || {
        let delivery = delivery(&clock);
        let id = delivery.id;
        publisher.publish(delivery).await.map(|()| assert!(stored.insert(id)))
    };
    while publish().await.is_ok() {}
    for _ in 0..20 {
        assert_eq!(publish().await, Err(PublishError::Full));
    }
    std::fs::remove_file(&ballast).unwrap();
    for _ in 0..10 {
        publish().await.unwrap();
    }
    assert_eq!(queue.depth().rows, stored.len() as u64);
    queue.close().await;

    let queue = Queue::open(&path, limits).await.unwrap();
    let mut consumer = queue.consumer().unwrap();
    let mut found = BTreeSet::new();
    while found.len() < stored.len() {
        found.extend(consumer.next(100).await.unwrap().into_iter().map(|one| one.delivery.unwrap().id));
    }
    assert_eq!(found, stored);
    assert_eq!(queue.depth().rows, stored.len() as u64);
    queue.close().await;
    std::fs::remove_file(&path).unwrap();
}

/// The queue itself filled the disk: what was kept free lets it empty itself and go on.
async fn fill_down_to_what_is_kept_free(path: PathBuf) {
    let limits = QueueLimits { keep_free: 4 << 20, ..QueueLimits::default() };
    let queue = Queue::open(&path, limits).await.unwrap();
    let publisher = queue.publisher();
    let mut consumer = queue.consumer().unwrap();
    let clock = FakeClock::new(chrono::DateTime::UNIX_EPOCH, 1);
    for round in 0..5 {
        let mut stored = 0;
        loop {
            match publisher.publish(delivery(&clock)).await {
                Ok(()) => stored += 1,
                Err(error) => break assert_eq!(error, PublishError::Full),
            }
        }
        assert!(stored > 30, "round {round}: {stored}");
        while stored > 0 {
            let batch = consumer.next(10).await.unwrap();
            stored -= batch.len();
            consumer.ack(batch.last().unwrap().position).await.unwrap();
        }
    }
    queue.close().await;
}

fn can_mount(folder: &Path) -> bool {
    let probe = Command::new("unshare").args(UNSHARE).args(["-c", MOUNT]).arg(folder).status();
    probe.is_ok_and(|status| status.success())
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let path = PathBuf::from(folder).join("queue.db");
        fill_to_the_last_byte(path.clone()).await;
        return fill_down_to_what_is_kept_free(path).await;
    }
    let folder = tempfile::tempdir().unwrap();
    if !can_mount(folder.path()) {
        eprintln!("skipped: this system lets no unprivileged process mount a small file system");
        return;
    }
    let again = format!(r#"{MOUNT} && exec "$1" --exact a_full_disk_refuses_and_recovers --nocapture"#);
    let status = Command::new("unshare")
        .args(UNSHARE)
        .args(["-c", &again])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}
