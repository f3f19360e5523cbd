//! Between a run and its row.

use schemas::automation::Usd;
use schemas::run::RunState;
use schemas::trace::TraceContext;
use schemas::{AutomationName, DeliveryId, Epoch, Oid, Pool, RepoRef, Run, RunId, WorkItem, WorkerName};
use sea_orm::ActiveValue::{NotSet, Set};

use super::RunRecord;
use crate::entity::run;
use crate::error::{StoreError, from_json, from_word, word};

/// The amount of a column.
pub(super) fn usd(micros: i64) -> Usd {
    Usd::from_micros(u64::try_from(micros).unwrap_or_default())
}

/// An amount for a column.
pub(super) fn micros(amount: Usd) -> i64 {
    i64::try_from(amount.micros()).unwrap_or(i64::MAX)
}

/// How many runs of its group may be under way.
pub(super) fn group_limit(run: &Run) -> u32 {
    run.input.automation.concurrency.as_ref().and_then(|concurrency| concurrency.limit).unwrap_or(1)
}

/// The workers that may have it.
fn pool(run: &Run) -> Pool {
    run.input.automation.run.pool.clone().unwrap_or_default()
}

/// The repository of a column.
pub(super) fn repository(text: &str, row: uuid::Uuid) -> Result<RepoRef, StoreError> {
    text.parse().map_err(|problem: schemas::id::InvalidId| StoreError::Inconsistent {
        table: "runs",
        column: "repository",
        row: row.to_string(),
        problem: problem.to_string(),
    })
}

fn json<T: serde::Serialize>(value: Option<&T>) -> Result<Option<String>, StoreError> {
    value.map(serde_json::to_string).transpose().map_err(StoreError::from)
}

/// The whole row of a run. What heartbeats write is left alone: it has one writer of its own.
pub(super) fn write(record: &RunRecord) -> Result<run::ActiveModel, StoreError> {
    let run = &record.run;
    Ok(run::ActiveModel {
        id: Set(run.id.0),
        automation: Set(run.automation.0.clone()),
        delivery_id: Set(run.delivery.0),
        work_item: Set(run.work_item.0.clone()),
        group_key: Set(run.group.clone()),
        group_limit: Set(i32::try_from(group_limit(run)).unwrap_or(i32::MAX)),
        depth: Set(i32::try_from(run.depth).unwrap_or(i32::MAX)),
        actor: Set(run.actor.clone()),
        budget: Set(json(run.input.automation.budget.as_ref())?),
        repository: Set(run.repository.to_string()),
        mode: Set(word(&run.mode)?),
        input: Set(serde_json::to_string(&run.input)?),
        pool: Set(pool(run).0),
        created_at: Set(run.created_at),
        trace: Set(run.trace.0.clone()),
        ..changes(record)?
    })
}

/// What changes while a run goes on; what it was made of is many times that.
pub(super) fn changes(record: &RunRecord) -> Result<run::ActiveModel, StoreError> {
    let run = &record.run;
    let mut row = run::ActiveModel {
        root: Set(run.root.0.clone()),
        reserved: Set(micros(run.reserved)),
        spent: if record.epoch.0 == 0 { Set(0) } else { NotSet },
        spent_now: if record.epoch.0 == 0 { Set(0) } else { NotSet },
        admitted_at: Set(run.admitted_at),
        approval: Set(json(run.approval.as_ref())?),
        branch: Set(run.branch.clone()),
        state: Set(run.state.word().to_owned()),
        gate: Set(None),
        due_at: Set(None),
        wake_at: Set(None),
        step: Set(None),
        epoch: Set(record.epoch.0),
        beat: if record.epoch.0 == 0 { Set(0) } else { NotSet },
        nonce: Set(record.nonce.clone()),
        worker: Set(record.worker.as_ref().map(|worker| worker.0.clone())),
        outcome: Set(None),
        reason: Set(None),
        cancel_requested: Set(run.cancel_requested),
        cancel_reason: Set(json(record.cancel_reason.as_ref())?),
        workers_lost: Set(i32::try_from(run.workers_lost).unwrap_or(i32::MAX)),
        started_at: Set(run.started_at),
        finished_at: Set(run.finished_at),
        base_branch: Set(record.base_branch.clone()),
        base: Set(run.base.as_ref().map(|oid| oid.as_str().to_owned())),
        head: Set(run.head.as_ref().map(|oid| oid.as_str().to_owned())),
        branch_head: Set(record.branch_head.as_ref().map(|oid| oid.as_str().to_owned())),
        change: Set(json(record.change.as_ref())?),
        report: Set(json(record.report.as_ref())?),
        pull_request: Set(json(record.pull_request.as_ref())?),
        ..run::ActiveModel::default()
    };
    match &run.state {
        RunState::Pending { gate, due_at } => {
            row.gate = Set(Some(word(gate)?));
            row.due_at = Set(*due_at);
        }
        RunState::Queued { wake_at } => row.wake_at = Set(Some(*wake_at)),
        RunState::Active { step, .. } => row.step = Set(Some(word(step)?)),
        RunState::Done { outcome, reason } => {
            row.outcome = Set(Some(word(outcome)?));
            row.reason = Set(Some(serde_json::to_string(reason)?));
        }
    }
    Ok(row)
}

