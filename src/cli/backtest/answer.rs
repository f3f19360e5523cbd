//! What the server says of a backtest.

use chrono::{DateTime, Utc};
use schemas::automation::Usd;
use serde::Deserialize;

use super::args::Change;

#[derive(Deserialize)]
pub(super) struct Outcome {
    pub(super) events: u64,
    pub(super) cut_at: Option<DateTime<Utc>>,
    pub(super) automations: Vec<Row>,
}

#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) automation: String,
    pub(super) events: u64,
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) gained: u64,
    pub(super) lost: u64,
    pub(super) changed: u64,
    pub(super) unknown: u64,
    pub(super) cost_before: Option<Usd>,
    pub(super) cost_after: Option<Usd>,
    pub(super) examples: Vec<Example>,
}

#[derive(Deserialize)]
pub(super) struct Example {
    pub(super) change: Change,
    pub(super) delivery: String,
    pub(super) event: String,
    pub(super) work_item: Option<String>,
    pub(super) because: String,
}

impl Outcome {
    /// How many deliveries are decided otherwise in that way.
    pub(super) fn count(&self, change: Change) -> u64 {
        self.automations.iter().map(|row| row.count(change)).sum()
    }

    /// What was looked at, in one sentence.
    pub(super) fn sentence(&self, since: DateTime<Utc>) -> String {
        let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M UTC").to_string();
        match self.cut_at {
            None => format!("{} deliveries since {}", self.events, time(since)),
            Some(oldest) => format!(
                "the newest {} deliveries, since {}; those since {} are more than can be looked at",
                self.events,
                time(oldest),
                time(since)
            ),
        }
    }
}

impl Row {
    fn count(&self, change: Change) -> u64 {
        match change {
            Change::Gained => self.gained,
            Change::Lost => self.lost,
            Change::Changed => self.changed,
            Change::Unknown => self.unknown,
        }
    }

    /// The row's cells, after the automation's name.
    pub(super) fn cells(&self) -> [String; 9] {
        let cost = |cost: Option<Usd>| cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
        let counts =
            [self.events, self.before, self.after, self.gained, self.lost, self.changed, self.unknown];
        let [events, before, after, gained, lost, changed, unknown] = counts.map(|count| count.to_string());
        let (cost_before, cost_after) = (cost(self.cost_before), cost(self.cost_after));
        [events, before, after, gained, lost, changed, unknown, cost_before, cost_after]
    }
}

/// The heads of [`Row::cells`].
pub(super) const COLUMNS: [&str; 9] =
    ["events", "runs before", "after", "gained", "lost", "changed", "unknown", "est. cost before", "after"];
