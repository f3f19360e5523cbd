//! The contract on PostgreSQL, and what only a server can do to us. Servers are private ones, started
//! by `scripts/postgres`; where PostgreSQL is not installed, the contract is read on SQLite again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

#[path = "../contract/mod.rs"]
mod contract;
mod faults;
mod migrations;
mod server;
mod together;

use sqlx::{Connection, PgConnection};
use store::{Address, PostgresAddress, Store};

use server::Server;

/// Where a test's database is; gone with it.
struct Place {
    address: Address,
    _server: Option<Server>,
    _folder: tempfile::TempDir,
}

async fn open() -> (Store, Place) {
    let folder = tempfile::tempdir().unwrap();
    let (address, server) = match Server::find().await {
        Some(server) => (Address::Postgres(server.database().await), Some(server)),
        None => (Address::Sqlite(folder.path().join("store.db")), None),
    };
    let store = Store::open(&address).await.unwrap();
    (store, Place { address, _server: server, _folder: folder })
}

/// A connection of the test's own.
async fn bare(address: &PostgresAddress) -> PgConnection {
    try_bare(address).await.unwrap()
}

async fn try_bare(address: &PostgresAddress) -> sqlx::Result<PgConnection> {
    let url = format!("postgres://pullwright:test@127.0.0.1:{}/{}", address.port, address.database);
    PgConnection::connect(&url).await
}
