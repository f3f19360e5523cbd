//! A server that goes away, and one that refuses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::Executor;
use store::{Address, ConnectError, Fault, PostgresAddress, Store, StoreError, Tls};

use crate::contract::{delivery, now};
use crate::{bare, server::Server, try_bare};

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries until the server is back.
async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    let back = async {
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, back).await.unwrap()
}

#[tokio::test]
async fn a_transaction_that_loses_its_connection_leaves_nothing() {
    let Some(server) = Server::find().await else { return };
    let address = server.database().await;
    let store = Store::open(&Address::Postgres(address.clone())).await.unwrap();
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&[delivery(1, &["a"])], now()).await.unwrap();
    let mut other = bare(&address).await;
    other
        .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()")
        .await
        .unwrap();
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.fault(), Fault::Down, "{error:?}");
    assert_eq!(store.delivery_count().await.unwrap(), 0);
    // Its turn is free again.
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&[delivery(1, &["a"])], now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.delivery_count().await.unwrap(), 1);
}

#[tokio::test]
async fn after_a_crash_what_was_committed_is_there_and_nothing_else() {
    let Some(server) = Server::start("").await else { return };
    let store = Store::open(&Address::Postgres(server.database().await)).await.unwrap();
    let tx = store.begin().await.unwrap();
    tx.insert_deliveries(&[delivery(1, &["a"])], now()).await.unwrap();
    tx.commit().await.unwrap();
    let open = store.begin().await.unwrap();
    open.insert_deliveries(&[delivery(2, &["b"])], now()).await.unwrap();
    server.script("kill", &[]).await;
    assert_eq!(open.commit().await.unwrap_err().fault(), Fault::Down);
    assert_eq!(store.ping().await.unwrap_err().fault(), Fault::Down);
    assert_eq!(store.begin().await.unwrap_err().fault(), Fault::Down);
    server.up().await;
    // By itself, with the connections it has.
    let count = eventually(async || store.delivery_count().await).await;
    assert_eq!(count, 1);
    let tx = eventually(async || store.begin().await).await;
    tx.insert_deliveries(&[delivery(2, &["b"])], now()).await.unwrap();
    tx.commit().await.unwrap();
    server.script("stop", &[]).await;
    server.up().await;
    assert_eq!(eventually(async || store.delivery_count().await).await, 2);
}

#[tokio::test]
async fn without_connections_to_spare_it_is_down_not_wrong() {
    let Some(server) = Server::start("max_connections = 6\nsuperuser_reserved_connections = 0").await else {
        return;
    };
    let address = server.database().await;
    let store = Store::open(&Address::Postgres(address.clone())).await.unwrap();
    let mut others = Vec::new();
    while let Ok(other) = try_bare(&address).await {
        others.push(other);
    }
    let taken = store.begin().await;
    let mut held = vec![taken];
    while held.last().unwrap().is_ok() {
        held.push(store.begin_beside().await);
    }
    let error = held.pop().unwrap().unwrap_err();
    assert_eq!(error.fault(), Fault::Down, "{error:?}");
    drop((held, others));
    eventually(async || store.begin().await).await;
}

#[tokio::test]
async fn a_read_only_database_is_down_not_wrong() {
    let Some(server) = Server::start("").await else { return };
    let address = server.database().await;
    let store = Store::open(&Address::Postgres(address.clone())).await.unwrap();
    let mut other = bare(&address).await;
    other.execute("ALTER SYSTEM SET default_transaction_read_only = on").await.unwrap();
    other.execute("SELECT pg_reload_conf()").await.unwrap();
    let numbers = AtomicU32::new(0);
    let write = async || {
        let tx = store.begin().await?;
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        tx.insert_deliveries(&[delivery(number.into(), &[])], now()).await?;
        tx.commit().await
    };
    // Sessions hear of it one after the other.
    let turned = async { while write().await.is_ok() {} };
    tokio::time::timeout(PATIENCE, turned).await.unwrap();
    assert_eq!(write().await.unwrap_err().fault(), Fault::Down);
    other.execute("ALTER SYSTEM RESET default_transaction_read_only").await.unwrap();
    other.execute("SELECT pg_reload_conf()").await.unwrap();
    eventually(write).await;
}

