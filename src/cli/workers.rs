//! `pullwright workers`: the workers on other machines.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use schemas::id::is_label;
use schemas::{Pool, RunId};
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::deliveries::time;
use super::output::Output;
use super::{CliError, Ending};

/// `workers`
#[derive(Debug, Subcommand)]
pub enum WorkersCommand {
    /// All workers on other machines: who is there, what they hold
    List,
    /// One worker
    Show {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
    },
    /// Make a token that one worker enrols with
    #[command(after_help = "\
The token is good once and for an hour. Put it into a file on the worker's machine and name that file
in its configuration:

  control_plane: { url: https://pullwright.example.com, enrolment: \"${file:/run/secrets/enrolment}\" }

A worker of that name that is enrolled already stays so until the token is used.")]
    Enrol {
        /// The worker's name: a letter, then a-z, 0-9 and `-`
        #[arg(value_parser = name)]
        name: String,
        /// The pool whose runs it gets (`run.pool` of an automation); unless said the one it is in, or `default`
        #[arg(long, value_parser = name)]
        pool: Option<String>,
    },
    /// Give a worker no more runs; those that it holds it finishes
    Drain {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
    },
    /// Give a drained worker runs again
    Resume {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
    },
    /// Shut a worker out; its runs go to others
    #[command(after_help = "\
Its credential is void at once. What it still does on its machine ends within a heartbeat, and
reaches nobody. To take it back, enrol it anew.")]
    Revoke {
        /// Its name
        #[arg(value_parser = name)]
        name: String,
    },
}

#[derive(Deserialize)]
struct List {
    items: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(default)]
    pool: Pool,
    state: String,
    last_seen_at: Option<DateTime<Utc>>,
    #[serde(default)]
    slots: u32,
    #[serde(default)]
    holds: Vec<RunId>,
    #[serde(default)]
    software: String,
    skew_ms: Option<i64>,
    invited_at: DateTime<Utc>,
    enrolled_at: Option<DateTime<Utc>>,
    credential_expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Enrolment {
    token: String,
    expires_at: DateTime<Utc>,
}

pub(super) async fn run(
    command: &WorkersCommand,
    client: &Client,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    match command {
        WorkersCommand::List => list(client, out).await,
        WorkersCommand::Show { name } => show(client, name, out).await,
        WorkersCommand::Enrol { name, pool } => enrol(client, name, pool.as_deref(), out).await,
        WorkersCommand::Drain { name } => {
            change(client, name, "drain", "It gets no more runs; those that it holds it finishes.", out).await
        }
        WorkersCommand::Resume { name } => change(client, name, "resume", "It gets runs again.", out).await,
        WorkersCommand::Revoke { name } => {
            change(client, name, "revoke", "It is shut out; its runs go to others.", out).await
        }
    }
}

async fn list(client: &Client, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.get::<List>("/api/v1/workers").await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let rows: Vec<Vec<String>> = answer
        .value
        .items
        .into_iter()
        .map(|row| {
            vec![
                row.name,
                row.pool.0,
                row.state,
                row.last_seen_at.map_or_else(String::new, time),
                format!("{} of {}", row.holds.len(), row.slots),
                row.skew_ms.map_or_else(String::new, skew),
                row.software,
            ]
        })
        .collect();
    out.rows(&["name", "pool", "state", "last seen", "busy", "clock", "software"], &rows)?;
    Ok(Ending::Fine)
}

async fn show(client: &Client, name: &str, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.get::<Row>(&format!("/api/v1/workers/{name}")).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let row = answer.value;
    out.fields(&[
        ("name", Some(row.name)),
        ("pool", Some(row.pool.0)),
        ("state", Some(row.state)),
        ("last seen", row.last_seen_at.map(time)),
        ("slots", Some(row.slots.to_string())),
        ("clock", row.skew_ms.map(skew)),
        ("software", Some(row.software).filter(|software| !software.is_empty())),
        ("asked in", Some(time(row.invited_at))),
        ("enrolled", row.enrolled_at.map(time)),
        ("credential until", row.credential_expires_at.map(time)),
        ("revoked", row.revoked_at.map(time)),
    ])?;
    if !row.holds.is_empty() {
        out.heading("holds")?;
        out.rows(&["run"], &row.holds.iter().map(|run| vec![run.to_string()]).collect::<Vec<_>>())?;
    }
    Ok(Ending::Fine)
}

async fn enrol(
    client: &Client,
    name: &str,
    pool: Option<&str>,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let asked = json!({ "name": name, "pool": pool });
    let answer = client.post_json::<Enrolment>("/api/v1/workers/enrolments", &asked).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    // The token alone on standard output, so that it can go straight into a file.
    out.line(&answer.value.token)?;
    eprintln!("good once, until {}", time(answer.value.expires_at));
    Ok(Ending::Fine)
}

async fn change(
    client: &Client,
    name: &str,
    verb: &str,
    done: &str,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let answer = client.post::<Row>(&format!("/api/v1/workers/{name}/{verb}")).await?;
    if out.json {
        out.raw_json(&answer.text)?;
    } else {
        out.line(done)?;
    }
    Ok(Ending::Fine)
}

/// How far a clock is ahead: `+0.3s`, `-12.0s`.
fn skew(millis: i64) -> String {
    let (sign, millis) = (if millis < 0 { '-' } else { '+' }, millis.unsigned_abs());
    format!("{sign}{}.{}s", millis / 1000, millis % 1000 / 100)
}

/// A name as the server takes one; it becomes part of an address.
fn name(text: &str) -> Result<String, String> {
    if is_label(text) {
        Ok(text.to_owned())
    } else {
        Err("a name is a letter, then a-z, 0-9 and `-`".to_owned())
    }
}

#[cfg(test)]
mod tests;
