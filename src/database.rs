//! The database that the configuration names.

use config::{Database, SecretString, Settings, SslMode};
use store::{Address, PostgresAddress, StoreError, Tls};

/// Where it is; `password` is that of [`config::Secrets`].
pub fn address(settings: &Settings, password: Option<&SecretString>) -> Address {
    match &settings.database {
        Database::Sqlite => Address::Sqlite(settings.data_dir.join("store.db")),
        Database::Postgres(postgres) => Address::Postgres(PostgresAddress {
            host: postgres.host.clone(),
            port: postgres.port,
            user: postgres.user.clone(),
            password: password.cloned(),
            database: postgres.database.clone(),
            tls: match postgres.sslmode {
                SslMode::Disable => Tls::Off,
                SslMode::Prefer => Tls::Prefer,
                SslMode::Require => Tls::Require,
                SslMode::VerifyCa => Tls::VerifyCa,
                SslMode::VerifyFull => Tls::VerifyFull,
            },
            root_certificates: postgres.sslrootcert.clone(),
        }),
    }
}

/// What to do about it.
pub fn remedy(error: &StoreError) -> &'static str {
    match error {
        StoreError::Connect(error) => error.remedy(),
        StoreError::Newer { .. } => {
            "start the version that was running last, or let it undo its changes with `pullwright db migrate --to`"
        }
        StoreError::NoMigration(_) => "`pullwright db status` lists them",
        StoreError::InUse(_) => "stop it first",
        _ => "check that the database can be written to, and has room",
    }
}
