//! One call to the forge for one intent.

use forge::{Check, CheckState, CommentRef, Forge, ForgeError, NewPullRequest, ReactionTarget};
use schemas::Intent;
use schemas::automation::CommentOutput;
use schemas::intent::Write;
use schemas::run::{Outcome, RunState};
use store::{PullRequestRef, RunRecord, StoreError, Thread};

use crate::Dispatcher;
use crate::words;

/// What a write made, for its record.
pub(super) enum Made {
    /// Nothing that has to be remembered.
    Nothing(String),
    /// The status comment of the work item.
    Comment(Thread),
    /// The pull request.
    PullRequest(PullRequestRef),
}

impl Made {
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Nothing(sentence) => sentence.clone(),
            Self::Comment(thread) if thread.deleted => "a person deleted the comment; it stays so".to_owned(),
            Self::Comment(thread) => thread.comment_url.clone(),
            Self::PullRequest(pull_request) => pull_request.url.clone(),
        }
    }
}

fn nothing(sentence: &str) -> Result<Made, ForgeError> {
    Ok(Made::Nothing(sentence.to_owned()))
}

impl Dispatcher {
    /// Makes the write. What it needs to know of the run is read at the time of the call.
    pub(super) async fn perform(
        &self,
        intent: &Intent,
        record: Option<&RunRecord>,
    ) -> Result<Made, ForgeError> {
        let forge = self.forge_for(intent)?;
        let repository = &intent.repository;
        let started = self.clock.monotonic();
        let result = match (&intent.write, record) {
            (Write::React { number, comment }, _) => {
                let target = match comment {
                    Some(id) => ReactionTarget::Comment { number: *number, id: *id },
                    None => ReactionTarget::Item(*number),
                };
                forge.react(repository, target).await.and_then(|()| nothing("reacted"))
            }
            (Write::RemoveLabel { number, label }, _) => {
                forge.remove_label(repository, *number, label).await.and_then(|()| nothing("removed"))
            }
            (Write::AnswerRefusal { number, automation, login, because }, _) => {
                let body = words::comment::refusal(&intent.work_item, automation, login, because);
                let body = self.signed(&body, 1).await?;
                let made = forge.create_comment(repository, *number, &body).await;
                made.map(|comment| Made::Nothing(comment.url))
            }
            (Write::AnswerCommand { number, delivery, .. }, _) => {
                self.answer_command(&*forge, intent, *number, *delivery).await.map(Made::Nothing)
            }
            (Write::SyncComment { number }, Some(record)) => {
                self.sync_comment(&*forge, *number, record).await
            }
            (Write::OpenPullRequest { head, base }, Some(record)) => {
                self.open_pull_request(&*forge, record, head, base).await
            }
            (Write::UpdatePullRequest { number, head, rewrite }, Some(record)) => {
                self.update_pull_request(&*forge, record, *number, head, *rewrite).await
            }
            (Write::LabelPullRequest { number, labels }, _) => {
                forge.label_pull_request(repository, *number, labels).await.and_then(|()| nothing("labelled"))
            }
            (Write::RequestReviews { number, reviewers }, _) => {
                forge.request_reviews(repository, *number, reviewers).await.and_then(|()| nothing("asked"))
            }
            (Write::SetCheck { head }, Some(record)) => {
                let check = check(record);
                forge.set_check(repository, head, &check).await.and_then(|()| nothing("set"))
            }
            (Write::Push { .. }, _) => nothing("a worker's"),
            (_, None) => Err(ForgeError::NotFound { what: "the run".to_owned() }),
        };
        let word = if result.is_ok() { "ok" } else { "error" };
        let took = self.clock.monotonic().saturating_sub(started);
        self.meters.forge_called(intent.write.kind(), word, took);
        result
    }

    /// A text of ours with the marker that says whose it is, and how long the chain of causes was.
    pub(crate) async fn signed(&self, body: &str, depth: u32) -> Result<String, ForgeError> {
        let instance = self.instance().await.map_err(|error| database(&error))?.to_owned();
        Ok(format!("{}\n{}\n", body.trim_end(), words::Origin { instance, depth }))
    }

