//! Copies of a SQLite database, which is a file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{BackupError, beside};
use crate::StoreError;
use crate::database::{Address, sqlite};

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    move |source| BackupError::File { path: path.to_owned(), source }
}

/// An empty file that only this account may read.
pub(super) fn private(path: &Path) -> Result<(), BackupError> {
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    made.map(drop).map_err(failed(path))
}

/// Gives a whole file its name; after a power cut it has the old one or the new one.
pub(super) fn put(begun: &Path, path: &Path) -> Result<(), BackupError> {
    let synced = File::open(begun).and_then(|file| file.sync_all());
    synced.and_then(|()| std::fs::rename(begun, path)).map_err(failed(path))
}

/// Writes the database to an empty file.
pub(super) async fn copy_database(database: &Path, to: &Path) -> Result<(), BackupError> {
    if !database.exists() {
        return Err(failed(database)(std::io::ErrorKind::NotFound.into()));
    }
    let text = to.to_str().ok_or_else(|| failed(to)(std::io::ErrorKind::InvalidFilename.into()))?;
    let connection = sqlite::connect(database, 1).await?;
    let into = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [text.into()]);
    connection.execute_raw(into).await.map_err(StoreError::from)?;
    connection.close().await.map_err(StoreError::from)?;
    Ok(())
}

/// Puts a copy in the place of the database, which nobody may have open.
pub(super) async fn put_database(copy: &Path, database: &Path) -> Result<(), BackupError> {
    let begun = beside(database, "part");
    private(&begun)?;
    let put = async {
        std::fs::copy(copy, &begun).map_err(failed(copy))?;
        judge(copy, &begun).await?;
        // What belongs to the old file must not be read into the new one.
        for ending in ["-wal", "-shm"] {
            remove(&with_ending(database, ending))?;
        }
        put(&begun, database)
    };
    let done = put.await;
    for left in [begun.clone(), with_ending(&begun, "-wal"), with_ending(&begun, "-shm")] {
        remove(&left)?;
    }
    done
}

/// Whether it is a database of ours, and of no newer version.
async fn judge(copy: &Path, begun: &Path) -> Result<(), BackupError> {
    let no_copy = |problem: String| BackupError::NoCopy { path: copy.to_owned(), problem };
    let found = Address::Sqlite(begun.to_owned()).migrations().await;
    let found = found.map_err(|error| no_copy(crate::error::chain(&error)))?;
    match (found.newer().last(), found.made().next()) {
        (Some(newer), _) => Err(StoreError::Newer { migration: newer.name.clone() }.into()),
        (None, None) => Err(no_copy("its tables are not there".to_owned())),
        (None, Some(_)) => Ok(()),
    }
}

fn with_ending(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}
