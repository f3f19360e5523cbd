//! From a match to a run, and from waiting to queued: one active run per work item.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemas::automation::{CommentOutput, Mode};
use schemas::decision::Verdict;
use schemas::intent::{IntentState, Write};
use schemas::run::{Gate, RunInput, RunState, Transition};
use schemas::trace::TraceContext;
use schemas::{Decision, Delivery, Epoch, Event, Intent, IntentId, RepoRef, Run, RunId, WorkItem};
use store::{RunRecord, StoreError, Tx};

use crate::Dispatcher;
use crate::rules::Rule;

/// A match that becomes a run, or would in `observe` mode.
pub(crate) struct Started {
    run: Run,
    command_label: Option<String>,
}

impl Started {
    pub(crate) fn new(
        dispatcher: &Dispatcher,
        rule: &Rule,
        event: &Event,
        repository: RepoRef,
        command_label: Option<String>,
        delivery: &Delivery,
    ) -> Self {
        let id = RunId::fresh(&*dispatcher.clock);
        let work_item = event
            .work_item
            .clone()
            .unwrap_or_else(|| WorkItem(format!("{}:{}", repository.connection, repository.path)));
        let trace = telemetry::trace::current();
        let observed = delivery.replay_of.is_some_and(|replay| replay.observe);
        let now = dispatcher.clock.now();
        let setup = (dispatcher.settings.repository_setup)(&repository);
        let input = RunInput { automation: rule.automation.clone(), event: event.clone(), setup };
        let mut run = Run::new(id, input, work_item, repository, branch(rule, event, id), now);
        if observed {
            run.mode = Mode::Observe;
        }
        run.trace = if trace == TraceContext::default() { delivery.trace.clone() } else { trace };
        Self { run, command_label }
    }

    /// The same, to start later.
    pub(crate) fn not_before(mut self, at: DateTime<Utc>) -> Self {
        self.run.state = RunState::Queued { wake_at: at };
        self
    }
}

/// `<prefix><automation>/<item>-<end of the run's id>`: ours in every part, unique to the run.
fn branch(rule: &Rule, event: &Event, run: RunId) -> String {
    let output = rule.automation.output.pull_request.clone().unwrap_or_default();
    let prefix = output.branch_prefix();
    let id = run.0.simple().to_string();
    let end = id.get(id.len().saturating_sub(8)..).unwrap_or(&id).to_owned();
    let slug = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let key: String =
        event.item.iter().flat_map(|item| item.key.chars()).filter(|c| slug(*c)).take(40).collect();
    let dash = if key.is_empty() { "" } else { "-" };
    format!("{prefix}{}/{key}{dash}{end}", rule.automation.name)
}

impl Dispatcher {
    /// Stores the runs of a batch with their decisions and first writes; true when one may be claimed.
    pub(crate) async fn start(
        &self,
        tx: &Tx,
        starts: Vec<Started>,
        decisions: &mut Vec<Decision>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if starts.is_empty() {
            return Ok(false);
        }
        let items: Vec<WorkItem> = starts.iter().map(|start| start.run.work_item.clone()).collect();
        let mut busy: HashMap<WorkItem, RunId> = tx.unfinished_runs(&items).await?.into_iter().collect();
        let mut runs = Vec::new();
        let mut labels = Vec::new();
        let mut any_queued = false;
        for Started { mut run, command_label } in starts {
            let verdict = if run.mode == Mode::Observe {
                Verdict::Matched { run: None }
            } else if let Some(behind) = busy.insert(run.work_item.clone(), run.id) {
                run.state = RunState::Pending { gate: Gate::Concurrency, due_at: None };
                Verdict::Waiting { run: run.id, behind }
            } else {
                any_queued = true;
                Verdict::Matched { run: Some(run.id) }
            };
            decisions.push(Decision { delivery: run.delivery, automation: run.automation.clone(), verdict });
            if run.mode != Mode::Observe {
                tracing::info!(run = %run.id, automation = %run.automation, work_item = %run.work_item, "run accepted");
                runs.push(run);
                labels.push(command_label);
            }
        }
        tx.insert_runs(&runs).await?;
        for (run, label) in runs.into_iter().zip(labels) {
            self.plan_acknowledgement(tx, RunRecord::new(run), label, now).await?;
        }
        Ok(any_queued)
    }

    /// The writes that tell people their trigger was taken.
    async fn plan_acknowledgement(
        &self,
        tx: &Tx,
        record: RunRecord,
        label: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(number) = item_number(&record.run) else { return Ok(()) };
        if record.run.mode != Mode::Live {
            return Ok(());
        }
        let comment = record.run.input.event.comment.as_ref().and_then(|comment| comment.id.parse().ok());
        self.plan(tx, &record, Write::React { number, comment }, "react", now).await?;
        if let Some(label) = label {
            self.plan(tx, &record, Write::RemoveLabel { number, label }, "remove_label", now).await?;
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
        let wanted = record.run.input.automation.output.comment() == CommentOutput::Update;
        let Some(number) = item_number(&record.run).filter(|_| wanted && record.run.mode == Mode::Live)
        else {
            return Ok(());
        };
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

    /// Somebody who used a command label without the right to is told so, once for all times.
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
            let Some(event) = events.get(&decision.delivery).filter(|event| event.label.is_some()) else {
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

    /// Lets the next waiting run of a work item go on; true when there was one.
    pub(crate) async fn admit_next(
        &self,
        tx: &Tx,
        item: &WorkItem,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let Some(mut next) = tx.next_to_admit(item).await? else { return Ok(false) };
        let Ok(state) = next.run.state.next(Transition::Admit { wake_at: now }, next.epoch) else {
            return Ok(false);
        };
        next.run.state = state;
        tx.save_run(&next).await?;
        self.plan_comment(tx, &next, now).await?;
        Ok(true)
    }

    /// Admits whatever a crash between finishing and admitting may have left waiting.
    pub(crate) async fn sweep_admission(&self) -> Result<(), StoreError> {
        let tx = self.store.begin().await?;
        let now = self.clock.now();
        let mut admitted = false;
        for item in tx.items_to_admit().await? {
            admitted |= self.admit_next(&tx, &item, now).await?;
        }
        tx.commit().await?;
        if admitted {
            self.wake_workers();
        }
        Ok(())
    }
}

/// The number that forge calls name the item by.
pub(crate) fn item_number(run: &Run) -> Option<u64> {
    run.input.event.item.as_ref()?.key.parse().ok()
}
