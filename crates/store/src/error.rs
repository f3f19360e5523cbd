//! What can go wrong with the database.

mod fault;

use crate::database::ConnectError;

pub use fault::Fault;

/// A statement that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or did not answer.
    #[error("the database did not do it")]
    Database(#[from] sea_orm::DbErr),
    /// There is no connection to it.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its tables are of a version after this one.
    #[error(
        "a newer version of Pullwright has changed this database ({migration}); start that one, or let it undo what it changed"
    )]
    Newer {
        /// The newest change that this version does not know.
        migration: String,
    },
    /// There is no change of the tables of that name.
    #[error("there is no migration `{0}`")]
    NoMigration(String),
    /// Somebody uses the database whose tables or records would change under them.
    #[error("{0} is in use by another Pullwright")]
    InUse(String),
    /// A row does not say what rows of its kind say.
    #[error("table {table}, row {row}: column {column} cannot be read: {problem}")]
    Inconsistent {
        /// Where.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// Which row.
        row: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value of ours cannot be written.
    #[error("a value cannot be stored")]
    Unwritable(#[from] serde_json::Error),
    /// A row that must be there is not.
    #[error("{what} does not exist")]
    Missing {
        /// Which.
        what: String,
    },
}

impl StoreError {
    /// What kind of failure it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Database(error) => Fault::of(error),
            Self::Connect(ConnectError::Unreachable { .. }) => Fault::Down,
            _ => Fault::Other,
        }
    }

    /// Whether the same transaction may well succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.fault(), Fault::Down | Fault::Busy)
    }
}

/// What went wrong, with all its causes on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // Drivers repeat what they wrap.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// Reads a text column that holds JSON.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    text: &str,
    table: &'static str,
    column: &'static str,
    row: &dyn std::fmt::Display,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|problem| StoreError::Inconsistent {
        table,
        column,
        row: row.to_string(),
        problem: problem.to_string(),
    })
}

/// Reads a text column that holds one word of an enum that serde knows.
pub(crate) fn from_word<T: serde::de::DeserializeOwned>(
    word: &str,
    table: &'static str,
    column: &'static str,
    row: &dyn std::fmt::Display,
) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|problem| {
        StoreError::Inconsistent { table, column, row: row.to_string(), problem: problem.to_string() }
    })
}

/// The word serde uses for a unit variant.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Ok(other.to_string()),
    }
}
