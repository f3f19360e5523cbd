//! Writes that follow from a run's state: planned as rows, made by the publisher.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemas::automation::{CommentOutput, Mode};
use schemas::decision::Verdict;
use schemas::event::Comment;
use schemas::intent::{IntentState, Write};
use schemas::run::RunState;
use schemas::{Decision, Epoch, Event, Intent, IntentId, Run};
use store::{RunRecord, StoreError, Tx};

use crate::Dispatcher;
use crate::decide::text::commands;

impl Dispatcher {
    /// The writes that tell people their trigger was taken: one of the events that the run stands for.
    pub(super) async fn plan_acknowledgement(
        &self,
        tx: &Tx,
        record: RunRecord,
        event: &Event,
        label: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(number) = item_number(&record.run) else { return Ok(()) };
        if record.run.mode != Mode::Live {
            return Ok(());
        }
        let comment = event.comment.as_ref().and_then(|comment| comment.id.parse().ok());
        let key = format!("react:{}", event.id);
        self.plan(tx, &record, Write::React { number, comment }, &key, now).await?;
        if let Some(label) = label {
            let key = format!("remove_label:{}", event.id);
            self.plan(tx, &record, Write::RemoveLabel { number, label }, &key, now).await?;
        }
        self.plan_comment(tx, &record, now).await
    }

    /// Plans bringing the status comment up to date, unless that is planned already.
    pub(crate) async fn plan_comment(
        &self,
        tx: &Tx,
        record: &RunRecord,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(number) = commented(&record.run) else { return Ok(()) };
        let earlier = tx.intents_of(record.run.id).await?;
        let mut syncs = earlier.iter().filter(|i| matches!(i.write, Write::SyncComment { .. }));
        if syncs.clone().any(|intent| intent.state == IntentState::Open) {
            return Ok(());
        }
        let key = format!("sync_comment:{}", syncs.by_ref().count());
        self.plan(tx, record, Write::SyncComment { number }, &key, now).await
    }

    /// Plans one write of a run; `key` makes it unique within the run.
    pub(crate) async fn plan(
        &self,
        tx: &Tx,
        record: &RunRecord,
        write: Write,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let state =
            if matches!(write, Write::Push { .. }) { IntentState::Calling } else { IntentState::Open };
        let intent = Intent {
            id: IntentId::fresh(&*self.clock),
            run: Some(record.run.id),
            epoch: record.epoch,
            work_item: record.run.work_item.clone(),
            repository: record.run.repository.clone(),
            write,
            state,
            attempts: 0,
            looks: 0,
            not_before: now,
            created_at: now,
            result: None,
        };
        tx.plan(&intent, &format!("{}:{key}", record.run.id)).await?;
        Ok(())
    }

    /// Somebody who used a command, or a command label, without the right to is told so, once for
    /// all times.
    pub(crate) async fn plan_refusals(
        &self,
        tx: &Tx,
        events: impl Iterator<Item = &Event>,
        decisions: &[Decision],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let events: HashMap<_, _> = events.map(|event| (event.id, event)).collect();
        for decision in decisions {
            let Verdict::Denied { actor, because } = &decision.verdict else { continue };
            let Some(event) = events.get(&decision.delivery).filter(|event| is_command(event)) else {
                continue;
            };
            let (Some(item), Some(repository), Some(work_item)) =
                (&event.item, &event.repository, &event.work_item)
            else {
                continue;
            };
            let Ok(number) = item.key.parse() else { continue };
            let intent = Intent {
                id: IntentId::fresh(&*self.clock),
                run: None,
                epoch: Epoch(0),
                work_item: work_item.clone(),
                repository: repository.name.clone(),
                write: Write::AnswerRefusal {
                    number,
                    automation: decision.automation.clone(),
                    login: actor.clone(),
                    because: because.clone(),
                },
                state: IntentState::Open,
                attempts: 0,
                looks: 0,
                not_before: now,
                created_at: now,
                result: None,
            };
            tx.plan(&intent, &format!("refusal:{work_item}:{}:{actor}", decision.automation)).await?;
        }
        Ok(())
    }
}

/// Whether somebody asked for something by name, and waits for an answer.
fn is_command(event: &Event) -> bool {
    let says = |comment: &Comment| !commands(event.source, comment.body.expose()).is_empty();
    event.label.is_some() || event.comment.as_ref().is_some_and(says)
}

/// The item whose status comment shows the run as it is now, if one does.
pub(crate) fn commented(run: &Run) -> Option<u64> {
    let wanted = match run.input.automation.output.comment() {
        CommentOutput::Update | CommentOutput::Reply => true,
        CommentOutput::OnFailure => matches!(run.state, RunState::Done { .. }),
        CommentOutput::None => false,
    };
    item_number(run).filter(|_| wanted && run.mode == Mode::Live)
}

/// The number that forge calls name the item by; none where it lies elsewhere than the repository.
pub(crate) fn item_number(run: &Run) -> Option<u64> {
    let repository = &run.repository;
    let name = run.work_item.as_str().strip_prefix(repository.connection.as_str())?;
    name.strip_prefix(':')?.strip_prefix(&repository.path)?.strip_prefix(['#', '!'])?.parse().ok()
}
