//! What follows from a write's result, for its intent and for its run.

use std::time::Duration;

use chrono::{DateTime, Utc};
use forge::ForgeError;
use schemas::backoff::Backoff;
use schemas::intent::{IntentState, Write};
use schemas::run::{Outcome, Reason};
use schemas::{Intent, RunId};
use store::{RunRecord, StoreError, Tx};

use super::perform::Made;
use crate::Dispatcher;
use crate::words;

/// Waits between tries of a call that certainly did nothing.
const RETRY: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(60) };
/// A rate limit that does not say how long (GitHub asks for at least a minute).
const LIMITED: Duration = Duration::from_secs(60);
/// Tries before a write is given up; with the waits above about half an hour.
const TRIES: u32 = 30;
/// Creations whose answer stayed unclear before a person has to look.
const UNCLEAR_TRIES: u32 = 3;

impl Dispatcher {
    /// Records a result.
    pub(super) async fn conclude(
        &self,
        mut intent: Intent,
        result: Result<Made, ForgeError>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let tx = self.store.begin().await?;
        if !tx.release_intent(intent.id, &self.settings.name).await? {
            // Whoever has it now finds what this call made.
            self.lost(&intent);
            return Ok(());
        }
        match result {
            Ok(made) => {
                intent.state = IntentState::Done;
                intent.result = Some(made.sentence());
                self.remember(&tx, &intent, made).await?;
            }
            Err(error) => {
                tracing::warn!(write = intent.write.kind(), work_item = %intent.work_item, %error, "a write did not succeed");
                self.put_off_or_fail(&mut intent, &error);
                if !matches!(intent.state, IntentState::Open | IntentState::Calling) {
                    self.fail_run(&tx, &intent, &error).await?;
                }
            }
        }
        tx.save_intent(&intent, now).await?;
        tx.commit().await?;
        self.after_finish();
        Ok(())
    }

    fn put_off_or_fail(&self, intent: &mut Intent, error: &ForgeError) {
        let now = self.clock.now();
        intent.result = Some(error.to_string());
        match error {
            ForgeError::RateLimited { retry_after } => {
                intent.state = IntentState::Open;
                intent.not_before = now + retry_after.unwrap_or(LIMITED);
            }
            ForgeError::Unavailable { .. } if intent.attempts < TRIES => {
                intent.state = IntentState::Open;
                intent.not_before = now + RETRY.delay(intent.attempts, u16::MAX);
            }
            ForgeError::Unclear { .. } if intent.attempts < UNCLEAR_TRIES => {
                intent.state = IntentState::Calling;
                intent.not_before = now + self.settings.settle.first().copied().unwrap_or_default();
            }
            ForgeError::Unclear { .. } => intent.state = IntentState::Unknown,
            _ => intent.state = IntentState::Failed,
        }
    }

    /// What a write made belongs to rows of its own.
    async fn remember(&self, tx: &Tx, intent: &Intent, made: Made) -> Result<(), StoreError> {
        let Some(run) = intent.run else { return Ok(()) };
        match made {
            Made::Nothing(_) => Ok(()),
            Made::Comment(thread) => {
                let Some(record) = tx.lock_run(run).await? else { return Ok(()) };
                tx.save_thread(&words::thread(&record.run), &record.run.automation, &thread).await
            }
            Made::PullRequest(pull_request) => self.published(tx, run, pull_request).await,
        }
    }

    /// The pull request is open: the run is done, and its commit gets a check.
    async fn published(
        &self,
        tx: &Tx,
        run: RunId,
        pull_request: store::PullRequestRef,
    ) -> Result<(), StoreError> {
        let Some(mut record) = tx.lock_run(run).await? else { return Ok(()) };
        let now = self.clock.now();
        for mut push in tx.intents_of(run).await? {
            if matches!(push.write, Write::Push { .. }) && push.state == IntentState::Calling {
                push.state = IntentState::Done;
                push.result = Some("the branch holds the result".to_owned());
                tx.save_intent(&push, now).await?;
            }
        }
        self.link_pull_request(tx, &record.run, &pull_request, now).await?;
        let opened = record.pull_request.is_none();
        let number = pull_request.number;
        record.pull_request = Some(pull_request);
        self.finish(tx, &mut record, Outcome::Succeeded, Reason::Published).await?;
        if let Some(head) = record.run.head.clone().filter(|_| record.run.input.automation.output.check()) {
            self.plan(tx, &record, Write::SetCheck { head }, "set_check", now).await?;
        }
        // Only at first: what people take off later stays off.
        if opened { self.plan_dressing(tx, &record, number, now).await } else { Ok(()) }
    }

    /// Labels and reviewers of a pull request that was just opened.
    async fn plan_dressing(
        &self,
        tx: &Tx,
        record: &RunRecord,
        number: u64,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let output = record.run.input.automation.output.pull_request.clone().unwrap_or_default();
        let labels = Write::LabelPullRequest { number, labels: output.labels.clone() };
        let reviews = Write::RequestReviews { number, reviewers: output.reviewers.clone() };
        for (write, wanted) in [(labels, !output.labels.is_empty()), (reviews, !output.reviewers.is_empty())]
        {
            if wanted {
                let key = write.kind();
                self.plan(tx, record, write, key, now).await?;
            }
        }
        Ok(())
    }

    /// Only the pull request decides over its run; other writes are told in the run's detail.
    async fn fail_run(&self, tx: &Tx, intent: &Intent, error: &ForgeError) -> Result<(), StoreError> {
        let Some(run) = intent.run else { return Ok(()) };
        let Some(mut record) = tx.lock_run(run).await? else { return Ok(()) };
        let write = match &intent.write {
            Write::OpenPullRequest { .. } => "opening the pull request",
            Write::UpdatePullRequest { .. } => "updating the pull request",
            // The comment tells what the pull request has not got.
            Write::LabelPullRequest { .. } | Write::RequestReviews { .. } => {
                return self.plan_comment(tx, &record, self.clock.now()).await;
            }
            _ => return Ok(()),
        };
        let (outcome, reason) = match error {
            ForgeError::Unclear { .. } => {
                (Outcome::Unknown, Reason::OutcomeUnclear { write: write.to_owned() })
            }
            ForgeError::CredentialRefused => (Outcome::Failed, Reason::CredentialRefused),
            _ if record.report.is_none() => (Outcome::Failed, Reason::WorkerLost),
            other => (Outcome::Failed, Reason::ForgeRefused { message: other.to_string() }),
        };
        self.finish(tx, &mut record, outcome, reason).await
    }
}
