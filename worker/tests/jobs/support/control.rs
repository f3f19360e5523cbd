//! A control plane in memory that keeps the rules: nonces, epochs, leases, orders, grants.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemas::control::{Beat, Claim, ControlError, Job, LogLine, Orders, PushGrant};
use schemas::report::ChangeReport;
use schemas::run::{Reason, Step};
use schemas::{ControlPlane, Epoch, Oid, Report, RunId};
use tokio::sync::{Notify, watch};

/// What happens to the next call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Not done, and answered so.
    Instead(ControlError),
    /// Done, and the answer is lost.
    AnswerLost,
}

#[derive(Default)]
pub struct State {
    queue: VecDeque<Job>,
    claimed: HashMap<String, Job>,
    holders: HashMap<RunId, Epoch>,
    faults: HashMap<&'static str, VecDeque<Fault>>,
    pub claims: Vec<String>,
    pub beats: Vec<u64>,
    pub steps: Vec<Step>,
    pub lines: Vec<LogLine>,
    pub grants: Vec<ChangeReport>,
    pub reports: Vec<Report>,
    pub handed_back: Vec<RunId>,
    pub cancelled: bool,
    /// Every result bundle that was brought.
    pub kept: Vec<Bytes>,
    /// As an older control plane answers.
    pub keeps_none: bool,
    /// Claims are answered only after this.
    pub gate: Option<Arc<Notify>>,
    pub waiting_at_gate: bool,
    /// Every call is answered with `Unavailable`.
    pub down: bool,
    /// Do not let anything be pushed.
    pub keep: bool,
    /// What the pushed branch points to.
    pub branch_at: Option<Oid>,
}

impl State {
    /// All output, joined.
    pub fn log(&self) -> String {
        self.lines.iter().map(|line| format!("{}\n", line.text.expose())).collect()
    }
}

pub struct FakeControl {
    state: Mutex<State>,
    version: watch::Sender<u64>,
}

impl Default for FakeControl {
    fn default() -> Self {
        Self { state: Mutex::default(), version: watch::Sender::new(0) }
    }
}

impl FakeControl {
    pub fn enqueue(&self, job: Job) {
        self.change(|state| state.queue.push_back(job));
    }

    pub fn order(&self, call: &'static str, fault: Fault) {
        self.change(|state| state.faults.entry(call).or_default().push_back(fault));
    }

    /// Gives the run to somebody else.
    pub fn steal(&self, run: RunId) {
        self.change(|state| {
            state.holders.insert(run, Epoch(99));
        });
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.state.lock().unwrap());
        self.version.send_modify(|version| *version += 1);
        answer
    }

    /// Waits until the state is so.
    pub async fn until(&self, what: &str, holds: impl Fn(&State) -> bool) {
        let mut version = self.version.subscribe();
        let wait = async {
            while !holds(&self.state.lock().unwrap()) {
                version.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    fn call<T>(
        &self,
        name: &'static str,
        holder: Option<(RunId, Epoch)>,
        act: impl FnOnce(&mut State) -> Result<T, ControlError>,
    ) -> Result<T, ControlError> {
        let lost = || ControlError::Unavailable { message: "ordered".into() };
        self.change(|state| {
            let fault = state.faults.get_mut(name).and_then(VecDeque::pop_front);
            if state.down {
                return Err(lost());
            }
            if let Some(Fault::Instead(error)) = fault {
                return Err(error);
            }
            if holder.is_some_and(|(run, epoch)| state.holders.get(&run) != Some(&epoch)) {
                return Err(ControlError::StaleEpoch);
            }
            let answer = act(state);
            if matches!(fault, Some(Fault::AnswerLost)) { Err(lost()) } else { answer }
        })
    }
}

#[async_trait]
impl ControlPlane for FakeControl {
    async fn claim(&self, claim: Claim) -> Result<Option<Job>, ControlError> {
        let gate = self.change(|state| {
            state.waiting_at_gate = state.gate.is_some();
            state.gate.take()
        });
        if let Some(gate) = gate {
            gate.notified().await;
        }
        self.call("claim", None, |state| {
            state.claims.push(claim.nonce.clone());
            if let Some(job) = state.claimed.get(&claim.nonce) {
                return Ok(Some(job.clone()));
            }
            let Some(job) = state.queue.pop_front() else { return Ok(None) };
            state.holders.insert(job.run, job.epoch);
            state.claimed.insert(claim.nonce, job.clone());
            Ok(Some(job))
        })
    }

    async fn heartbeat(&self, run: RunId, epoch: Epoch, beat: Beat) -> Result<Orders, ControlError> {
        self.call("heartbeat", Some((run, epoch)), |state| {
            state.beats.push(beat.number);
            Ok(if state.cancelled { Orders::Cancel } else { Orders::Continue })
        })
    }

    async fn park(&self, run: RunId, epoch: Epoch, _: DateTime<Utc>, _: String) -> Result<(), ControlError> {
        self.call("park", Some((run, epoch)), |_| Ok(()))
    }

    async fn step(&self, run: RunId, epoch: Epoch, step: Step) -> Result<(), ControlError> {
        self.call("step", Some((run, epoch)), |state| {
            state.steps.push(step);
            Ok(())
        })
    }

    async fn log(&self, run: RunId, epoch: Epoch, lines: Vec<LogLine>) -> Result<(), ControlError> {
        self.call("log", Some((run, epoch)), |state| {
            state.lines.extend(lines);
            Ok(())
        })
    }

    async fn keep_result(&self, run: RunId, epoch: Epoch, bundle: Bytes) -> Result<bool, ControlError> {
        self.call("keep_result", Some((run, epoch)), |state| {
            if state.keeps_none {
                return Ok(false);
            }
            state.kept.push(bundle);
            Ok(true)
        })
    }

    async fn kept_result(&self, run: RunId, epoch: Epoch) -> Result<Bytes, ControlError> {
        self.call("kept_result", Some((run, epoch)), |state| {
            let none = || ControlError::Refused { because: "none is kept".into() };
            state.kept.last().cloned().ok_or_else(none)
        })
    }

    async fn grant_push(
        &self,
        run: RunId,
        epoch: Epoch,
        change: ChangeReport,
    ) -> Result<PushGrant, ControlError> {
        self.call("grant_push", Some((run, epoch)), |state| {
            if state.cancelled {
                return Err(ControlError::Cancelled);
            }
            let new = change.head.clone();
            state.grants.push(change);
            if state.keep {
                return Ok(PushGrant::Keep { reason: Reason::DryRun });
            }
            let old = state.branch_at.clone().unwrap_or_else(Oid::zero);
            Ok(PushGrant::Push { reference: "refs/heads/pullwright/result".into(), old, new })
        })
    }

    async fn report(&self, run: RunId, epoch: Epoch, report: Report) -> Result<(), ControlError> {
        self.call("report", Some((run, epoch)), |state| {
            state.holders.remove(&run);
            state.reports.push(report);
            Ok(())
        })
    }

    async fn hand_back(&self, run: RunId, epoch: Epoch) -> Result<(), ControlError> {
        self.call("hand_back", Some((run, epoch)), |state| {
            state.holders.remove(&run);
            state.handed_back.push(run);
            Ok(())
        })
    }
}
