//! A backtest as a comment on a pull request. What others wrote stands in code spans: it mentions
//! nobody and closes nothing.

use std::io;

use chrono::{DateTime, Utc};
use dispatcher::words::escape::code;

use super::answer::{COLUMNS, Outcome};
use super::args::Change;
use crate::cli::output::Output;

/// Letters of a reason.
const LONGEST: usize = 200;

pub(super) fn print(outcome: &Outcome, since: DateTime<Utc>, out: &mut Output<'_>) -> io::Result<()> {
    let counts = Change::ALL.map(|change| format!("{} {change}", outcome.count(change)));
    out.line(&format!("### Backtest: {}", counts.join(", ")))?;
    out.line("")?;
    out.line(&format!("Tried on {}.", outcome.sentence(since)))?;
    out.line("")?;
    out.line(&format!("| automation | {} |", COLUMNS.join(" | ")))?;
    out.line(&format!("|---|{}", "--:|".repeat(COLUMNS.len())))?;
    for row in &outcome.automations {
        out.line(&format!("| {} | {} |", code(&row.automation, LONGEST), row.cells().join(" | ")))?;
    }
    for row in outcome.automations.iter().filter(|row| !row.examples.is_empty()) {
        out.line("")?;
        out.line(&format!("**{}**", code(&row.automation, LONGEST)))?;
        out.line("")?;
        for example in &row.examples {
            let work_item = example.work_item.iter().map(|item| format!(" {}", code(item, LONGEST)));
            out.line(&format!(
                "- {}: {}{}, delivery {}: {}",
                example.change,
                code(&example.event, LONGEST),
                work_item.collect::<String>(),
                code(&example.delivery, LONGEST),
                code(&example.because, LONGEST),
            ))?;
        }
    }
    Ok(())
}
