//! Runs: what they did, their logs, and their end.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use schemas::automation::Usd;
use schemas::control::LogLine;
use schemas::intent::IntentState;
use schemas::report::StepTime;
use schemas::run::{Gate, Outcome, Reason, RunState, Step};
use schemas::{Event, RunId};
use serde::{Deserialize, Serialize};
use store::RunRecord;

use super::answer::{ApiError, ErrorBody, PageBody, PageQuery};
use super::approve::ApprovalBody;
use crate::Dispatcher;
use crate::control::CancelAnswer;

/// A run in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RunRow {
    id: uuid::Uuid,
    automation: String,
    work_item: String,
    repository: String,
    delivery: uuid::Uuid,
    /// `pending`, `queued`, `active` or `done`.
    state: String,
    /// What it waits for.
    gate: Option<Gate>,
    /// When that ends at the latest, where time alone ends it.
    due_at: Option<DateTime<Utc>>,
    step: Option<Step>,
    outcome: Option<Outcome>,
    reason: Option<Reason>,
    /// The reason for people; of a run that waits for a worker of a certain pool, that.
    sentence: Option<String>,
    cancel_requested: bool,
    /// What it may spend, in US dollars; 0 where nothing limits it.
    #[schema(value_type = f64)]
    reserved: Usd,
    /// What it has spent, in US dollars.
    #[schema(value_type = f64)]
    spent: Usd,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// Its pull request.
    url: Option<String>,
}

impl RunRow {
    fn new(record: &RunRecord) -> Self {
        let run = &record.run;
        let mut row = Self {
            id: run.id.0,
            automation: run.automation.to_string(),
            work_item: run.work_item.to_string(),
            repository: run.repository.to_string(),
            delivery: run.delivery.0,
            state: run.state.word().to_owned(),
            gate: None,
            due_at: None,
            step: None,
            outcome: None,
            reason: None,
            sentence: None,
            cancel_requested: run.cancel_requested,
            reserved: run.reserved,
            spent: run.spent,
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
            url: record.pull_request.as_ref().map(|pull_request| pull_request.url.clone()),
        };
        match &run.state {
            RunState::Pending { gate, due_at } => {
                row.gate = Some(*gate);
                row.due_at = *due_at;
            }
            RunState::Queued { .. } => {
                let pool = run.input.automation.run.pool.as_ref();
                row.sentence = pool.map(|pool| format!("It waits for a worker of the pool `{pool}`."));
            }
            RunState::Active { step, .. } => row.step = Some(*step),
            RunState::Done { outcome, reason } => {
                row.outcome = Some(*outcome);
                row.sentence = Some(reason.sentence());
                row.reason = Some(reason.clone());
            }
        }
        row
    }
}

/// Which runs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StateQuery {
    /// Only runs in this state: `pending`, `queued`, `active`, `done`.
    state: Option<String>,
}

/// Runs, newest first
#[utoipa::path(get, path = "/api/v1/runs", params(PageQuery, StateQuery), responses((status = 200, body = PageBody<RunRow>)))]
pub(super) async fn list(
    State(dispatcher): State<Arc<Dispatcher>>,
    Query(page): Query<PageQuery>,
    Query(StateQuery { state }): Query<StateQuery>,
) -> Result<Json<PageBody<RunRow>>, ApiError> {
    let found = dispatcher.store.runs(page.limit(), page.before, state.as_deref()).await?;
    Ok(Json(PageBody { items: found.items.iter().map(RunRow::new).collect(), next: found.next }))
}

/// A command that ran.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct CommandRow {
    /// `setup`, `commands` or `validate`.
    phase: String,
    command: String,
    exit_code: i32,
    duration_ms: u64,
}

/// A write to the forge.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct IntentRow {
    kind: String,
    state: IntentState,
    attempts: u32,
    result: Option<String>,
}