/// Why there is no connection.
async fn told(address: PostgresAddress) -> ConnectError {
    let Err(StoreError::Connect(error)) = Store::open(&Address::Postgres(address)).await else {
        panic!("it was opened, or failed otherwise")
    };
    let text = format!("{error} {error:?}");
    assert!(!text.contains("hunter2"), "{text}");
    error
}

/// Has it take connections over TLS from its next start on, as `localhost`; where the authority's
/// certificate is, or `None` on a machine without openssl.
fn certify(server: &Server) -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/certificates");
    if !Command::new(script).arg(&server.folder).output().is_ok_and(|made| made.status.success()) {
        println!("skipped: TLS; openssl is not installed");
        return None;
    }
    let file = |name: &str| server.folder.join(name);
    let (extra, certificate, key) = (file("extra.conf"), file("server.pem"), file("server.key"));
    let more = format!(
        "{}\nssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
        std::fs::read_to_string(&extra).unwrap(),
        certificate.display(),
        key.display()
    );
    std::fs::write(extra, more).unwrap();
    Some(file("ca.pem"))
}

#[tokio::test]
async fn over_tls_to_who_is_vouched_for() {
    let Some(server) = Server::start("fsync = off").await else { return };
    let Some(authority) = certify(&server) else { return };
    server.script("stop", &[]).await;
    server.up().await;
    let plain = server.database().await;
    let over = |tls, host: &str, vouched: bool| PostgresAddress {
        host: host.into(),
        tls,
        root_certificates: vouched.then(|| authority.clone()),
        ..plain.clone()
    };
    for wrong in [over(Tls::VerifyFull, "localhost", false), over(Tls::VerifyFull, "127.0.0.1", true)] {
        let error = told(wrong).await;
        assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    }
    let mut other = bare(&plain).await;
    for right in [
        over(Tls::VerifyFull, "localhost", true),
        over(Tls::VerifyCa, "127.0.0.1", true),
        over(Tls::Require, "127.0.0.1", false),
        over(Tls::Prefer, "127.0.0.1", false),
    ] {
        let store = Store::open(&Address::Postgres(right)).await.unwrap();
        store.ping().await.unwrap();
        let secured: Vec<(bool,)> = sqlx::query_as(
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'pullwright'",
        )
        .fetch_all(&mut other)
        .await
        .unwrap();
        assert!(!secured.is_empty() && secured.iter().all(|(ssl,)| *ssl), "{secured:?}");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_address_is_told_apart() {
    let Some(server) = Server::find().await else { return };
    let right = server.database().await;
    let wrong = PostgresAddress { password: Some("hunter2".into()), ..right.clone() };
    assert!(matches!(told(wrong).await, ConnectError::Refused { .. }));
    let wrong = PostgresAddress { database: "nowhere".into(), ..right.clone() };
    assert!(matches!(told(wrong).await, ConnectError::NoDatabase { .. }));
    let wrong = PostgresAddress { tls: Tls::VerifyFull, ..right.clone() };
    assert!(matches!(told(wrong).await, ConnectError::Tls { .. }));
    let wrong = PostgresAddress { port: 1, ..right.clone() };
    assert!(matches!(told(wrong).await, ConnectError::Unreachable { .. }));
    let wrong = PostgresAddress { host: "nowhere.invalid".into(), ..right.clone() };
    assert!(matches!(told(wrong).await, ConnectError::Unreachable { .. }));
    let greeted = right.greet().await.unwrap();
    assert!(greeted.version.chars().next().is_some_and(|c| c.is_ascii_digit()), "{greeted:?}");
}
