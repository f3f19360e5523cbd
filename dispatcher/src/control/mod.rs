//! The control plane as workers see it: claims, leases, leave to push, reports.

pub(crate) mod branch;
mod cancel;
mod claim;
mod event_files;
mod finish;
pub mod git_token;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use globset::{GlobBuilder, GlobSetBuilder};
use schemas::automation::{Mode, Usd};
use schemas::control::{Beat, Claim, ControlError, Job, LogLine, Orders, PushGrant};
use schemas::intent::Write;
use schemas::report::{ChangeReport, Report};
use schemas::run::{IllegalTransition, Outcome, Reason, RunState, Step, Transition};
use schemas::{ControlPlane, Epoch, Oid, Pool, RunId};
use store::{Near, RunRecord, StoreError, Tx};

use crate::Dispatcher;
use crate::admit::commented;

pub use cancel::CancelAnswer;
pub(crate) use cancel::asked_for_end;
pub(crate) use claim::NoStart;

pub(crate) fn unavailable(error: &StoreError) -> ControlError {
    tracing::error!(error = error as &dyn std::error::Error, "the database refused a worker's call");
    ControlError::Unavailable { message: "the database does not answer".to_owned() }
}

/// The run, if `epoch` is its current one.
pub(crate) async fn owned(tx: &Tx, run: RunId, epoch: Epoch) -> Result<RunRecord, ControlError> {
    let record = tx.lock_run(run).await.map_err(|e| unavailable(&e))?.ok_or(ControlError::StaleEpoch)?;
    match record.run.state {
        RunState::Active { epoch: current, step } if current == epoch && step < Step::Publish => Ok(record),
        _ => Err(ControlError::StaleEpoch),
    }
}

fn advance(record: &mut RunRecord, step: Step) -> Result<(), ControlError> {
    let transition = Transition::Advance { epoch: record.epoch, step };
    match record.run.state.next(transition, record.epoch) {
        Ok(state) => {
            record.run.state = state;
            Ok(())
        }
        Err(IllegalTransition::StaleEpoch { .. }) => Err(ControlError::StaleEpoch),
        Err(illegal) => Err(ControlError::Refused { because: illegal.to_string() }),
    }
}

#[async_trait]
impl ControlPlane for Dispatcher {
    async fn claim(&self, claim: Claim) -> Result<Option<Job>, ControlError> {
        self.claim_run(&Pool::default(), &claim).await
    }

    async fn heartbeat(&self, run: RunId, epoch: Epoch, beat: Beat) -> Result<Orders, ControlError> {
        let tx = self.store.begin_beside().await.map_err(|e| unavailable(&e))?;
        let pulse = tx.beat(run, epoch, beat).await.map_err(|e| unavailable(&e))?;
        let Some(mut pulse) = pulse else { return Err(ControlError::StaleEpoch) };
        if let Some(limit) = pulse.over_limit.filter(|_| !pulse.cancel_requested) {
            pulse.cancel_requested =
                self.stop_spending(&tx, run, limit).await.map_err(|e| unavailable(&e))?;
        }
        tx.commit().await.map_err(|e| unavailable(&e))?;
        Ok(if pulse.cancel_requested { Orders::Cancel } else { Orders::Continue })
    }

    async fn park(
        &self,
        run: RunId,
        epoch: Epoch,
        until: DateTime<Utc>,
        because: String,
    ) -> Result<(), ControlError> {
        let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
        let mut record = owned(&tx, run, epoch).await?;
        if record.run.cancel_requested {
            let (outcome, reason) = asked_for_end(&record);
            self.finish(&tx, &mut record, outcome, reason).await.map_err(|e| unavailable(&e))?;
            tx.commit().await.map_err(|e| unavailable(&e))?;
            self.after_finish();
            return Ok(());
        }
        let parked = record.run.state.next(Transition::Park { epoch, until }, record.epoch);
        record.run.state =
            parked.map_err(|illegal| ControlError::Refused { because: illegal.to_string() })?;
        record.nonce = None;
        tx.save_run(&record).await.map_err(|e| unavailable(&e))?;
        let now = self.clock.now();
        self.plan_comment(&tx, &record, now).await.map_err(|e| unavailable(&e))?;
        let freed = Near::to(&record.run);
        self.admit(&tx, Some(&freed), now).await.map_err(|e| unavailable(&e))?;
        tx.commit().await.map_err(|e| unavailable(&e))?;
        tracing::info!(%run, %until, because, "run parked");
        self.after_finish();
        Ok(())
    }

