//! Doing what a comment asks for, and the answer to it.

use forge::{Forge, ForgeError, ReactionTarget};
use schemas::automation::Permission;
use schemas::event::Actor;
use schemas::run::RunState;
use schemas::{AutomationName, DeliveryId, Event, Intent, RepoRef};
use store::{RunRecord, StoreError};

use super::{Command, WORD, command};
use crate::Dispatcher;
use crate::admit::approval::{ApproveAnswer, ApproveError, Approver, code, waits_for};
use crate::control::CancelAnswer;
use crate::words::{self, answer};

/// The least that somebody needs to ask: decisions and runs tell of a repository what its readers
/// need not know.
const LEAST: Permission = Permission::Write;
/// The newest events of an item that are told about.
const EVENTS: u64 = 5;

/// What there is to say.
enum Reply {
    /// It was done; what it changed shows in the status comment.
    Done,
    /// An answer in words.
    Say(String),
    /// They may not, and why; said once for each of them and item.
    Refused(String),
}

impl Dispatcher {
    /// Obeys the command of a delivery and answers it; what was written, in one sentence.
    pub(crate) async fn answer_command(
        &self,
        forge: &dyn Forge,
        intent: &Intent,
        number: u64,
        delivery: DeliveryId,
    ) -> Result<String, ForgeError> {
        let found = self.store.delivery(delivery).await.map_err(database)?;
        let Some(event) = found.and_then(|found| found.event) else {
            return Err(ForgeError::NotFound { what: format!("the event of delivery {delivery}") });
        };
        let (Some(command), Some(actor), Some(comment)) = (command(&event), &event.actor, &event.comment)
        else {
            return Err(ForgeError::NotFound { what: format!("a command in delivery {delivery}") });
        };
        let repository = &intent.repository;
        let body = match self.obey(forge, &command, &event, actor, repository).await? {
            Reply::Done => {
                let target = match comment.id.parse() {
                    Ok(id) => ReactionTarget::Comment { number, id },
                    Err(_) => ReactionTarget::Item(number),
                };
                forge.react(repository, target).await?;
                return Ok(format!("{} was done", command.words()));
            }
            Reply::Say(text) => {
                format!("{}\n{text}", words::answer_marker(&intent.work_item, &comment.id))
            }
            Reply::Refused(because) => {
                let own = AutomationName::from(WORD);
                let marker = words::refusal_marker(&intent.work_item, &own, &actor.login);
                if forge.find_comment(repository, number, &marker).await?.is_some() {
                    return Ok("they were told before".to_owned());
                }
                format!("{marker}\n{}", answer::refused(command.words(), &actor.login, &because))
            }
        };
        let body = self.signed(&body, 1).await?;
        Ok(forge.create_comment(repository, number, &body).await?.url)
    }

    async fn obey(
        &self,
        forge: &dyn Forge,
        command: &Command,
        event: &Event,
        actor: &Actor,
        repository: &RepoRef,
    ) -> Result<Reply, ForgeError> {
        let Some(item) = &event.work_item else { return Ok(Reply::Say(answer::nothing_here())) };
        // An approval has its own idea of who may; even so, strangers learn nothing of what waits.
        if forge.permission(repository, &actor.login).await? < LEAST {
            return Ok(Reply::Refused(format!("needs {LEAST} on {repository}")));
        }
        let runs = self.store.unfinished_runs_of(item).await.map_err(database)?;
        match command {
            Command::Why => self.why(item, event.id, runs).await.map(Reply::Say).map_err(database),
            Command::Cancel => self.cancel_all(&runs).await.map_err(database),
            Command::Approve { code } => self.approve_one(&runs, code.as_deref(), actor, event).await,
        }
    }

    async fn approve_one(
        &self,
        runs: &[RunRecord],
        given: Option<&str>,
        actor: &Actor,
        event: &Event,
    ) -> Result<Reply, ForgeError> {
        let waiting: Vec<(&RunRecord, String)> =
            runs.iter().filter_map(|run| Some((run, waits_for(run)?.inputs))).collect();
        let chosen = match (given, waiting.as_slice()) {
            (_, []) => {
                // The answer of an approval that was made may have been lost.
                let login = Some(&actor.login);
                let done = runs.iter().filter_map(|run| run.run.approval.as_ref());
                let again = done.clone().any(|approval| approval.approved_by.as_ref() == login);
                return Ok(if again { Reply::Done } else { Reply::Say(answer::nobody_waits()) });
            }
            (None, [(run, inputs)]) => Some((run, inputs.clone())),
            (None, _) => return Ok(Reply::Say(answer::several_wait(&waiting))),
            (Some(given), waiting) => {
                let given = given.to_ascii_lowercase();
                let named = waiting.iter().find(|(_, inputs)| given == code(inputs) || given == *inputs);
                named.map(|(run, inputs)| (run, inputs.clone()))
            }
        };
        let Some((run, inputs)) = chosen else { return Ok(Reply::Say(answer::wrong_code(&waiting))) };
        let approved = self.approve(run.run.id, &inputs, Approver::Person(actor, event)).await;
        Ok(match approved {
            Ok(ApproveAnswer::Approved) => Reply::Done,
            Ok(ApproveAnswer::NotWaiting | ApproveAnswer::WrongCode) => Reply::Say(answer::nobody_waits()),
            Ok(ApproveAnswer::Changed(fresh)) => Reply::Say(answer::inputs_changed(run, &fresh)),
            Ok(ApproveAnswer::Denied(because)) => {
                Reply::Say(answer::refused("/agent approve", &actor.login, &because))
            }
            Err(ApproveError::Forge(error)) => return Err(error),
            Err(ApproveError::Store(error)) => return Err(database(error)),
        })
    }

    async fn cancel_all(&self, runs: &[RunRecord]) -> Result<Reply, StoreError> {
        let mut late = Vec::new();
        let mut ended = false;
        // The newest first: one that ends would otherwise let the next one begin.
        for record in runs.iter().rev() {
            match self.cancel(record.run.id).await? {
                CancelAnswer::Cancelled | CancelAnswer::Requested => ended = true,
                CancelAnswer::TooLate => late.push(record.run.id),
                CancelAnswer::Unknown => {}
            }
        }
        Ok(match (ended, late.is_empty()) {
            (true, true) => Reply::Done,
            (_, false) => Reply::Say(answer::too_late(&late)),
            (false, true) => Reply::Say(answer::nothing_here()),
        })
    }

    /// What was decided about an item's newest events, and what its runs wait for.
    async fn why(
        &self,
        item: &schemas::WorkItem,
        asking: DeliveryId,
        runs: Vec<RunRecord>,
    ) -> Result<String, StoreError> {
        let mut told = Vec::new();
        let newest = self.store.newest_events(item, EVENTS + 1).await?;
        for (delivery, summary) in newest.into_iter().filter(|(delivery, _)| *delivery != asking) {
            told.push((delivery, summary, self.store.decisions(delivery).await?));
        }
        let mut standing = Vec::new();
        for record in runs {
            let behind = match record.run.state {
                RunState::Pending { .. } => self.store.behind(&record.run).await?,
                _ => None,
            };
            standing.push((record, behind));
        }
        Ok(answer::why(&told, &standing))
    }
}

fn database(error: StoreError) -> ForgeError {
    ForgeError::Unavailable { message: format!("our database: {error}") }
}
