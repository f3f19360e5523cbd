//! The breaker: something that keeps starting runs about one item is a loop, whoever closes it.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::WorkItem;
use schemas::decision::Verdict;
use schemas::event::EventType;
use store::{Recent, StoreError, Tx};

use super::start::Started;

/// Runs that one work item may have in an hour. People who work on it together need fewer; a loop
/// of two bots makes as many in minutes.
const MOST_RUNS: u64 = 6;

/// The runs that work items had in the last hour.
pub(super) struct Breaker(Vec<Recent>);

impl Breaker {
    pub(super) async fn of(tx: &Tx, roots: &[WorkItem], now: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self(tx.runs_since(roots, now - TimeDelta::hours(1)).await?))
    }

    /// Counts a run that would start; a verdict when it is one too many. What a person asks for by a
    /// command counts and is not refused. A timetable's pace is its owner's, and a branch is no item.
    pub(super) fn refuses(&mut self, start: &Started) -> Option<Verdict> {
        let Started { run, commanded, answers, .. } = start;
        let event = &run.input.event;
        if event.r#type == EventType::ScheduleFired || event.work_item.is_none() {
            return None;
        }
        let same = || self.0.iter().filter(|recent| recent.root == run.root);
        let runs: u64 = same().map(|recent| recent.runs).sum();
        if runs >= MOST_RUNS && !commanded {
            let because = format!("{} had {runs} runs within an hour, and {MOST_RUNS} may be", run.root);
            return Some(Verdict::Paused { because });
        }
        // Another installation writes more than once about one run: it is answered once.
        let answered = |recent: &Recent| recent.automation == run.automation && recent.depth >= run.depth;
        if *answers && same().any(answered) {
            let because =
                "another installation of Pullwright wrote it, which was answered within the hour".to_owned();
            return Some(Verdict::Paused { because });
        }
        let (root, automation, depth) = (run.root.clone(), run.automation.clone(), run.depth);
        self.0.push(Recent { root, automation, depth, runs: 1 });
        None
    }
}
