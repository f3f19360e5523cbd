//! A claim: the oldest due run, a new epoch, and the commit it starts from.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use forge::ForgeError;
use schemas::backoff::Backoff;
use schemas::control::{Claim, ControlError, GitAccess, Job};
use schemas::result_bundle::KeptResult;
use schemas::run::{Outcome, Reason, RunState, Step};
use schemas::{Pool, RunId};
use store::{RunRecord, StoreError};
use tracing::Instrument;

use super::event_files::event_files;
use super::{advance, unavailable};
use crate::Dispatcher;
use crate::words;

/// Waits before a run is offered again after its forge did not answer.
const FORGE_DOWN: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_secs(60) };

/// Why a claimed run cannot start.
pub(crate) enum NoStart {
    /// Not now: when to ask again, and why.
    Later(Duration, String),
    /// Not ever.
    Never(Reason),
}

/// A run that one claim is looking at, so that claims beside it look at others.
struct Candidate<'a> {
    run: RunId,
    taken: &'a Mutex<HashSet<RunId>>,
}

impl Drop for Candidate<'_> {
    fn drop(&mut self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
    }
}

impl Dispatcher {
    /// Gives a worker of `pool` a run of that pool.
    pub(crate) async fn claim_run(&self, pool: &Pool, claim: &Claim) -> Result<Option<Job>, ControlError> {
        if let Some(record) = self.store.claimed_with(&claim.nonce).await.map_err(|e| unavailable(&e))? {
            let kept = self.kept(record.run.id).await?;
            return self.job(record, kept).await.map(Some);
        }
        loop {
            let Some(candidate) = self.candidate(pool).await? else { return Ok(None) };
            let found = self.store.run(candidate.run).await.map_err(|e| unavailable(&e))?;
            let Some(record) = found else { continue };
            let span = tracing::info_span!("dispatcher.claim", run = %candidate.run, worker = %claim.worker);
            telemetry::trace::continue_from(&span, &record.run.trace);
            if let Some(job) = self.try_claim(record, claim).instrument(span).await? {
                return Ok(Some(job));
            }
        }
    }

