//! Telling failures of the database apart, by the codes that it gives them.

use sea_orm::{DbErr, RuntimeErr};
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// What kind of failure it is, and so what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database is away, full or read-only: wait, then do it again.
    Down,
    /// Others were in the way: do the whole transaction again.
    Busy,
    /// A row contradicts another one, such as a key that is there already.
    Constraint,
    /// Doing it again would not help.
    Other,
}

impl Fault {
    pub(super) fn of(error: &DbErr) -> Self {
        match error {
            // Whatever the server says to one who knocks, nothing was asked of it yet.
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Down,
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
                Self::of_driver(error)
            }
            _ => Self::Other,
        }
    }

    fn of_driver(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => Self::of_answer(error.as_ref()),
            // `Protocol` is what a connection that was cut between two messages looks like.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Down,
            _ => Self::Other,
        }
    }

    fn of_answer(error: &(dyn DatabaseError + 'static)) -> Self {
        if error.kind() != ErrorKind::Other {
            return Self::Constraint;
        }
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            Self::of_postgres(error.code())
        } else if error.try_downcast_ref::<SqliteError>().is_some() {
            // The low byte is the primary code; the rest says more of it.
            error
                .code()
                .and_then(|code| code.parse().ok())
                .map_or(Self::Other, |code: u32| Self::of_sqlite(code & 0xff))
        } else {
            Self::Other
        }
    }

    /// PostgreSQL, appendix A: the first two characters are the class.
    fn of_postgres(code: &str) -> Self {
        match code {
            // serialization_failure, deadlock_detected, lock_not_available, query_canceled.
            "40001" | "40P01" | "55P03" | "57014" => Self::Busy,
            // read_only_sql_transaction: a standby, before or after a switch. 25P03: a transaction that idled.
            "25006" | "25P03" => Self::Down,
            // Connection, insufficient resources (disk, memory, connections), operator, system.
            _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => Self::Down,
            _ => Self::Other,
        }
    }

    /// SQLite, "Result and Error Codes".
    fn of_sqlite(code: u32) -> Self {
        match code {
            // SQLITE_BUSY, SQLITE_LOCKED.
            5 | 6 => Self::Busy,
            // SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN.
            8 | 10 | 13 | 14 => Self::Down,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_lets_nobody_in_is_down_whatever_its_reason() {
        // "database is not currently accepting connections" is 55000, which after that means a mistake.
        let refused = DbErr::Conn(RuntimeErr::Internal("55000".to_owned()));
        assert_eq!(Fault::of(&refused), Fault::Down);
    }

    #[test]
    fn codes_say_what_helps() {
        for (code, fault) in [
            ("40P01", Fault::Busy),
            ("40001", Fault::Busy),
            ("57014", Fault::Busy),
            ("57P01", Fault::Down),
            ("53300", Fault::Down),
            ("53100", Fault::Down),
            ("08006", Fault::Down),
            ("25006", Fault::Down),
            ("25P02", Fault::Other),
            ("22021", Fault::Other),
            ("42P01", Fault::Other),
        ] {
            assert_eq!(Fault::of_postgres(code), fault, "{code}");
        }
    }
}
