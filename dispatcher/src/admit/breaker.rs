//! The breaker: something that keeps starting runs about one item is a loop, whoever closes it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::decision::Verdict;
use schemas::event::EventType;
use schemas::{Run, WorkItem};
use store::{StoreError, Tx};

/// Runs that one work item may have in an hour. People who work on it together need fewer; a loop
/// of two bots makes as many in minutes.
const MOST_RUNS: u64 = 6;

/// How many runs each work item had in the last hour.
pub(super) struct Breaker(HashMap<WorkItem, u64>);

impl Breaker {
    pub(super) async fn of(tx: &Tx, roots: &[WorkItem], now: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self(tx.runs_since(roots, now - TimeDelta::hours(1)).await?))
    }

    /// Counts a run that would start; a verdict when it is one too many. What a person asks for by a
    /// command counts and is not refused. A timetable's pace is its owner's, and a branch is no item.
    pub(super) fn refuses(&mut self, run: &Run, commanded: bool) -> Option<Verdict> {
        let event = &run.input.event;
        if event.r#type == EventType::ScheduleFired || event.work_item.is_none() {
            return None;
        }
        let runs = self.0.entry(run.root.clone()).or_default();
        if *runs >= MOST_RUNS && !commanded {
            let because = format!("{} had {runs} runs within an hour, and {MOST_RUNS} may be", run.root);
            return Some(Verdict::Paused { because });
        }
        *runs += 1;
        None
    }
}