/// Everything of a run.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RunBody {
    #[serde(flatten)]
    run: RunRow,
    /// Every other name of the problem: its root, and what is linked to that.
    linked: Vec<String>,
    branch: String,
    base_branch: Option<String>,
    base: Option<String>,
    head: Option<String>,
    epoch: i64,
    worker: Option<String>,
    workers_lost: u32,
    trace: String,
    steps: Vec<StepTime>,
    commands: Vec<CommandRow>,
    intents: Vec<IntentRow>,
    /// The work item that all linked to its own stand for.
    root: String,
    /// The runs it counts with for `concurrency`.
    group: Option<String>,
    /// The run it waits for.
    behind: Option<uuid::Uuid>,
    /// Who has to agree, or has.
    approval: Option<ApprovalBody>,
    /// What it is given, in the words of others and of the automation.
    inputs: InputsBody,
    /// The events it stands for, in the order they arrived.
    events: Vec<EventRow>,
    /// The pull request's number.
    pull_request: Option<u64>,
    /// The change as a unified diff, cut at 64 KiB. The sandbox wrote it.
    diff: Option<String>,
}

/// One run
#[utoipa::path(get, path = "/api/v1/runs/{id}", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = RunBody), (status = 404, body = ErrorBody)))]
pub(super) async fn show(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(id): Path<uuid::Uuid>,
) -> Result<Json<RunBody>, ApiError> {
    let record = run(&dispatcher, id).await?;
    let intents = dispatcher.store.intents_of(record.run.id).await?;
    let links = dispatcher.store.links_to(&record.run.root).await?;
    let names = std::iter::once(&record.run.root).chain(links.iter().map(|link| &link.work_item));
    let linked = names.filter(|name| **name != record.run.work_item).map(ToString::to_string).collect();
    let oid = |oid: &Option<schemas::Oid>| oid.as_ref().map(ToString::to_string);
    let report = record.report.as_ref();
    let behind = match record.run.state {
        RunState::Pending { gate: Gate::Concurrency, .. } => dispatcher.store.behind(&record.run).await?,
        _ => None,
    };
    let events = dispatcher.store.events_of(record.run.id).await?;
    Ok(Json(RunBody {
        run: RunRow::new(&record),
        linked,
        branch: record.run.branch.clone(),
        base_branch: record.base_branch.clone(),
        base: oid(&record.run.base),
        head: oid(&record.run.head),
        epoch: record.epoch.0,
        worker: record.worker.as_ref().map(ToString::to_string),
        workers_lost: record.run.workers_lost,
        trace: record.run.trace.0.clone(),
        steps: report.map(|report| report.steps.clone()).unwrap_or_default(),
        commands: report.into_iter().flat_map(|report| &report.commands).map(command).collect(),
        intents: intents
            .into_iter()
            .map(|intent| IntentRow {
                kind: intent.write.kind().to_owned(),
                state: intent.state,
                attempts: intent.attempts,
                result: intent.result,
            })
            .collect(),
        root: record.run.root.to_string(),
        group: Some(record.run.group.clone()).filter(|group| !group.is_empty()),
        behind: behind.map(|run| run.0),
        approval: ApprovalBody::of(&record),
        inputs: InputsBody::of(&record),
        events: events.iter().map(EventRow::new).collect(),
        pull_request: record.pull_request.as_ref().map(|pull_request| pull_request.number),
        diff: record.change.as_ref().map(|change| change.diff.expose().to_owned()),
    }))
}

/// What a run is given. Title, body and comment were written by others.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct InputsBody {
    title: Option<String>,
    body: Option<String>,
    comment: Option<String>,
    commands: Vec<String>,
    prompt: Option<String>,
}

impl InputsBody {
    fn of(record: &RunRecord) -> Self {
        let (event, run) = (&record.run.input.event, &record.run.input.automation.run);
        let text = |text: &schemas::Untrusted| text.expose().to_owned();
        Self {
            title: event.item.as_ref().map(|item| text(&item.title)),
            body: event.item.as_ref().map(|item| text(&item.body)),
            comment: event.comment.as_ref().map(|comment| text(&comment.body)),
            commands: run.commands.clone(),
            prompt: run.prompt.clone(),
        }
    }
}