    async fn step(&self, run: RunId, epoch: Epoch, step: Step) -> Result<(), ControlError> {
        if step >= Step::Publish {
            return Err(ControlError::Refused { because: "publishing is the dispatcher's".to_owned() });
        }
        if step == Step::Push {
            // Leave to push is what makes it true; until then a cancel is heard.
            return Ok(());
        }
        let shown = step == Step::Commands && {
            let seen = self.store.run(run).await.map_err(|e| unavailable(&e))?;
            seen.is_some_and(|seen| commented(&seen.run).is_some())
        };
        if !shown && self.store.note_step(run, epoch, step).await.map_err(|e| unavailable(&e))? {
            return Ok(());
        }
        // What a comment shows changes in turn with the comment's writing; and it is found out here why
        // a step is none.
        let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
        let mut record = owned(&tx, run, epoch).await?;
        advance(&mut record, step)?;
        tx.save_run(&record).await.map_err(|e| unavailable(&e))?;
        if shown {
            self.plan_comment(&tx, &record, self.clock.now()).await.map_err(|e| unavailable(&e))?;
        }
        tx.commit().await.map_err(|e| unavailable(&e))?;
        if shown {
            self.publish.notify_one();
        }
        Ok(())
    }

    async fn log(&self, run: RunId, epoch: Epoch, lines: Vec<LogLine>) -> Result<(), ControlError> {
        let tx = self.store.begin_beside().await.map_err(|e| unavailable(&e))?;
        owned(&tx, run, epoch).await?;
        tx.append_log(run, &lines).await.map_err(|e| unavailable(&e))?;
        tx.commit().await.map_err(|e| unavailable(&e))
    }

    async fn keep_result(&self, run: RunId, epoch: Epoch, bundle: Bytes) -> Result<bool, ControlError> {
        self.keep_bundle(run, epoch, bundle).await
    }

    async fn kept_result(&self, run: RunId, epoch: Epoch) -> Result<Bytes, ControlError> {
        self.kept_bundle(run, epoch).await
    }

    async fn grant_push(
        &self,
        run: RunId,
        epoch: Epoch,
        change: ChangeReport,
    ) -> Result<PushGrant, ControlError> {
        let now = self.clock.now();
        let seen = self.store.run(run).await.map_err(|e| unavailable(&e))?.ok_or(ControlError::StaleEpoch)?;
        let there_already =
            self.is_there_already(&seen, change.tree.as_ref()).await.map_err(|e| unavailable(&e))?;
        let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
        let mut record = owned(&tx, run, epoch).await?;
        if record.run.cancel_requested {
            return Err(ControlError::Cancelled);
        }
        if record.run.base.as_ref() != Some(&change.base) {
            return Err(ControlError::Refused { because: "the change stands on another commit".to_owned() });
        }
        if let Some(path) = protected(&record, &change) {
            let because = format!("it touches the protected path {path}");
            return Err(ControlError::Refused { because });
        }
        let output = &record.run.input.automation.output;
        if let Some(because) = output.limits().exceeded_by(&change.files) {
            return Err(ControlError::Refused { because });
        }
        let keep = if !output.pushes() {
            Some(Reason::Completed)
        } else if there_already {
            Some(Reason::NothingChanged)
        } else {
            (record.run.mode == Mode::DryRun).then_some(Reason::DryRun)
        };
        let reference = format!("refs/heads/{}", record.run.branch);
        let new = change.head.clone();
        record.change = Some(change);
        let grant = match keep {
            Some(reason) => PushGrant::Keep { reason },
            None => {
                advance(&mut record, Step::Push)?;
                record.run.head = Some(new.clone());
                let old = record.branch_head.clone().unwrap_or_else(Oid::zero);
                let write = Write::Push { reference: reference.clone(), old: old.clone(), new: new.clone() };
                let key = format!("push:{epoch}");
                self.plan(&tx, &record, write, &key, now).await.map_err(|e| unavailable(&e))?;
                PushGrant::Push { reference, old, new }
            }
        };
        tx.save_run(&record).await.map_err(|e| unavailable(&e))?;
        tx.commit().await.map_err(|e| unavailable(&e))?;
        Ok(grant)
    }