    /// The run that waits longest and that no other claim of this process looks at.
    async fn candidate(&self, pool: &Pool) -> Result<Option<Candidate<'_>>, ControlError> {
        let looked_at = self.claiming.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
        let due = self.store.claimable(pool, self.clock.now(), looked_at + 1).await;
        let due = due.map_err(|e| unavailable(&e))?;
        let mut taken = self.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        let free = due.into_iter().find(|run| taken.insert(*run));
        Ok(free.map(|run| Candidate { run, taken: &self.claiming }))
    }

    /// Asks the forge where the run starts, then takes it; `None` when it is not to be had now.
    async fn try_claim(&self, seen: RunRecord, claim: &Claim) -> Result<Option<Job>, ControlError> {
        let failed = |e: StoreError| unavailable(&e);
        let kept = self.kept(seen.run.id).await?;
        // What was made already stays where it started; a forge that is away holds it up as any run.
        let start = match kept {
            Some(_) => self.reaches(&seen).await.map(|()| None),
            None if self.may_only_publish(&seen) => Err(NoStart::Never(Reason::WorkerLost)),
            None => self.starting_point(&seen).await.map(Some),
        };
        let now = self.clock.now();
        let Some(mut record) = seen.clone().claimed(&claim.worker, &claim.nonce, now) else {
            return Ok(None);
        };
        let start = match start {
            Ok(start) => start,
            Err(NoStart::Later(delay, because)) => {
                tracing::warn!(delay_ms = delay.as_millis(), because, "the run waits for the forge");
                // As it was, but for the epoch, which counts tries, for the backoff.
                let mut waiting = RunRecord { epoch: record.epoch, ..seen };
                waiting.run.state = RunState::Queued { wake_at: now + delay };
                self.store.begin_epoch(&waiting).await.map_err(failed)?;
                return Ok(None);
            }
            Err(NoStart::Never(reason)) => {
                self.never_start(&seen, claim, reason).await.map_err(failed)?;
                return Ok(None);
            }
        };
        advance(&mut record, Step::Workspace)?;
        if let Some(start) = start {
            record.base_branch = Some(start.base_branch);
            // What a person agreed to starts where it did then.
            let agreed = record.run.approval.as_ref().map(|approval| approval.head.clone());
            record.run.base = Some(agreed.unwrap_or(start.base));
            record.run.branch = start.branch;
            (record.pull_request, record.branch_head) = start.open.unzip();
        }
        if !self.store.begin_epoch(&record).await.map_err(failed)? {
            return Ok(None);
        }
        tracing::info!(run = %record.run.id, epoch = %record.epoch, "run claimed");
        self.job(record, kept).await.map(Some)
    }

    /// Ends a queued run that cannot start, if it is still as it was seen.
    async fn never_start(&self, seen: &RunRecord, claim: &Claim, reason: Reason) -> Result<(), StoreError> {
        let now = self.clock.now();
        let tx = self.store.begin().await?;
        let found = tx.lock_run(seen.run.id).await?.filter(|record| record.epoch == seen.epoch);
        let claimed = found.and_then(|record| record.claimed(&claim.worker, &claim.nonce, now));
        let Some(mut record) = claimed else { return Ok(()) };
        self.finish(&tx, &mut record, Outcome::Failed, reason).await?;
        tx.commit().await?;
        self.after_finish();
        Ok(())
    }

    /// What an earlier worker left of a run.
    async fn kept(&self, run: RunId) -> Result<Option<KeptResult>, ControlError> {
        let bundle = self.store.kept_result(run).await.map_err(|e| unavailable(&e))?;
        Ok(bundle.map(|bundle| bundle.kept))
    }

    /// What the worker is told of a claimed run.
    async fn job(&self, record: RunRecord, kept: Option<KeptResult>) -> Result<Job, ControlError> {
        let mut commit = words::pull_request::commit(&record, &self.settings.commit_author);
        let instance = self.instance().await.map_err(|e| unavailable(&e))?.to_owned();
        commit.body.push_str(&words::Origin { instance, depth: record.run.depth }.trailer());
        let publish_only = self.may_only_publish(&record);
        let (Some(base), Some(base_branch)) = (record.run.base.clone(), record.base_branch) else {
            return Err(ControlError::Refused { because: "the run has no starting point".to_owned() });
        };
        let run = record.run;
        let events = self.store.events_of(run.id).await.map_err(|e| unavailable(&e))?;
        let files = event_files(&run.input.event, &events)?;
        Ok(Job {
            run: run.id,
            epoch: record.epoch,
            lease_ms: u64::try_from(self.settings.lease.as_millis()).unwrap_or(u64::MAX),
            automation: run.automation,
            work_item: run.work_item,
            repository: run.repository,
            git: GitAccess {
                url: format!("{}/{}", self.settings.gate_url, run.id),
                token: self.settings.gate_key.token(run.id, record.epoch),
            },
            base_branch,
            base,
            branch: run.branch,
            files,
            limits: run.input.automation.output.limits(),
            spec: run.input.automation.run,
            setup: run.input.setup,
            commit,
            trace: run.trace,
            kept,
            publish_only,
        })
    }
}

/// The database did not answer: as with a forge, a later claim asks again.
pub(super) fn store_down(error: StoreError) -> NoStart {
    NoStart::Later(FORGE_DOWN.first, error.to_string())
}

pub(super) fn no_start(error: &ForgeError, record: &RunRecord) -> NoStart {
    match error {
        ForgeError::NotFound { .. } => NoStart::Never(Reason::RepositoryNotFound),
        ForgeError::CredentialRefused => NoStart::Never(Reason::CredentialRefused),
        ForgeError::RateLimited { retry_after: Some(after) } => NoStart::Later(*after, error.to_string()),
        error if error.is_transient() => {
            let delay = FORGE_DOWN.delay(u32::try_from(record.epoch.0).unwrap_or(0), u16::MAX);
            NoStart::Later(delay, error.to_string())
        }
        error => NoStart::Never(Reason::ForgeRefused { message: error.to_string() }),
    }
}
