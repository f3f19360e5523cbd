//! The file: who may open it, how, and what is in it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

/// The version in `PRAGMA user_version`; a file with another one is not touched.
const SCHEMA_VERSION: i64 = 1;

/// Larger than SQLite's default: a delivery of some kilobytes then fills one page, not a chain.
pub(super) const PAGE_BYTES: u32 = 16 * 1024;

/// `received_at` is in microseconds since 1970; `message` is an envelope of [`crate::wire`].
const CREATE: &str = "
    CREATE TABLE delivery (
        position INTEGER PRIMARY KEY,
        received_at INTEGER NOT NULL,
        message BLOB NOT NULL
    ) STRICT;
    PRAGMA user_version = 1;
";

/// Why a queue could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the queue {0} is in use by another process; stop that one first, or give this one its own data_dir"
    )]
    InUse(PathBuf),
    /// The file or its folder cannot be used.
    #[error("the queue {path} cannot be opened; check that its folder exists and belongs to this user")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Written by a newer version, or by something else.
    #[error("the queue {path} has schema version {found}; this version of Pullwright reads {SCHEMA_VERSION}")]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in it.
        found: i64,
    },
    /// SQLite refuses it.
    #[error("the queue {path} is damaged or no SQLite database")]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
}

/// How every connection to the file is made.
#[derive(Debug, Clone)]
pub(super) struct Connector(SqliteConnectOptions);

impl Connector {
    fn new(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .page_size(PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            // Checkpoints are the checkpointer's work, never a side effect of a commit.
            .pragma("wal_autocheckpoint", "0")
            // One text per batch size.
            .statement_cache_capacity(300)
            // Rows may be megabytes: none is read ahead.
            .row_buffer_size(1)
            .disable_statement_logging();
        Self(options)
    }

    pub(super) async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        SqliteConnection::connect_with(&self.0).await
    }
}

/// Held while the queue is open; the system lets go of it when the process dies.
pub(super) struct Lock {
    _file: File,
}

/// Locks the file, makes it if there is none, and looks whether it is ours.
pub(super) async fn open(path: &Path) -> Result<(Lock, Connector, SqliteConnection), OpenError> {
    let in_file = |source| OpenError::File { path: path.to_owned(), source };
    let lock = lock(path)?;
    create_private(path).map_err(in_file)?;
    let connector = Connector::new(path);
    let connection = prepare(path, &connector).await?;
    Ok((lock, connector, connection))
}

/// A lock file beside the queue: SQLite's own locks come and go with each transaction.
fn lock(path: &Path) -> Result<Lock, OpenError> {
    let in_file = |source| OpenError::File { path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(in_file)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(in_file(source)),
    }
}

/// Bodies are private: SQLite gives its `-wal` and `-shm` files the mode of the main file.
fn create_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            file.sync_all()?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(path, Permissions::from_mode(0o600))
        }
        Err(error) => Err(error),
    }
}

async fn prepare(path: &Path, connector: &Connector) -> Result<SqliteConnection, OpenError> {
    let in_database = |source| OpenError::Database { path: path.to_owned(), source };
    let mut connection = connector.connect().await.map_err(in_database)?;
    let version: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await.map_err(in_database)?;
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema")
        .fetch_one(&mut connection)
        .await
        .map_err(in_database)?;
    match (version, tables) {
        (SCHEMA_VERSION, _) => {}
        (0, 0) => {
            let mut transaction = connection.begin().await.map_err(in_database)?;
            sqlx::raw_sql(CREATE).execute(&mut *transaction).await.map_err(in_database)?;
            transaction.commit().await.map_err(in_database)?;
        }
        (found, _) => return Err(OpenError::Version { path: path.to_owned(), found }),
    }
    Ok(connection)
}