/// The run of a row; a row that contradicts itself is an error that names it.
pub(crate) fn read(row: run::Model) -> Result<RunRecord, StoreError> {
    let id = row.id;
    let broken = |column: &'static str, problem: &str| StoreError::Inconsistent {
        table: "runs",
        column,
        row: id.to_string(),
        problem: problem.to_owned(),
    };
    let oid = |text: Option<String>, column| {
        text.map(|text| text.parse::<Oid>().map_err(|e| broken(column, &e.to_string()))).transpose()
    };
    let missing = |column| broken(column, "it is empty");
    let state = match row.state.as_str() {
        "pending" => RunState::Pending {
            gate: from_word(row.gate.as_deref().ok_or_else(|| missing("gate"))?, "runs", "gate", &id)?,
            due_at: row.due_at,
        },
        "queued" => RunState::Queued { wake_at: row.wake_at.ok_or_else(|| missing("wake_at"))? },
        "active" => RunState::Active {
            step: from_word(row.step.as_deref().ok_or_else(|| missing("step"))?, "runs", "step", &id)?,
            epoch: Epoch(row.epoch),
        },
        "done" => RunState::Done {
            outcome: from_word(
                row.outcome.as_deref().ok_or_else(|| missing("outcome"))?,
                "runs",
                "outcome",
                &id,
            )?,
            reason: from_json(
                row.reason.as_deref().ok_or_else(|| missing("reason"))?,
                "runs",
                "reason",
                &id,
            )?,
        },
        other => return Err(broken("state", &format!("`{other}` is no state"))),
    };
    let optional =
        |text: Option<String>, column| text.map(|text| from_json(&text, "runs", column, &id)).transpose();
    Ok(RunRecord {
        run: Run {
            id: RunId(id),
            automation: AutomationName(row.automation),
            delivery: DeliveryId(row.delivery_id),
            work_item: WorkItem(row.work_item),
            root: WorkItem(row.root),
            group: row.group_key,
            depth: u32::try_from(row.depth).unwrap_or_default(),
            actor: row.actor,
            reserved: usd(row.reserved),
            spent: usd(row.spent).plus(usd(row.spent_now)),
            admitted_at: row.admitted_at,
            approval: row.approval.map(|text| from_json(&text, "runs", "approval", &id)).transpose()?,
            repository: repository(&row.repository, id)?,
            mode: from_word(&row.mode, "runs", "mode", &id)?,
            branch: row.branch,
            input: from_json(&row.input, "runs", "input", &id)?,
            state,
            cancel_requested: row.cancel_requested,
            workers_lost: u32::try_from(row.workers_lost).unwrap_or_default(),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            trace: TraceContext(row.trace),
            base: oid(row.base, "base")?,
            head: oid(row.head, "head")?,
        },
        epoch: Epoch(row.epoch),
        cancel_reason: row
            .cancel_reason
            .map(|text| from_json(&text, "runs", "cancel_reason", &id))
            .transpose()?,
        nonce: row.nonce,
        worker: row.worker.map(WorkerName),
        base_branch: row.base_branch,
        branch_head: oid(row.branch_head, "branch_head")?,
        change: row.change.map(|text| from_json(&text, "runs", "change", &id)).transpose()?,
        report: row.report.map(|text| from_json(&text, "runs", "report", &id)).transpose()?,
        pull_request: optional(row.pull_request, "pull_request")?,
    })
}
