//! `pullwright db`: the tables of the database that the configuration names. It is asked itself, not
//! through a server: before the first start there is none.

use config::{Env, Loaded};
use serde::Serialize;
use store::{Address, BackupError, Migration, StoreError};

use super::args::{DbCommand, Global};
use super::output::Output;
use super::{CliError, Ending};
use crate::database;
use crate::parts::data_dir::DataDir;

/// What was asked of the database was not done.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// It did not do it.
    #[error("{}", store::chain(.0))]
    Database(#[from] BackupError),
    /// Its folder is not to be had.
    #[error("{0:#}")]
    DataDir(anyhow::Error),
}

impl From<StoreError> for DbError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.into())
    }
}

impl miette::Diagnostic for DbError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        match self {
            Self::Database(BackupError::Store(error)) => Some(Box::new(database::remedy(error))),
            Self::Database(other) => Some(Box::new(other.remedy())),
            Self::DataDir(_) => None,
        }
    }
}

#[derive(Serialize)]
struct Row {
    migration: String,
    state: &'static str,
}

impl From<&Migration> for Row {
    fn from(migration: &Migration) -> Self {
        let state = match migration {
            Migration { known: false, .. } => "of a newer version",
            Migration { applied: true, .. } => "made",
            Migration { .. } => "pending",
        };
        Self { migration: migration.name.clone(), state }
    }
}

pub(super) async fn run(
    command: &DbCommand,
    global: &Global,
    env: &dyn Env,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let loaded = config::load(global.config.as_deref(), env)?;
    let password = loaded.database_password(env)?;
    let address = database::address(&loaded.settings, password.as_ref());
    match command {
        DbCommand::Status => status(&address, out).await,
        DbCommand::Migrate { to: None } => {
            changed(&address.migrate().await.map_err(DbError::from)?, &address, out)
        }
        DbCommand::Migrate { to: Some(newest) } => {
            let _alone = alone(&address, &loaded)?;
            changed(&address.migrate_to(newest).await.map_err(DbError::from)?, &address, out)
        }
        DbCommand::Backup { file } => {
            let file = env.current_dir().join(file);
            address.backup(&file).await.map_err(DbError::from)?;
            done(&format!("{address} is copied to {}", file.display()), out)
        }
        DbCommand::Restore { file, replace } => {
            let file = env.current_dir().join(file);
            let _alone = alone(&address, &loaded)?;
            address.restore(&file, *replace).await.map_err(DbError::from)?;
            done(&format!("{address} is as it was in {}", file.display()), out)
        }
    }
}

fn done(sentence: &str, out: &mut Output<'_>) -> Result<Ending, CliError> {
    if !out.json {
        out.line(sentence)?;
    }
    Ok(Ending::Fine)
}

async fn status(address: &Address, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let found = address.migrations().await.map_err(DbError::from)?;
    print(found.all.iter(), out)?;
    let current = found.all.iter().all(|migration| migration.applied && migration.known);
    Ok(if current { Ending::Fine } else { Ending::Problems })
}

fn changed(migrations: &[Migration], address: &Address, out: &mut Output<'_>) -> Result<Ending, CliError> {
    if migrations.is_empty() && !out.json {
        out.line(&format!("{address} is up to date"))?;
    } else {
        print(migrations.iter(), out)?;
    }
    Ok(Ending::Fine)
}

/// The folder, where the database is SQLite: whoever runs has it, and with it the file.
fn alone(address: &Address, loaded: &Loaded) -> Result<Option<DataDir>, DbError> {
    let folder = matches!(address, Address::Sqlite(_)).then(|| DataDir::open(&loaded.settings.data_dir));
    folder.transpose().map_err(DbError::DataDir)
}

fn print<'a>(migrations: impl Iterator<Item = &'a Migration>, out: &mut Output<'_>) -> Result<(), CliError> {
    let rows: Vec<Row> = migrations.map(Row::from).collect();
    if out.json {
        out.raw_json(&serde_json::to_string_pretty(&rows).map_err(std::io::Error::other)?)?;
    } else {
        let rows: Vec<_> = rows.into_iter().map(|row| vec![row.migration, row.state.to_owned()]).collect();
        out.rows(&["migration", "state"], &rows)?;
    }
    Ok(())
}
