//! Copies of a whole database, and their way back.

mod file;
mod programs;

use std::path::{Path, PathBuf};

use super::Address;
use crate::StoreError;

/// A copy was not made or not taken back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What would be written is there.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is something in the database that a copy would take the place of.
    #[error("{0} holds records already")]
    NotEmpty(String),
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no copy of a database of ours.
    #[error("{} is no copy of Pullwright's database: {problem}", path.display())]
    NoCopy {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A program of PostgreSQL is missing on this machine.
    #[error("`{0}` is not installed here")]
    NoProgram(&'static str),
    /// A program of PostgreSQL failed.
    #[error("{program}: {said}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its last words.
        said: String,
    },
}

impl BackupError {
    /// What to do about it, where more can be said than the error does.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Store(StoreError::Connect(error)) => error.remedy(),
            Self::Store(_) | Self::File { .. } => "check that it can be read and written, and has room",
            Self::Exists(_) => "name a file that does not exist; nothing is overwritten",
            Self::NotEmpty(_) => "with `--replace` the copy takes their place",
            Self::NoCopy { .. } => {
                "name a file that `pullwright db backup` wrote from the same kind of database"
            }
            Self::NoProgram(_) => {
                "install PostgreSQL's client programs (Debian: postgresql-client), of the server's version or newer"
            }
            Self::Program { .. } => "its client programs have to be of the server's version or newer",
        }
    }
}

impl Address {
    /// Writes a copy to `path`, as the database is at one moment, while others use it: of SQLite a
    /// database like it, of PostgreSQL an archive of `pg_dump`. Only this account may read it.
    ///
    /// # Errors
    /// When `path` exists, or the copy cannot be made; then nothing is left at `path`.
    pub async fn backup(&self, path: &Path) -> Result<(), BackupError> {
        if path.exists() {
            return Err(BackupError::Exists(path.to_owned()));
        }
        let begun = beside(path, "part");
        file::private(&begun)?;
        let made = match self {
            Self::Sqlite(database) => file::copy_database(database, &begun).await,
            Self::Postgres(address) => programs::dump(address, &begun).await,
        };
        let done = made.and_then(|()| file::put(&begun, path));
        if done.is_err() {
            let _ = std::fs::remove_file(&begun);
        }
        done
    }

    /// Takes the copy at `path` back. What the database holds is given up for it only if `replace`
    /// says so. Nobody else may use the database: for SQLite the caller sees to that.
    ///
    /// # Errors
    /// When there are records and they are not to be replaced, somebody uses the database, or the
    /// copy cannot be read. Of SQLite the database then is as it was.
    pub async fn restore(&self, path: &Path, replace: bool) -> Result<(), BackupError> {
        if let Self::Postgres(address) = self {
            programs::check(address, path).await?;
            address.refuse_others().await?;
        }
        let made = u32::try_from(self.migrations().await?.made().count()).unwrap_or(u32::MAX);
        if made > 0 && !replace {
            return Err(BackupError::NotEmpty(self.to_string()));
        }
        match self {
            Self::Sqlite(database) => file::put_database(path, database).await,
            Self::Postgres(address) => {
                if made > 0 {
                    self.revert(made).await?;
                }
                programs::restore(address, path).await
            }
        }
    }
}

/// `path` with another ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}
