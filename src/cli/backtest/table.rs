//! A backtest for a terminal.

use std::io;

use chrono::{DateTime, Utc};

use super::answer::{COLUMNS, Outcome};
use crate::cli::output::Output;

pub(super) fn print(outcome: &Outcome, since: DateTime<Utc>, out: &mut Output<'_>) -> io::Result<()> {
    out.line(&outcome.sentence(since))?;
    out.line("")?;
    let header: Vec<&str> = std::iter::once("automation").chain(COLUMNS).collect();
    let rows: Vec<Vec<String>> = outcome
        .automations
        .iter()
        .map(|row| std::iter::once(row.automation.clone()).chain(row.cells()).collect())
        .collect();
    out.rows(&header, &rows)?;
    for row in outcome.automations.iter().filter(|row| !row.examples.is_empty()) {
        out.heading(&row.automation)?;
        let examples: Vec<Vec<String>> = row
            .examples
            .iter()
            .map(|example| {
                let work_item = example.work_item.clone().unwrap_or_default();
                let (event, because) = (example.event.clone(), example.because.clone());
                vec![example.delivery.clone(), example.change.to_string(), event, work_item, because]
            })
            .collect();
        out.rows(&["delivery", "change", "event", "work item", "because"], &examples)?;
    }
    Ok(())
}