/// An event that a run stands for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct EventRow {
    /// The delivery that brought it.
    delivery: uuid::Uuid,
    r#type: String,
    /// When it happened, by the sender's clock.
    time: Option<DateTime<Utc>>,
    actor: Option<String>,
    /// The newest commit it is about.
    head: Option<String>,
}

impl EventRow {
    fn new(event: &Event) -> Self {
        Self {
            delivery: event.id.0,
            r#type: event.r#type.to_string(),
            time: event.time,
            actor: event.actor.as_ref().map(|actor| actor.login.clone()),
            head: event.change.as_ref().and_then(|change| change.head.as_ref()).map(ToString::to_string),
        }
    }
}

fn command(command: &schemas::report::CommandReport) -> CommandRow {
    use schemas::report::Phase;
    let phase = match command.phase {
        Phase::Gate => "gate",
        Phase::Setup => "setup",
        Phase::Commands => "commands",
        Phase::Validate => "validate",
    };
    CommandRow {
        phase: phase.to_owned(),
        command: command.command.clone(),
        exit_code: command.exit_code,
        duration_ms: command.duration_ms,
    }
}

async fn run(dispatcher: &Dispatcher, id: uuid::Uuid) -> Result<RunRecord, ApiError> {
    dispatcher.store.run(RunId(id)).await?.ok_or_else(|| ApiError::not_found(format!("run {id}")))
}

/// Where in a log to start.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// The `next` of the answer before; 0 unless said.
    from: Option<i64>,
}

/// A part of a log.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct LogBody {
    /// Lines, oldest first, redacted. The sandbox wrote them.
    lines: Vec<LogLine>,
    /// To be given as `from` for what follows.
    next: i64,
    /// Whether lines between `from` and the first one were dropped, as the log grew too long.
    gap: bool,
    /// Whether nothing more will come.
    end: bool,
}

/// A run's log
#[utoipa::path(get, path = "/api/v1/runs/{id}/logs", params(("id" = uuid::Uuid, Path), LogQuery),
    responses((status = 200, body = LogBody), (status = 404, body = ErrorBody)))]
pub(super) async fn logs(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(id): Path<uuid::Uuid>,
    Query(LogQuery { from }): Query<LogQuery>,
) -> Result<Json<LogBody>, ApiError> {
    let record = run(&dispatcher, id).await?;
    let from = from.unwrap_or(0);
    let chunks = dispatcher.store.log(record.run.id, from, 100).await?;
    let next = chunks.last().map_or(from, |(seq, _)| seq + 1);
    let gap = chunks.windows(2).any(|pair| matches!(pair, [a, b] if b.0 > a.0 + 1))
        || chunks.first().is_some_and(|(seq, _)| *seq > from);
    let over = matches!(record.run.state, RunState::Done { .. });
    Ok(Json(LogBody {
        end: over && chunks.is_empty(),
        lines: chunks.into_iter().flat_map(|(_, lines)| lines).collect(),
        next,
        gap,
    }))
}

/// What a cancel came to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct CancelBody {
    /// `cancelled` when it had not started, `requested` when its worker will end it.
    cancel: &'static str,
}

/// End a run
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", params(("id" = uuid::Uuid, Path)),
    responses((status = 202, body = CancelBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn cancel(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(id): Path<uuid::Uuid>,
) -> Result<(StatusCode, Json<CancelBody>), ApiError> {
    let answer = match dispatcher.cancel(RunId(id)).await? {
        CancelAnswer::Cancelled => "cancelled",
        CancelAnswer::Requested => "requested",
        CancelAnswer::Unknown => return Err(ApiError::not_found(format!("run {id}"))),
        CancelAnswer::TooLate => {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "too late: the run is over, or its result is being published",
            ));
        }
    };
    Ok((StatusCode::ACCEPTED, Json(CancelBody { cancel: answer })))
}
