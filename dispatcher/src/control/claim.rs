//! A claim: the oldest due run, a new epoch, and the commit it starts from.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use forge::ForgeError;
use schemas::backoff::Backoff;
use schemas::control::{Claim, ControlError, DataFile, GitAccess, Job};
use schemas::run::{Outcome, Reason, RunState, Step};
use schemas::{Oid, RunId, Untrusted};
use store::{RunRecord, StoreError};
use tracing::Instrument;

use super::{advance, unavailable};
use crate::Dispatcher;
use crate::words;

/// Waits before a run is offered again after its forge did not answer.
const FORGE_DOWN: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_secs(60) };

/// Why a claimed run cannot start.
enum NoStart {
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
    pub(super) async fn claim_run(&self, claim: Claim) -> Result<Option<Job>, ControlError> {
        if let Some(record) = self.store.claimed_with(&claim.nonce).await.map_err(|e| unavailable(&e))? {
            return self.job(record).await.map(Some);
        }
        loop {
            let Some(candidate) = self.candidate().await? else { return Ok(None) };
            let found = self.store.run(candidate.run).await.map_err(|e| unavailable(&e))?;
            let Some(record) = found else { continue };
            let span = tracing::info_span!("dispatcher.claim", run = %candidate.run, worker = %claim.worker);
            telemetry::trace::continue_from(&span, &record.run.trace);
            if let Some(job) = self.try_claim(record, &claim).instrument(span).await? {
                return Ok(Some(job));
            }
        }
    }

    /// The run that waits longest and that no other claim of this process looks at.
    async fn candidate(&self) -> Result<Option<Candidate<'_>>, ControlError> {
        let looked_at = self.claiming.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
        let due = self.store.claimable(self.clock.now(), looked_at + 1).await.map_err(|e| unavailable(&e))?;
        let mut taken = self.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        let free = due.into_iter().find(|run| taken.insert(*run));
        Ok(free.map(|run| Candidate { run, taken: &self.claiming }))
    }

    /// Asks the forge where the run starts, then takes it; `None` when it is not to be had now.
    async fn try_claim(&self, seen: RunRecord, claim: &Claim) -> Result<Option<Job>, ControlError> {
        let failed = |e: StoreError| unavailable(&e);
        let start = self.starting_point(&seen).await;
        let now = self.clock.now();
        let tx = self.store.begin().await.map_err(failed)?;
        let claimed = tx.claim(seen.run.id, &claim.worker, &claim.nonce, now).await.map_err(failed)?;
        let Some(mut record) = claimed else { return Ok(None) };
        let (branch, base) = match start {
            Ok(start) => start,
            Err(NoStart::Later(delay, because)) => {
                tracing::warn!(delay_ms = delay.as_millis(), because, "the run waits for the forge");
                let mut waiting = seen;
                waiting.run.state = RunState::Queued { wake_at: now + delay };
                // The epoch counts tries, for the backoff.
                waiting.epoch = record.epoch;
                tx.save_run(&waiting).await.map_err(failed)?;
                tx.commit().await.map_err(failed)?;
                return Ok(None);
            }
            Err(NoStart::Never(reason)) => {
                self.finish(&tx, &mut record, Outcome::Failed, reason).await.map_err(failed)?;
                tx.commit().await.map_err(failed)?;
                self.after_finish();
                return Ok(None);
            }
        };
        advance(&mut record, Step::Workspace)?;
        record.base_branch = Some(branch);
        record.run.base = Some(base);
        tx.save_run(&record).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        tracing::info!(run = %record.run.id, epoch = %record.epoch, "run claimed");
        self.job(record).await.map(Some)
    }

    /// The branch and commit that the run starts from, asked of the forge.
    async fn starting_point(&self, record: &RunRecord) -> Result<(String, Oid), NoStart> {
        let run = &record.run;
        let forge = self.forge(&run.repository.connection).map_err(|e| no_start(&e, record))?;
        let configured = run.input.automation.run.base.clone();
        let from_event = run.input.event.repository.as_ref().and_then(|r| r.default_branch.clone());
        let mut branch = match configured.or(from_event) {
            Some(branch) => branch,
            None => self.default_branch(record).await?,
        };
        let mut head = forge.branch_head(&run.repository, &branch).await.map_err(|e| no_start(&e, record))?;
        if head.is_none() && run.input.automation.run.base.is_none() {
            // The event may be older than a rename of the default branch; this also tells a
            // repository that is gone from a branch that is.
            branch = self.default_branch(record).await?;
            head = forge.branch_head(&run.repository, &branch).await.map_err(|e| no_start(&e, record))?;
        }
        if head.is_none() {
            self.default_branch(record).await?;
        }
        let base = head.ok_or(NoStart::Never(Reason::BranchMissing { branch: branch.clone() }))?;
        Ok((branch, base))
    }

    async fn default_branch(&self, record: &RunRecord) -> Result<String, NoStart> {
        let repository = &record.run.repository;
        let forge = self.forge(&repository.connection).map_err(|e| no_start(&e, record))?;
        let facts = forge.repository(repository).await.map_err(|e| no_start(&e, record))?;
        Ok(facts.default_branch)
    }

    /// What the worker is told of a claimed run.
    async fn job(&self, record: RunRecord) -> Result<Job, ControlError> {
        let mut commit = words::pull_request::commit(&record, &self.settings.commit_author);
        let instance = self.instance().await.map_err(|e| unavailable(&e))?.to_owned();
        commit.body.push_str(&words::Origin { instance, depth: record.run.depth }.trailer());
        let (Some(base), Some(base_branch)) = (record.run.base.clone(), record.base_branch) else {
            return Err(ControlError::Refused { because: "the run has no starting point".to_owned() });
        };
        let run = record.run;
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
            files: event_files(&run.input.event)?,
            spec: run.input.automation.run,
            setup: run.input.setup,
            commit,
            trace: run.trace,
        })
    }
}

fn no_start(error: &ForgeError, record: &RunRecord) -> NoStart {
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

/// The event as files: data for the commands, never words of a command line.
fn event_files(event: &schemas::Event) -> Result<Vec<DataFile>, ControlError> {
    let json = serde_json::to_string_pretty(event).map_err(|error| ControlError::Refused {
        because: format!("the event cannot be written: {error}"),
    })?;
    let mut files = vec![DataFile { name: "event.json".to_owned(), content: Untrusted::new(json) }];
    if let Some(item) = &event.item {
        files.push(DataFile { name: "title.txt".to_owned(), content: item.title.clone() });
        files.push(DataFile { name: "body.md".to_owned(), content: item.body.clone() });
    }
    if let Some(comment) = &event.comment {
        files.push(DataFile { name: "comment.md".to_owned(), content: comment.body.clone() });
    }
    Ok(files)
}
