//! `pullwright automations`: what is in force.

use chrono::{DateTime, Utc};
use schemas::AutomationName;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Client, path_part};
use super::deliveries::time;
use super::output::Output;
use super::{CliError, Ending, escape};

#[derive(Deserialize)]
struct ActiveSet {
    #[serde(default)]
    source: String,
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
    next_tick: Option<DateTime<Utc>>,
    last_run: Option<LastRun>,
}

#[derive(Deserialize)]
struct LastRun {
    id: String,
    standing: String,
    created_at: DateTime<Utc>,
}

impl LastRun {
    fn words(&self) -> String {
        format!("{} {}", self.standing, time(self.created_at))
    }
}

#[derive(Deserialize)]
struct Detail {
    id: Option<String>,
    #[serde(default)]
    source: String,
    #[serde(flatten)]
    row: Row,
    automation: Value,
}

/// Prints the set; a set whose newest files are not in force is a problem found.
pub(super) async fn list(client: &Client, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.get::<ActiveSet>("/api/v1/automations").await?;
    let ActiveSet { source, problem, items } = answer.value;
    if out.json {
        out.raw_json(&answer.text)?;
    } else {
        let rows: Vec<_> = items
            .into_iter()
            .map(|row| {
                let next = row.next_tick.map(time).unwrap_or_default();
                let last = row.last_run.as_ref().map(LastRun::words).unwrap_or_default();
                vec![row.name, row.mode, row.on.join(", "), row.repos.join(" "), row.file, next, last]
            })
            .collect();
        out.rows(&["name", "mode", "on", "repositories", "file", "next time", "last run"], &rows)?;
        if !source.is_empty() {
            eprintln!("from {}", escape::line(&source));
        }
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

/// Prints one automation.
pub(super) async fn show(
    client: &Client,
    name: &AutomationName,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let answer = client.get::<Detail>(&format!("/api/v1/automations/{}", path_part(name.as_str()))).await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let Detail { id, source, row, automation } = answer.value;
    out.fields(&[
        ("id", id),
        ("file", Some(row.file)),
        ("from", Some(source).filter(|source| !source.is_empty())),
        ("mode", Some(row.mode)),
        ("next time", row.next_tick.map(time)),
        ("last run", row.last_run.map(|run| format!("{} {}", run.id, run.words()))),
    ])?;
    out.heading("in force, defaults included")?;
    for line in lines(&automation, 0) {
        out.line(&escape::line(&line))?;
    }
    Ok(Ending::Fine)
}

/// A value as a person would write it in YAML: maps and lists of maps in lines, what is small in one.
fn lines(value: &Value, depth: usize) -> Vec<String> {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match nested(value) {
                true => [vec![format!("{indent}{key}:")], lines(value, depth + 1)].concat(),
                false => vec![format!("{indent}{key}: {value}")],
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .flat_map(|item| {
                let mut inner = if nested(item) { lines(item, depth + 1) } else { vec![item.to_string()] };
                if let Some(first) = inner.first_mut() {
                    *first = format!("{indent}- {}", first.trim_start());
                }
                inner
            })
            .collect(),
        small => vec![format!("{indent}{small}")],
    }
}

fn nested(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => items.iter().any(|item| item.is_object()),
        _ => false,
    }
}
