//! `pullwright budgets`: what today has cost, and what is held back.

use chrono::{DateTime, Utc};
use schemas::automation::Usd;
use serde::Deserialize;

use super::client::Client;
use super::deliveries::time;
use super::output::Output;
use super::{CliError, Ending};

#[derive(Deserialize)]
struct Budgets {
    until: DateTime<Utc>,
    items: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    kind: String,
    name: String,
    limit: Option<Usd>,
    spent: Usd,
    reserved: Usd,
}

pub(super) async fn list(client: &Client, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let answer = client.get::<Budgets>("/api/v1/budgets").await?;
    if out.json {
        out.raw_json(&answer.text)?;
        return Ok(Ending::Fine);
    }
    let rows: Vec<Vec<String>> = answer
        .value
        .items
        .into_iter()
        .map(|row| {
            let limit = row.limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
            vec![row.kind, row.name, row.spent.to_string(), row.reserved.to_string(), limit]
        })
        .collect();
    out.rows(&["of", "name", "spent", "reserved", "limit a day"], &rows)?;
    out.line(&format!("The day ends {}.", time(answer.value.until)))?;
    Ok(Ending::Fine)
}
