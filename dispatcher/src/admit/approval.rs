//! A person's word before a run starts, bound to everything that the run would be given.

use chrono::{DateTime, TimeDelta, Utc};
use forge::ForgeError;
use schemas::automation::Permission;
use schemas::event::{Actor, ActorKind};
use schemas::run::{ApprovalState, Gate, Outcome, RunInput, RunState};
use schemas::{DeliveryId, Event, Oid, RunId};
use sha2::{Digest, Sha256};
use store::{RunRecord, StoreError};

use crate::Dispatcher;
use crate::control::NoStart;

/// How long people have, unless the automation says.
const EXPIRES: TimeDelta = TimeDelta::days(7);
/// When what there is to agree to is put together again, after the forge did not answer.
const AGAIN: TimeDelta = TimeDelta::seconds(10);

/// Who agrees.
#[derive(Debug, Clone, Copy)]
pub enum Approver<'a> {
    /// Whoever holds the API's token; they were shown the inputs.
    Operator,
    /// Somebody who wrote a comment; the event also tells how the item reads now.
    Person(&'a Actor, &'a Event),
}

/// What an approval came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApproveAnswer {
    /// The run goes on.
    Approved,
    /// There is no such run, or it waits for nobody's word.
    NotWaiting,
    /// Another code than the one of its inputs.
    WrongCode,
    /// The inputs are no longer what the code stands for; this is the new hash.
    Changed(String),
    /// They may not, and why.
    Denied(String),
}

/// Why an approval could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The forge did not say where the run would start or what the person may do.
    #[error(transparent)]
    Forge(#[from] ForgeError),
}

/// SHA-256 in hex over everything that a run would be given: automation, event texts and repository
/// setup, the events it stands for, and the commit it would start from.
#[must_use]
pub fn inputs(input: &RunInput, events: &[DeliveryId], start: &Oid) -> String {
    let mut hash = Sha256::new();
    // What serde writes of these types is ordered: structs by field, maps by key.
    let json = serde_json::to_vec(input).unwrap_or_default();
    hash.update(json.len().to_le_bytes());
    hash.update(&json);
    hash.update(start.as_str());
    events.iter().for_each(|event| hash.update(event.0.as_bytes()));
    hex::encode(hash.finalize())
}

/// What people write to agree to these inputs: eight digits.
#[must_use]
pub fn code(inputs: &str) -> &str {
    inputs.get(..8).unwrap_or(inputs)
}

