//! Workers on other machines, as the database keeps them.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Pool, WorkerName};
use store::{HashedSecret, WorkerRecord};

use crate::open;

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-26T10:00:00.123456Z").unwrap().to_utc()
}

fn secret(hash: &str) -> Option<HashedSecret> {
    Some(HashedSecret { hash: hash.into(), expires_at: now() + TimeDelta::hours(1) })
}

#[tokio::test]
async fn a_worker_is_read_as_it_was_written() {
    let (store, _place) = open().await;
    let name = WorkerName::from("build-1");
    let invited = WorkerRecord { enrolment: secret("e"), ..WorkerRecord::invited(name.clone(), now()) };
    let tx = store.begin().await.unwrap();
    assert_eq!(tx.lock_worker(&name).await.unwrap(), None);
    tx.insert_worker(&invited).await.unwrap();
    assert_eq!(tx.lock_worker(&name).await.unwrap().as_ref(), Some(&invited));
    tx.insert_worker(&invited).await.unwrap_err();
    drop(tx);
    assert_eq!(store.worker(&name).await.unwrap(), None, "what was not committed is not there");

    let full = WorkerRecord {
        pool: Pool::from("gpu"),
        enrolment_used: true,
        enrolled_at: Some(now()),
        credential: secret("c"),
        previous: secret("p"),
        revoked_at: Some(now()),
        draining: true,
        last_seen_at: Some(now()),
        slots: 4,
        software: "pullwright 0.1.0".into(),
        skew_ms: Some(-12),
        ..invited.clone()
    };
    let tx = store.begin().await.unwrap();
    tx.insert_worker(&invited).await.unwrap();
    tx.save_worker(&full).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.worker(&name).await.unwrap().as_ref(), Some(&full));

    let tx = store.begin().await.unwrap();
    let later = now() + TimeDelta::seconds(10);
    tx.worker_seen(&name, later, None).await.unwrap();
    assert!(tx.set_draining(&name, false).await.unwrap());
    assert!(!tx.set_draining(&WorkerName::from("nobody"), true).await.unwrap());
    tx.insert_worker(&WorkerRecord::invited(WorkerName::from("a"), now())).await.unwrap();
    tx.commit().await.unwrap();
    let seen = WorkerRecord { last_seen_at: Some(later), draining: false, ..full };
    let workers = store.workers().await.unwrap();
    assert_eq!(workers.iter().map(|worker| worker.name.as_str()).collect::<Vec<_>>(), ["a", "build-1"]);
    assert_eq!(workers[1], seen, "the clock's difference stays as it was");
    let tx = store.begin().await.unwrap();
    tx.worker_seen(&name, later, Some(500)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.worker(&name).await.unwrap().unwrap().skew_ms, Some(500));
    assert_eq!(store.holds().await.unwrap(), []);
}
