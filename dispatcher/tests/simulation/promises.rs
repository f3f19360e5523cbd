//! What has to hold whatever happens, and at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemas::run::{Outcome, Reason, RunState};
use schemas::{DeliveryId, Epoch, RunId};
use store::Store;

use crate::forge::SimForge;
use crate::worker::Happened;

/// Workers that a run may lose, each of which may have run its commands.
const LIVES: u32 = 2;

#[derive(Debug, Default)]
pub struct Promises {
    /// Deliveries that were answered 202.
    pub accepted: Vec<DeliveryId>,
    pub cancelled: BTreeSet<RunId>,
    pub a_comment_was_deleted: bool,
    /// The newest epoch of each run.
    epochs: HashMap<RunId, Epoch>,
    executions: BTreeMap<RunId, u32>,
    pushed: HashSet<RunId>,
    /// Calls that were refused because another worker had the run.
    pub refused: u64,
    broken: Vec<String>,
}

impl Promises {
    /// Looks at what a worker's call led to.
    pub fn keep(&mut self, happened: &Happened) {
        match *happened {
            Happened::Nothing => {}
            Happened::Claimed { run, epoch } => {
                let before = self.epochs.insert(run, epoch);
                if before > Some(epoch) {
                    self.broken.push(format!("{run} went back from epoch {before:?} to {epoch:?}"));
                }
                if self.pushed.contains(&run) && before != Some(epoch) {
                    self.broken.push(format!("{run} was given out again after its commit was pushed"));
                }
            }
            Happened::Executed { run } => {
                let executions = self.executions.entry(run).or_default();
                *executions += 1;
            }
            Happened::Pushed { run, epoch } => {
                self.pushed.insert(run);
                self.only_the_newest(run, epoch, "push");
            }
            Happened::Accepted { run, epoch, call } => self.only_the_newest(run, epoch, call),
            Happened::Stale => self.refused += 1,
        }
    }

    fn only_the_newest(&mut self, run: RunId, epoch: Epoch, call: &str) {
        if self.epochs.get(&run).is_some_and(|newest| *newest > epoch) {
            self.broken.push(format!("{call} of {run} was accepted for the old epoch {epoch}"));
        }
    }

    /// One problem has one run under way.
    pub async fn keep_alone(&mut self, store: &Store) {
        let runs = store.runs(100, None, None).await.unwrap().items;
        let mut active = HashSet::new();
        for record in runs.iter().filter(|record| matches!(record.run.state, RunState::Active { .. })) {
            if !active.insert(record.run.root.clone()) {
                self.broken.push(format!("{} has two runs under way", record.run.root));
            }
        }
    }

    /// What must be true once everything is over; every promise that was broken.
    pub async fn at_the_end(mut self, store: &Store, forge: &SimForge, happened: usize) -> Vec<String> {
        let mut stored = HashMap::new();
        let mut before = None;
        loop {
            let page = store.deliveries(500, before).await.unwrap();
            stored.extend(page.items.into_iter().map(|row| (row.id, format!("{:?}", row.status))));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        for id in &self.accepted {
            match stored.get(id).map(String::as_str) {
                Some("Decided" | "Duplicate") => {}
                other => self.broken.push(format!("delivery {id} is {other:?}")),
            }
        }
        if stored.len() != self.accepted.len() {
            self.broken.push(format!("{} accepted, {} stored", self.accepted.len(), stored.len()));
        }
        let runs = store.runs(500, None, None).await.unwrap().items;
        if runs.len() != happened {
            self.broken.push(format!("{happened} events, {} runs", runs.len()));
        }
        let pulls = forge.pulls();
        for record in &runs {
            let (id, run) = (record.run.id, &record.run);
            let executions = self.executions.get(&id).copied().unwrap_or(0);
            if executions > LIVES {
                self.broken.push(format!("{id} was executed {executions} times"));
            }
            let RunState::Done { outcome, reason } = &run.state else {
                self.broken.push(format!("{id} is {:?}", run.state));
                continue;
            };
            let fits = match (outcome, reason) {
                (Outcome::Succeeded, Reason::Published) => pulls.iter().any(|pull| pull.head == run.branch),
                (Outcome::Cancelled, _) => self.cancelled.contains(&id),
                (Outcome::Failed, Reason::WorkerLost) => run.workers_lost >= LIVES,
                _ => false,
            };
            if !fits {
                self.broken.push(format!(
                    "{id} ended {outcome:?}, {reason:?} after {} lost workers",
                    run.workers_lost
                ));
            }
            let ours: Vec<_> = forge
                .comments()
                .into_iter()
                .filter(|comment| run.work_item.as_str().ends_with(&format!("#{}", comment.number)))
                .collect();
            let expected = if self.a_comment_was_deleted { ours.len() <= 1 } else { ours.len() == 1 };
            if !expected {
                self.broken.push(format!("{} has {} comments of ours", run.work_item, ours.len()));
            }
            if ours.iter().any(|comment| comment.body.contains("running")) {
                self.broken.push(format!("{} is shown as running: {}", run.work_item, ours[0].body));
            }
        }
        let heads: HashSet<&String> = pulls.iter().map(|pull| &pull.head).collect();
        if heads.len() != pulls.len() {
            self.broken.push("a branch has two pull requests".to_owned());
        }
        self.broken
    }
}
