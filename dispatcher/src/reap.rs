//! Loops that take no input: expire lost workers, admit what waits, wake for what is due.

use std::collections::HashMap;
use std::time::Duration;

use schemas::intent::{IntentState, Write};
use schemas::run::{Outcome, Reason, Step, Transition};
use schemas::{RunId, WorkerName};
use store::{LeaseView, RunRecord, StoreError, Tx};
use tokio_util::sync::CancellationToken;

use crate::Dispatcher;
use crate::control::asked_for_end;

/// How often the database is looked over.
const SWEEP: Duration = Duration::from_secs(1);

/// More workers that may be lost with what an earlier one made, since publishing it costs nothing.
const PUBLISH_RETRIES: u32 = 3;

/// A lease as it was first seen unchanged, on the watcher's own monotonic clock.
struct Watch {
    seen: LeaseView,
    since: Duration,
}

/// What was seen of every lease so far.
#[derive(Default)]
pub struct Watches {
    leases: HashMap<RunId, Watch>,
    last_look: Option<Duration>,
}

impl Dispatcher {
    /// Reaps, admits and wakes until `stop`. What people are to agree to is put together and
    /// what ended runs leave is dropped beside it: a forge or a store that is slow must hold up no lease.
    pub async fn tend(&self, stop: CancellationToken) {
        tokio::join!(
            self.sweep_until(stop.clone()),
            self.prepare_until(stop.clone()),
            self.drop_results_until(stop),
        );
    }

    async fn prepare_until(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
            if let Err(error) = self.prepare_approvals().await {
                tracing::error!(error = &error as &dyn std::error::Error, "approvals wait for the database");
            }
        }
    }

    async fn sweep_until(&self, stop: CancellationToken) {
        let mut watches = Watches::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
            if let Err(error) = self.sweep(&mut watches).await {
                watches = Watches::default();
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a sweep failed; it will be repeated"
                );
            }
        }
    }

    /// Looks over the database once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sweep(&self, seen: &mut Watches) -> Result<(), StoreError> {
        let leases = self.store.leases().await?;
        let now = self.clock.monotonic();
        // A missed poll restarts every watch: our own pause must not expire others.
        if seen.last_look.is_some_and(|last| now.saturating_sub(last) > SWEEP * 5) {
            seen.leases.clear();
        }
        seen.last_look = Some(now);
        let watches = &mut seen.leases;
        watches.retain(|run, _| leases.iter().any(|lease| lease.run == *run));
        for lease in leases {
            let watch = watches.entry(lease.run).or_insert(Watch { seen: lease, since: now });
            if watch.seen != lease {
                *watch = Watch { seen: lease, since: now };
            } else if now.saturating_sub(watch.since) > self.settings.lease {
                watches.remove(&lease.run);
                self.expire(&lease).await?;
            }
        }
        self.adopt().await?;
        self.sweep_admission().await?;
        for pool in self.store.due_runs(self.clock.now()).await?.into_keys() {
            self.wake_ups.wake(pool.as_str());
        }
        self.publish.notify_one();
        Ok(())
    }

    /// A worker was silent for a whole lease: its run goes to another, or ends. One that was heard of
    /// meanwhile, as sweeps take turns with others, keeps it.
    async fn expire(&self, lease: &LeaseView) -> Result<(), StoreError> {
        let (run, step) = (lease.run, lease.step);
        let Some(never_arrived) = self.push_never_arrived(run).await? else {
            tracing::info!(%run, "worker lost at its push; the forge does not say whether it arrived");
            return Ok(());
        };
        let tx = self.store.begin().await?;
        let Some(mut record) = tx.lock_lease(lease).await? else { return Ok(()) };
        tracing::warn!(run = %run, worker = ?record.worker, "worker lost");
        record.run.workers_lost += 1;
        if record.run.cancel_requested {
            let (outcome, reason) = asked_for_end(&record);
            self.finish(&tx, &mut record, outcome, reason).await?;
        } else if step == Step::Push && !never_arrived {
            // The push may have happened; the publisher looks before it goes on.
            if self.hand_to_publisher(&tx, &mut record).await.is_err() {
                self.finish(&tx, &mut record, Outcome::Failed, Reason::WorkerLost).await?;
            }
        } else if self.may_only_publish(&record) && !self.may_still_publish(&record).await? {
            self.finish(&tx, &mut record, Outcome::Failed, Reason::WorkerLost).await?;
        } else {
            self.requeue(&tx, &mut record).await?;
        }
        tx.commit().await?;
        self.after_finish();
        Ok(())
    }

    /// Whether so many workers were lost that a run's commands may not run again.
    pub(crate) fn may_only_publish(&self, record: &RunRecord) -> bool {
        record.run.workers_lost > self.lost_retries(record)
    }

    /// Whether another worker may publish what one that was lost has made.
    async fn may_still_publish(&self, record: &RunRecord) -> Result<bool, StoreError> {
        let few = record.run.workers_lost <= self.lost_retries(record) + PUBLISH_RETRIES;
        Ok(few && self.store.kept_result(record.run.id).await?.is_some())
    }

    /// How often a run is begun anew by another worker: the automation's own word, else ours.
    fn lost_retries(&self, record: &RunRecord) -> u32 {
        let retry = record.run.input.automation.run.retry.as_ref();
        retry.and_then(|retry| retry.worker_lost).unwrap_or(self.settings.lost_retries)
    }

    /// Whether leave to push was granted to a run and the forge has nothing of it; `None` while the forge
    /// does not say. Asked when its worker is gone.
    pub(crate) async fn push_never_arrived(&self, run: RunId) -> Result<Option<bool>, StoreError> {
        let Some(record) = self.store.run(run).await?.filter(|record| record.run.head.is_some()) else {
            return Ok(Some(false));
        };
        let Ok(forge) = self.forge(&record.run.repository.connection) else { return Ok(Some(false)) };
        match forge.branch_head(&record.run.repository, &record.run.branch).await {
            Ok(there) => Ok(Some(there == record.branch_head)),
            Err(error) if error.is_transient() => Ok(None),
            // The publisher hears the same, and says it.
            Err(_) => Ok(Some(false)),
        }
    }

    /// Offers a run to workers again, as if it had not been begun.
    pub(crate) async fn requeue(&self, tx: &Tx, record: &mut RunRecord) -> Result<(), StoreError> {
        let now = self.clock.now();
        let requeue = Transition::Requeue { epoch: record.epoch, wake_at: now };
        let Ok(state) = record.run.state.next(requeue, record.epoch) else { return Ok(()) };
        record.run.state = state;
        record.run.head = None;
        record.nonce = None;
        tx.save_run(record).await?;
        for mut push in tx.intents_of(record.run.id).await? {
            if matches!(push.write, Write::Push { .. }) && push.state == IntentState::Calling {
                push.state = IntentState::Failed;
                push.result = Some("it did not arrive".to_owned());
                tx.save_intent(&push, now).await?;
            }
        }
        self.plan_comment(tx, record, now).await
    }

    /// Gives up the leases of a worker that is known to be gone: the process that held them was this
    /// one before its restart, and it held the data folder's lock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_worker(&self, worker: &WorkerName) -> Result<(), StoreError> {
        for lease in self.store.leases().await? {
            let held = self.store.run(lease.run).await?.and_then(|record| record.worker);
            if held.as_ref() == Some(worker) {
                self.expire(&lease).await?;
            }
        }
        Ok(())
    }
}
