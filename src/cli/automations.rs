//! `pullwright automations`: what is in force.

use serde::Deserialize;

use super::client::Client;
use super::output::Output;
use super::{CliError, Ending, escape};

#[derive(Deserialize)]
struct ActiveSet {
    problem: Option<String>,
    items: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    file: String,
    mode: String,
    #[serde(default)]
    on: Vec<String>,
    #[serde(default)]
    repos: Vec<String>,
}

/// Prints the set; a set whose newest files are not in force is a problem found.
pub(super) async fn list(client: &Client, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.get::<ActiveSet>("/api/v1/automations").await?;
    let ActiveSet { problem, items } = answer.value;
    if out.json {
        out.raw_json(&answer.text)?;
    } else {
        let rows: Vec<_> = items
            .into_iter()
            .map(|row| vec![row.name, row.mode, row.on.join(", "), row.repos.join(" "), row.file])
            .collect();
        out.rows(&["name", "mode", "on", "repositories", "file"], &rows)?;
    }
    match problem {
        None => Ok(Ending::Fine),
        Some(problem) => {
            let problem: Vec<String> = problem.lines().map(escape::line).collect();
            eprintln!("the newest files are not in force: {}", problem.join("\n"));
            Ok(Ending::Problems)
        }
    }
}
