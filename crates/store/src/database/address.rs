//! Where a database is.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

/// A database of records.
#[derive(Debug, Clone)]
pub enum Address {
    /// A file, made as needed.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server; it must be there.
    Postgres(PostgresAddress),
}

/// A database of a PostgreSQL server, and who asks.
#[derive(Debug, Clone)]
pub struct PostgresAddress {
    /// A name, an address, or the folder of a socket.
    pub host: String,
    /// The port; for a socket it is part of its name.
    pub port: u16,
    /// The role to log in as.
    pub user: String,
    /// Its password, where the server asks for one.
    pub password: Option<SecretString>,
    /// The database.
    pub database: String,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// A PEM file with certificates to trust beside the well-known ones.
    pub root_certificates: Option<PathBuf>,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// If the server can.
    Prefer,
    /// Always, with whoever answers.
    Require,
    /// Always, with somebody whose certificate is trusted.
    VerifyCa,
    /// Always, with the host that was asked for.
    VerifyFull,
}

/// What may be shown: no user, no password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, database, .. } = self;
        let bracketed = host.contains(':');
        let (open, close) = if bracketed { ("[", "]") } else { ("", "") };
        write!(f, "{database} at {open}{host}{close}:{port}")
    }
}