    async fn sync_comment(
        &self,
        forge: &dyn Forge,
        number: u64,
        record: &RunRecord,
    ) -> Result<Made, ForgeError> {
        let run = &record.run;
        let key = words::thread(run);
        let known = self.store.thread(&key, &run.automation).await.map_err(|e| database(&e))?;
        let intents = self.store.intents_of(run.id).await.map_err(|e| database(&e))?;
        let body = self.signed(&words::comment::status(record, &intents), run.depth).await?;
        let Some(mut thread) = known else {
            let fine =
                |outcome| matches!(outcome, Outcome::Succeeded | Outcome::NoChange | Outcome::Cancelled);
            let on_failure = run.input.automation.output.comment() == CommentOutput::OnFailure;
            if matches!(run.state, RunState::Done { outcome, .. } if on_failure && fine(outcome)) {
                return nothing("nothing failed so far");
            }
            // Whoever may not see the item does not learn of it from an answer.
            let comment = match run.input.event.confidential {
                true => forge.create_internal_comment(&run.repository, number, &body).await?,
                false => forge.create_comment(&run.repository, number, &body).await?,
            };
            return Ok(Made::Comment(Thread {
                comment_id: comment.id,
                comment_url: comment.url,
                deleted: false,
            }));
        };
        if thread.deleted {
            return Ok(Made::Comment(thread));
        }
        let comment = CommentRef { id: thread.comment_id, url: thread.comment_url.clone() };
        match forge.edit_comment(&run.repository, &comment, &body).await {
            Ok(()) => {}
            Err(ForgeError::NotFound { .. }) => thread.deleted = true,
            Err(error) => return Err(error),
        }
        Ok(Made::Comment(thread))
    }

    async fn open_pull_request(
        &self,
        forge: &dyn Forge,
        record: &RunRecord,
        head: &str,
        base: &str,
    ) -> Result<Made, ForgeError> {
        let run = &record.run;
        holds_result(forge, record, head).await?;
        let new = NewPullRequest {
            title: words::pull_request::title(record),
            body: self.signed(&words::pull_request::body(record), run.depth).await?,
            head: head.to_owned(),
            base: base.to_owned(),
            draft: run.input.automation.output.pull_request.clone().unwrap_or_default().draft(),
        };
        let made = match forge.create_pull_request(&run.repository, &new).await {
            Err(ForgeError::AlreadyExists) => {
                forge.find_pull_request(&run.repository, head).await?.ok_or_else(|| {
                    ForgeError::Unavailable { message: "it exists but is not listed".to_owned() }
                })?
            }
            other => other?,
        };
        Ok(Made::PullRequest(PullRequestRef { number: made.number, url: made.url }))
    }

    async fn update_pull_request(
        &self,
        forge: &dyn Forge,
        record: &RunRecord,
        number: u64,
        head: &str,
        rewrite: bool,
    ) -> Result<Made, ForgeError> {
        holds_result(forge, record, head).await?;
        if rewrite {
            let title = words::pull_request::title(record);
            let body = self.signed(&words::pull_request::body(record), record.run.depth).await?;
            forge.edit_pull_request(&record.run.repository, number, &title, &body).await?;
        }
        let open = record.pull_request.clone();
        open.map(Made::PullRequest)
            .ok_or_else(|| ForgeError::NotFound { what: "the pull request".to_owned() })
    }
}

/// Makes sure that the push arrived.
async fn holds_result(forge: &dyn Forge, record: &RunRecord, branch: &str) -> Result<(), ForgeError> {
    let there = forge.branch_head(&record.run.repository, branch).await?;
    if there.is_some() && there == record.run.head {
        return Ok(());
    }
    let message = format!("the branch {branch} does not hold the result");
    Err(ForgeError::Refused { status: 409, message })
}

fn check(record: &RunRecord) -> Check {
    let outcome = match &record.run.state {
        RunState::Done { outcome, .. } => Some(*outcome),
        _ => None,
    };
    let state = match outcome {
        Some(Outcome::Succeeded) => CheckState::Success,
        Some(_) => CheckState::Failure,
        None => CheckState::Pending,
    };
    Check {
        name: format!("pullwright/{}", record.run.automation),
        state,
        summary: words::pull_request::check_summary(record, outcome.unwrap_or(Outcome::Succeeded)),
    }
}

pub(super) fn database(error: &StoreError) -> ForgeError {
    ForgeError::Unavailable { message: format!("our database: {error}") }
}