    async fn report(&self, run: RunId, epoch: Epoch, report: Report) -> Result<(), ControlError> {
        let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
        let mut record = owned(&tx, run, epoch).await?;
        for time in &report.steps {
            if let Ok(step) = serde_json::from_value(serde_json::Value::from(time.step.as_str())) {
                self.meters.step_ended(step, std::time::Duration::from_micros(time.micros));
            }
        }
        let published = report.outcome == Outcome::Succeeded && report.reason == Reason::Published;
        let (outcome, reason) = match report.outcome {
            Outcome::Cancelled => asked_for_end(&record),
            outcome => (outcome, report.reason.clone()),
        };
        if record.run.spent.plus(report.spent) != Usd::default() {
            tx.settle_spent(run, report.spent).await.map_err(|e| unavailable(&e))?;
        }
        record.report = Some(report);
        if published {
            self.hand_to_publisher(&tx, &mut record).await?;
        } else {
            self.finish(&tx, &mut record, outcome, reason).await.map_err(|e| unavailable(&e))?;
        }
        tx.commit().await.map_err(|e| unavailable(&e))?;
        self.after_finish();
        Ok(())
    }

    async fn hand_back(&self, run: RunId, epoch: Epoch) -> Result<(), ControlError> {
        let never_arrived = self.push_never_arrived(run).await.map_err(|e| unavailable(&e))?;
        let never_arrived = never_arrived.ok_or_else(|| ControlError::Unavailable {
            message: "the forge does not say whether the push arrived".to_owned(),
        })?;
        let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
        let mut record = owned(&tx, run, epoch).await?;
        if record.run.head.is_some() && !never_arrived {
            // The push may have happened; the publisher looks before it goes on.
            self.hand_to_publisher(&tx, &mut record).await?;
        } else {
            self.requeue(&tx, &mut record).await.map_err(|e| unavailable(&e))?;
        }
        tx.commit().await.map_err(|e| unavailable(&e))?;
        self.after_finish();
        Ok(())
    }
}

impl Dispatcher {
    /// Asks for the end of a run that spent more than one may; true when it is not too late.
    async fn stop_spending(&self, tx: &Tx, run: RunId, limit: Usd) -> Result<bool, StoreError> {
        let Some(mut record) = tx.lock_run(run).await? else { return Ok(false) };
        match record.run.state {
            RunState::Active { step, .. } if step < Step::Push => {
                tracing::warn!(%run, %limit, "the run spent more than it may");
                record.run.cancel_requested = true;
                record.cancel_reason = Some(Reason::BudgetExceeded { limit });
                tx.save_run(&record).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// From here on no worker holds the run: the branch is pushed, or was meant to be.
    pub(crate) async fn hand_to_publisher(
        &self,
        tx: &Tx,
        record: &mut RunRecord,
    ) -> Result<(), ControlError> {
        let Some(base) = record.base_branch.clone() else {
            return Err(ControlError::Refused { because: "the run has no base branch".to_owned() });
        };
        if record.run.head.is_none() {
            return Err(ControlError::Refused { because: "no push was granted".to_owned() });
        }
        advance(record, Step::Publish)?;
        let head = record.run.branch.clone();
        let write = match &record.pull_request {
            Some(open) => Write::UpdatePullRequest {
                number: open.number,
                head,
                rewrite: record.run.base != record.branch_head,
            },
            None => Write::OpenPullRequest { head, base },
        };
        let (key, now) = (write.kind(), self.clock.now());
        self.plan(tx, record, write, key, now).await.map_err(|e| unavailable(&e))?;
        tx.save_run(record).await.map_err(|e| unavailable(&e))
    }

    /// Wakes whoever has work after a run's end was committed.
    pub(crate) fn after_finish(&self) {
        self.publish.notify_one();
        self.wake_workers();
    }
}

/// The first changed path that the repository's configuration protects. The worker refused it
/// already; a worker that was fooled is refused here.
fn protected(record: &RunRecord, change: &ChangeReport) -> Option<String> {
    let mut globs = GlobSetBuilder::new();
    for pattern in &record.run.input.setup.protected_paths {
        globs.add(GlobBuilder::new(pattern).literal_separator(true).build().ok()?);
    }
    let globs = globs.build().ok()?;
    change.files.iter().map(|file| file.path.expose()).find(|path| globs.is_match(path)).map(str::to_owned)
}
