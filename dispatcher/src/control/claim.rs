//! A claim: the oldest due run, a new epoch, and the commit it starts from.

use std::time::Duration;

use forge::ForgeError;
use schemas::backoff::Backoff;
use schemas::control::{Claim, ControlError, DataFile, GitAccess, Job};
use schemas::run::{Outcome, Reason, Step, Transition};
use schemas::{Oid, Untrusted};
use store::{RunRecord, StoreError};

use super::{advance, owned, unavailable};
use crate::Dispatcher;
use crate::words;

/// Waits before a run is offered again after its forge did not answer.
const FORGE_DOWN: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_secs(60) };

/// Why a claimed run cannot start.
enum NoStart {
    /// Not now.
    Later(Duration),
    /// Not ever.
    Never(Reason),
}

impl Dispatcher {
    pub(super) async fn claim_run(&self, claim: Claim) -> Result<Option<Job>, ControlError> {
        let worker = claim.worker.clone();
        loop {
            let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
            let repeated = tx.claimed_with(&claim.nonce).await.map_err(|e| unavailable(&e))?;
            let record = match repeated {
                Some(record) => record,
                None => {
                    let now = self.clock.now();
                    let next =
                        tx.claim_next(&worker, &claim.nonce, now).await.map_err(|e| unavailable(&e))?;
                    let Some(record) = next else { return Ok(None) };
                    record
                }
            };
            tx.commit().await.map_err(|e| unavailable(&e))?;
            let span = tracing::info_span!("dispatcher.claim", run = %record.run.id, worker = %worker);
            telemetry::trace::continue_from(&span, &record.run.trace);
            let start = tracing::Instrument::instrument(self.starting_point(&record), span).await;
            match start {
                Ok((branch, base)) => return self.job(record, branch, base).await.map(Some),
                Err(NoStart::Later(delay)) => self.put_back(&record, delay).await?,
                Err(NoStart::Never(reason)) => self.give_up(&record, reason).await?,
            }
        }
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

    /// Records where the run starts and tells the worker what to do.
    async fn job(&self, claimed: RunRecord, branch: String, base: Oid) -> Result<Job, ControlError> {
        let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
        let mut record = owned(&tx, claimed.run.id, claimed.epoch).await?;
        if record.run.cancel_requested {
            return Err(ControlError::Cancelled);
        }
        // A repeated claim may come when the worker is further on already.
        let _ = advance(&mut record, Step::Workspace);
        record.base_branch = Some(branch.clone());
        record.run.base = Some(base.clone());
        tx.save_run(&record).await.map_err(|e| unavailable(&e))?;
        tx.commit().await.map_err(|e| unavailable(&e))?;
        let commit = words::pull_request::commit(&record, &self.settings.commit_author);
        let run = record.run;
        tracing::info!(run = %run.id, epoch = %record.epoch, "run claimed");
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
            base_branch: branch,
            base,
            branch: run.branch,
            files: event_files(&run.input.event)?,
            spec: run.input.automation.run,
            setup: run.input.setup,
            commit,
            trace: run.trace,
        })
    }

    async fn put_back(&self, claimed: &RunRecord, delay: Duration) -> Result<(), ControlError> {
        let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
        let mut record = owned(&tx, claimed.run.id, claimed.epoch).await?;
        let wake_at = self.clock.now() + delay;
        if let Ok(state) =
            record.run.state.next(Transition::Requeue { epoch: record.epoch, wake_at }, record.epoch)
        {
            tracing::warn!(run = %record.run.id, delay_ms = delay.as_millis(), "the forge does not answer; the run waits");
            record.run.state = state;
            record.nonce = None;
            tx.save_run(&record).await.map_err(|e| unavailable(&e))?;
        }
        tx.commit().await.map_err(|e| unavailable(&e))
    }

    async fn give_up(&self, claimed: &RunRecord, reason: Reason) -> Result<(), ControlError> {
        let failed = |e: StoreError| unavailable(&e);
        let tx = self.store.begin().await.map_err(failed)?;
        let mut record = owned(&tx, claimed.run.id, claimed.epoch).await?;
        self.finish(&tx, &mut record, Outcome::Failed, reason).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        self.after_finish();
        Ok(())
    }
}

fn no_start(error: &ForgeError, record: &RunRecord) -> NoStart {
    match error {
        ForgeError::NotFound { .. } => NoStart::Never(Reason::RepositoryNotFound),
        ForgeError::CredentialRefused => NoStart::Never(Reason::CredentialRefused),
        ForgeError::RateLimited { retry_after: Some(after) } => NoStart::Later(*after),
        error if error.is_transient() => {
            NoStart::Later(FORGE_DOWN.delay(u32::try_from(record.epoch.0).unwrap_or(0), u16::MAX))
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
