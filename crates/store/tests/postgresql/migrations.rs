//! Tables that come and go, on a server.

use sqlx::{Executor, Row};
use store::{Address, Store, StoreError};

use crate::{bare, server::Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_together_migrate_once() {
    let Some(server) = Server::find().await else { return };
    let address = server.database().await;
    let place = Address::Postgres(address.clone());
    assert!(place.migrations().await.unwrap().pending().count() >= 2);
    let starts = (0..6).map(|_| {
        let place = place.clone();
        tokio::spawn(async move { Store::open(&place).await })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    let migrations = place.migrations().await.unwrap();
    assert_eq!(migrations.pending().count(), 0);
    let mut bare = bare(&address).await;
    let made: i64 = bare.fetch_one("SELECT count(*) FROM seaql_migrations").await.unwrap().get(0);
    assert_eq!(usize::try_from(made).unwrap(), migrations.all.len());
    assert_eq!(place.migrate().await.unwrap(), []);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let Some(server) = Server::find().await else { return };
    let address = server.database().await;
    let place = Address::Postgres(address.clone());
    let made = place.migrate().await.unwrap();
    assert_eq!(made, place.migrations().await.unwrap().all);
    let mut bare = bare(&address).await;
    bare.execute("INSERT INTO seaql_migrations VALUES ('m29991231_000001_later', 0)").await.unwrap();
    for refused in [Store::open(&place).await.map(drop), place.migrate().await.map(drop)] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, StoreError::Newer { migration } if migration.contains("later")), "{error}");
    }
    assert_eq!(place.migrations().await.unwrap().newer().count(), 1);
}
