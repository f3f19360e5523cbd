//! `pullwright db`: the tables of the database that the configuration names. It is asked itself, not
//! through a server: before the first start there is none.

use config::Env;
use serde::Serialize;
use store::{Address, Migration, StoreError};

use super::args::{DbCommand, Global};
use super::output::Output;
use super::{CliError, Ending};
use crate::database;

/// The database did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{}", database::what(.0))]
pub struct DbError(#[from] StoreError);

impl miette::Diagnostic for DbError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(database::remedy(&self.0)))
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
        DbCommand::Migrate => migrate(&address, out).await,
    }
}

async fn status(address: &Address, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let found = address.migrations().await.map_err(DbError)?;
    print(found.all.iter(), out)?;
    let current = found.all.iter().all(|migration| migration.applied && migration.known);
    Ok(if current { Ending::Fine } else { Ending::Problems })
}

async fn migrate(address: &Address, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let made = address.migrate().await.map_err(DbError)?;
    if made.is_empty() && !out.json {
        out.line(&format!("{address} is up to date"))?;
    } else {
        let made: Vec<_> =
            made.into_iter().map(|migration| Migration { applied: true, ..migration }).collect();
        print(made.iter(), out)?;
    }
    Ok(Ending::Fine)
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
