//! The contract on SQLite.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod contract;

use store::{Address, Store};

/// Where a test's database is; gone with it.
struct Place {
    address: Address,
    _folder: tempfile::TempDir,
}

async fn open() -> (Store, Place) {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::Sqlite(folder.path().join("store.db"));
    let store = Store::open(&address).await.unwrap();
    (store, Place { address, _folder: folder })
}
