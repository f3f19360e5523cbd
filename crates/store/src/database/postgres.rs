//! PostgreSQL: how it is reached, and one transaction at a time where several rows make one truth.

use std::io;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxPostgresConnector};
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::{Pools, PostgresAddress, Tls};
use crate::StoreError;

/// The oldest version that still gets corrections from its makers, as `server_version_num` has it.
pub const OLDEST_POSTGRES: u32 = 130_000;

/// Connections for writes, and as many for reads.
const CONNECTIONS: u32 = 8;
/// The wait for a connection; then the database is taken for down.
const ACQUIRE: Duration = Duration::from_secs(5);
/// A connection that was idle for longer may be dead, and is asked before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// Names the locks below among those of other programs on the same database: "pull" in ASCII.
const LOCKS: i32 = 0x7075_6c6c;
const TURN: i32 = 1;
const MIGRATION: i32 = 2;

/// Bounds of every session. A stopped process loses its transaction, or it would stop all others.
const SESSION: [(&str, &str); 5] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "15s"),
    // A cluster may be set to other defaults than these.
    ("default_transaction_isolation", "read committed"),
    ("synchronous_commit", "on"),
];
/// A migration of many rows takes its time; only another migration makes it wait.
const MIGRATING: [(&str, &str); 5] = [
    ("statement_timeout", "0"),
    ("lock_timeout", "60s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("default_transaction_isolation", "read committed"),
    ("synchronous_commit", "on"),
];

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers there, or not as a PostgreSQL does.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// Which database, without credentials.
        address: String,
        /// Why.
        source: sqlx::Error,
    },
    /// It answers, and refuses.
    #[error("{address} refuses this account")]
    Refused {
        /// Which database, without credentials.
        address: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The server has no such database.
    #[error("there is no database {address}")]
    NoDatabase {
        /// Which database, without credentials.
        address: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The connection would not be encrypted as it was asked to be.
    #[error("{address} cannot be reached by TLS")]
    Tls {
        /// Which database, without credentials.
        address: String,
        /// Why.
        source: sqlx::Error,
    },
    /// It is too old.
    #[error("{address} is PostgreSQL {version}; at least {} is needed", OLDEST_POSTGRES / 10_000)]
    TooOld {
        /// Which database, without credentials.
        address: String,
        /// Its version, such as `12.22`.
        version: String,
    },
}

impl ConnectError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "check that PostgreSQL runs there and that this machine may reach it",
            Self::Refused { .. } => "check user and password in `database`, and the server's pg_hba.conf",
            Self::NoDatabase { .. } => {
                "create it with `createdb --owner USER NAME`, or correct its name in `database`"
            }
            Self::Tls { .. } => {
                "name the authority that signed the server's certificate with `?sslrootcert=/path.pem`; \
                 where the network between is trusted, `?sslmode=disable`"
            }
            Self::TooOld { .. } => "upgrade the server",
        }
    }
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version, such as `15.14`.
    pub version: String,
    /// Its clock.
    pub now: chrono::DateTime<chrono::Utc>,
}

impl PostgresAddress {
    /// Connects once, asks the server who it is, and leaves.
    ///
    /// # Errors
    /// When there is no connection, or the server is too old.
    pub async fn greet(&self) -> Result<Server, ConnectError> {
        let told = |source| told(self, source);
        let options = self.options(SESSION);
        let connected = tokio::time::timeout(ACQUIRE, PgConnection::connect_with(&options)).await;
        let mut connection = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(told)?;
        let (number, version, now): (String, String, _) = sqlx::query_as(
            "SELECT current_setting('server_version_num'), current_setting('server_version'), clock_timestamp()",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(told)?;
        let _ = connection.close().await;
        if number.parse().is_ok_and(|number: u32| number < OLDEST_POSTGRES) {
            return Err(ConnectError::TooOld { address: self.to_string(), version });
        }
        Ok(Server { version, now })
    }

    /// Makes sure that no other Pullwright is connected to the database.
    ///
    /// # Errors
    /// When one is, or there is no connection.
    pub(super) async fn refuse_others(&self) -> Result<(), StoreError> {
        let told = |source| told(self, source);
        let mut connection = PgConnection::connect_with(&self.options(SESSION)).await.map_err(told)?;
        let (others,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'pullwright' AND pid <> pg_backend_pid()",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(told)?;
        let _ = connection.close().await;
        if others > 0 { Err(StoreError::InUse(self.to_string())) } else { Ok(()) }
    }

    fn options(&self, session: [(&str, &str); 5]) -> PgConnectOptions {
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .username(&self.user)
            .database(&self.database)
            .ssl_mode(match self.tls {
                Tls::Off => PgSslMode::Disable,
                Tls::Prefer => PgSslMode::Prefer,
                Tls::Require => PgSslMode::Require,
                Tls::VerifyCa => PgSslMode::VerifyCa,
                Tls::VerifyFull => PgSslMode::VerifyFull,
            })
            .application_name("pullwright")
            .options(session)
            .disable_statement_logging();
        if self.host.starts_with('/') {
            options = options.socket(&self.host);
        }
        if let Some(password) = &self.password {
            options = options.password(password.expose_secret());
        }
        if let Some(path) = &self.root_certificates {
            options = options.ssl_root_cert(path);
        }
        options
    }

    async fn pool(
        &self,
        connections: u32,
        session: [(&str, &str); 5],
    ) -> Result<DatabaseConnection, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move { Ok(idle.idle_for < TRUSTED_IDLE || connection.ping().await.is_ok()) })
            })
            .connect_with(self.options(session))
            .await
            .map_err(|source| told(self, source))?;
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }
}

pub(super) async fn open(address: &PostgresAddress) -> Result<Pools, StoreError> {
    let write = address.pool(CONNECTIONS, SESSION).await?;
    let read = address.pool(CONNECTIONS, SESSION).await?;
    Ok(Pools { write, read })
}

/// A connection for migrations alone.
pub(super) async fn migrating(address: &PostgresAddress) -> Result<DatabaseConnection, StoreError> {
    address.pool(1, MIGRATING).await
}

/// Waits until no other process migrates, and keeps others waiting until this transaction ends.
pub(super) async fn take_migrations(connection: &impl ConnectionTrait) -> Result<(), StoreError> {
    lock(connection, MIGRATION).await
}

/// Waits for the turn of a transaction, and keeps it until the transaction ends.
pub(super) async fn take_turn(connection: &impl ConnectionTrait) -> Result<(), StoreError> {
    lock(connection, TURN).await
}

async fn lock(connection: &impl ConnectionTrait, which: i32) -> Result<(), StoreError> {
    connection.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCKS}, {which})")).await?;
    Ok(())
}

/// What a failed connection was about.
fn told(address: &PostgresAddress, source: sqlx::Error) -> ConnectError {
    let address = address.to_string();
    let code = source.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    match (&source, &*code) {
        (sqlx::Error::Tls(_), _) => ConnectError::Tls { address, source },
        // A certificate that does not hold is told as data that cannot be read.
        (sqlx::Error::Io(error), _) if error.kind() == io::ErrorKind::InvalidData => {
            ConnectError::Tls { address, source }
        }
        (_, "3D000") => ConnectError::NoDatabase { address, source },
        (_, code) if code.starts_with("28") || code.starts_with("42") => {
            ConnectError::Refused { address, source }
        }
        _ => ConnectError::Unreachable { address, source },
    }
}