impl Dispatcher {
    /// Puts together what there is to agree to, for runs that came to that gate.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn prepare_approvals(&self) -> Result<(), StoreError> {
        for record in self.store.approvals_to_prepare(self.clock.now()).await? {
            let id = record.run.id;
            let head = self.start_commit(&record).await;
            let events = self.deliveries_of_run(id).await?;
            let now = self.clock.now();
            let tx = self.store.begin().await?;
            let Some(mut record) = tx.lock_run(id).await?.filter(|record| record.run.approval.is_none())
            else {
                continue;
            };
            let RunState::Pending { gate: Gate::Approval, .. } = record.run.state else { continue };
            let due_at = match head {
                Ok(head) => {
                    let inputs = inputs(&record.run.input, &events, &head);
                    record.run.approval = Some(ApprovalState::new(inputs, head));
                    now + expires(&record)
                }
                Err(NoStart::Later(_, because)) => {
                    tracing::warn!(run = %id, because, "an approval waits for the forge");
                    now + AGAIN
                }
                Err(NoStart::Never(reason)) => {
                    self.finish(&tx, &mut record, Outcome::Failed, reason).await?;
                    tx.commit().await?;
                    continue;
                }
            };
            self.wait(&tx, &mut record, Gate::Approval, Some(due_at), now).await?;
            tx.commit().await?;
            self.publish.notify_one();
        }
        Ok(())
    }

    /// Agrees to a run, if `given` (eight digits or the whole hash) stands for what it would be given
    /// as of now, and if `by` may.
    ///
    /// # Errors
    /// When the database or the forge does not answer; then nothing happened.
    pub async fn approve(
        &self,
        run: RunId,
        given: &str,
        by: Approver<'_>,
    ) -> Result<ApproveAnswer, ApproveError> {
        let Some(seen) = self.store.run(run).await? else { return Ok(ApproveAnswer::NotWaiting) };
        let Some(asked) = waits_for(&seen) else { return Ok(ApproveAnswer::NotWaiting) };
        if let Some(because) = self.may_not_approve(&seen, by).await? {
            return Ok(ApproveAnswer::Denied(because));
        }
        let given = given.to_ascii_lowercase();
        if given != code(&asked.inputs) && given != asked.inputs {
            return Ok(ApproveAnswer::WrongCode);
        }
        let (input, head) = self.as_of_now(&seen, by).await?;
        let fresh = inputs(&input, &self.deliveries_of_run(run).await?, &head);
        let now = self.clock.now();
        let tx = self.store.begin().await?;
        let Some(mut record) = tx.lock_run(run).await? else { return Ok(ApproveAnswer::NotWaiting) };
        if waits_for(&record) != Some(asked.clone()) {
            return Ok(ApproveAnswer::NotWaiting);
        }
        let answer = if fresh == asked.inputs {
            let who = match by {
                Approver::Operator => "an operator".to_owned(),
                Approver::Person(actor, _) => actor.login.clone(),
            };
            tracing::info!(%run, by = who, "run approved");
            record.run.approval =
                Some(ApprovalState { approved_by: Some(who), approved_at: Some(now), ..asked });
            self.line_up(&tx, &mut record, now).await?;
            self.admit(&tx, Some(&store::Near::to(&record.run)), now).await?;
            ApproveAnswer::Approved
        } else {
            record.run.input = input;
            record.run.approval = Some(ApprovalState::new(fresh.clone(), head));
            tx.save_whole_run(&record).await?;
            self.plan_comment(&tx, &record, now).await?;
            ApproveAnswer::Changed(fresh)
        };
        tx.commit().await?;
        self.after_finish();
        Ok(answer)
    }

    /// The inputs with the texts that the approving event carries, and the commits as the forge has
    /// them now.
    async fn as_of_now(&self, record: &RunRecord, by: Approver<'_>) -> Result<(RunInput, Oid), ApproveError> {
        let mut input = record.run.input.clone();
        if let Approver::Person(_, event) = by
            && event.work_item.as_ref() == Some(&record.run.work_item)
            && let (Some(item), Some(current)) = (&mut input.event.item, &event.item)
        {
            item.title = current.title.clone();
            item.body = current.body.clone();
        }
        if let Some(change) = input.event.change.as_mut().filter(|change| !change.fork)
            && let Some(branch) = &change.head_ref
        {
            let forge = self.forge(&record.run.repository.connection)?;
            change.head = forge.branch_head(&record.run.repository, branch.expose()).await?;
        }
        match self.start_commit(record).await {
            Ok(head) => Ok((input, head)),
            Err(NoStart::Later(_, message)) => Err(ForgeError::Unavailable { message }.into()),
            Err(NoStart::Never(reason)) => {
                Err(ForgeError::Refused { status: 422, message: reason.sentence() }.into())
            }
        }
    }

    async fn start_commit(&self, record: &RunRecord) -> Result<Oid, NoStart> {
        self.starting_point(record).await.map(|start| start.base)
    }

    /// Why somebody may not agree; `None` where they may.
    async fn may_not_approve(
        &self,
        record: &RunRecord,
        by: Approver<'_>,
    ) -> Result<Option<String>, ApproveError> {
        let Approver::Person(actor, event) = by else { return Ok(None) };
        if actor.kind != ActorKind::Human {
            return Ok(Some("a bot cannot agree".to_owned()));
        }
        let asked = record.run.input.automation.run.approval.clone().unwrap_or_default();
        let requesters = self.store.events_of(record.run.id).await?;
        let same = |other: &Event| {
            other.connection == event.connection
                && other.actor.as_ref().is_some_and(|other| other.id == actor.id)
        };
        if requesters.iter().any(same) {
            return Ok(Some("whoever triggered it cannot agree to it".to_owned()));
        }
        let named = asked.users.iter().any(|user| user.eq_ignore_ascii_case(&actor.login));
        let least = asked.permission.unwrap_or(Permission::Write);
        let repository = &record.run.repository;
        let forge = self.forge(&repository.connection)?;
        let has = forge.permission(repository, &actor.login).await?;
        if has < least {
            return Ok(Some(format!("needs {least} on {repository}")));
        }
        if named || (asked.users.is_empty() && asked.teams.is_empty()) {
            return Ok(None);
        }
        for team in &asked.teams {
            if forge.is_member(repository, team, &actor.login).await? {
                return Ok(None);
            }
        }
        Ok(Some("`run.approval` does not name them".to_owned()))
    }

    async fn deliveries_of_run(&self, run: RunId) -> Result<Vec<DeliveryId>, StoreError> {
        Ok(self.store.events_of(run).await?.into_iter().map(|event| event.id).collect())
    }
}

/// What a run waits to be agreed to.
pub(crate) fn waits_for(record: &RunRecord) -> Option<ApprovalState> {
    let waits = matches!(record.run.state, RunState::Pending { gate: Gate::Approval, .. });
    record.run.approval.clone().filter(|approval| waits && approval.approved_by.is_none())
}

fn expires(record: &RunRecord) -> TimeDelta {
    let asked = record.run.input.automation.run.approval.as_ref().and_then(|approval| approval.expires);
    asked.and_then(|span| TimeDelta::from_std(span.0).ok()).unwrap_or(EXPIRES)
}

/// When nobody can agree any more.
pub(crate) fn expiry(record: &RunRecord) -> Option<DateTime<Utc>> {
    match record.run.state {
        RunState::Pending { gate: Gate::Approval, due_at } if record.run.approval.is_some() => due_at,
        _ => None,
    }
}
