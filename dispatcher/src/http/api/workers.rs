//! Workers on other machines: who they are, what they hold, asking them in and sending them away.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Pool, WorkerName};
use serde::{Deserialize, Serialize};
use store::{Hold, WorkerRecord};

use super::answer::{ApiError, ErrorBody};
use crate::{Dispatcher, WorkerRefused};

/// A worker that was silent for so long is not there: it calls at least every half minute.
const OFFLINE_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Where a worker stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// Asked in, and not come yet.
    Invited,
    /// There.
    Online,
    /// There, and given no more runs.
    Draining,
    /// Silent for a minute.
    Offline,
    /// Shut out.
    Revoked,
}

/// A worker.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct WorkerRow {
    name: String,
    /// The pool whose runs it gets.
    pool: String,
    state: Standing,
    /// Whether it gets no more runs, there or not.
    draining: bool,
    /// To about ten seconds.
    last_seen_at: Option<DateTime<Utc>>,
    /// How many runs it works on at once.
    slots: u32,
    /// The runs that it holds.
    holds: Vec<uuid::Uuid>,
    /// What it runs: `pullwright 0.1.0`.
    software: String,
    /// How far its clock is ahead of this one, in milliseconds.
    skew_ms: Option<i64>,
    invited_at: DateTime<Utc>,
    enrolled_at: Option<DateTime<Utc>>,
    /// When it has to be enrolled again, unless it renews its credential.
    credential_expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl WorkerRow {
    fn new(record: WorkerRecord, holds: &[Hold], now: DateTime<Utc>) -> Self {
        let there = record.last_seen_at.is_some_and(|seen| now - seen < OFFLINE_AFTER);
        let state = match &record {
            WorkerRecord { revoked_at: Some(_), .. } => Standing::Revoked,
            WorkerRecord { enrolled_at: None, .. } => Standing::Invited,
            WorkerRecord { draining: true, .. } if there => Standing::Draining,
            _ if there => Standing::Online,
            _ => Standing::Offline,
        };
        let own = holds.iter().filter(|hold| hold.worker == record.name);
        Self {
            holds: own.map(|hold| hold.run.0).collect(),
            name: record.name.0,
            pool: record.pool.0,
            state,
            draining: record.draining,
            last_seen_at: record.last_seen_at,
            slots: record.slots,
            software: record.software,
            skew_ms: record.skew_ms,
            invited_at: record.invited_at,
            enrolled_at: record.enrolled_at,
            credential_expires_at: record.credential.map(|credential| credential.expires_at),
            revoked_at: record.revoked_at,
        }
    }
}

/// All workers on other machines.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct WorkerList {
    /// By name.
    items: Vec<WorkerRow>,
}

/// Workers on other machines
#[utoipa::path(get, path = "/api/v1/workers", responses((status = 200, body = WorkerList)))]
pub(super) async fn list(State(dispatcher): State<Arc<Dispatcher>>) -> Result<Json<WorkerList>, ApiError> {
    let (workers, holds) = (dispatcher.store.workers().await?, dispatcher.store.holds().await?);
    let now = dispatcher.clock.now();
    let items = workers.into_iter().map(|record| WorkerRow::new(record, &holds, now)).collect();
    Ok(Json(WorkerList { items }))
}

/// One worker
#[utoipa::path(get, path = "/api/v1/workers/{name}", params(("name" = String, Path)),
    responses((status = 200, body = WorkerRow), (status = 404, body = ErrorBody)))]
pub(super) async fn show(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(name): Path<String>,
) -> Result<Json<WorkerRow>, ApiError> {
    row(&dispatcher, &WorkerName(name)).await
}

async fn row(dispatcher: &Dispatcher, name: &WorkerName) -> Result<Json<WorkerRow>, ApiError> {
    let found = dispatcher.store.worker(name).await?.ok_or_else(|| no_such(name))?;
    let holds = dispatcher.store.holds().await?;
    Ok(Json(WorkerRow::new(found, &holds, dispatcher.clock.now())))
}

fn no_such(name: &WorkerName) -> ApiError {
    ApiError::not_found(format!("worker `{name}`"))
}

/// Who is to be enrolled.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct EnrolmentQuery {
    /// A letter, then at most 62 of `a-z`, `0-9` and `-`.
    name: String,
    /// The pool whose runs it gets from now on; unless said the one it has, or `default`.
    pool: Option<String>,
}

/// An enrolment token.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct EnrolmentBody {
    name: String,
    /// Shown once; good once.
    token: String,
    expires_at: DateTime<Utc>,
}

/// Make an enrolment token
///
/// Good once and for an hour; an earlier one of the same name is void. A worker that is enrolled
/// already stays so until the token is used.
#[utoipa::path(post, path = "/api/v1/workers/enrolments", request_body = EnrolmentQuery,
    responses((status = 201, body = EnrolmentBody), (status = 422, body = ErrorBody)))]
pub(super) async fn enrol(
    State(dispatcher): State<Arc<Dispatcher>>,
    Json(EnrolmentQuery { name, pool }): Json<EnrolmentQuery>,
) -> Result<(StatusCode, Json<EnrolmentBody>), ApiError> {
    let invited = dispatcher.invite_worker(&WorkerName(name.clone()), pool.map(Pool)).await;
    let invitation = invited.map_err(|error| match error {
        WorkerRefused::Store(error) => ApiError::from(error),
        error => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
    })?;
    let body = EnrolmentBody { name, token: invitation.token, expires_at: invitation.expires_at };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Give a worker no more runs
///
/// Those that it holds it finishes.
#[utoipa::path(post, path = "/api/v1/workers/{name}/drain", params(("name" = String, Path)),
    responses((status = 200, body = WorkerRow), (status = 404, body = ErrorBody)))]
pub(super) async fn drain(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(name): Path<String>,
) -> Result<Json<WorkerRow>, ApiError> {
    set_draining(&dispatcher, &WorkerName(name), true).await
}

/// Give a drained worker runs again
#[utoipa::path(post, path = "/api/v1/workers/{name}/resume", params(("name" = String, Path)),
    responses((status = 200, body = WorkerRow), (status = 404, body = ErrorBody)))]
pub(super) async fn resume(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(name): Path<String>,
) -> Result<Json<WorkerRow>, ApiError> {
    set_draining(&dispatcher, &WorkerName(name), false).await
}

async fn set_draining(
    dispatcher: &Dispatcher,
    name: &WorkerName,
    draining: bool,
) -> Result<Json<WorkerRow>, ApiError> {
    match dispatcher.drain_worker(name, draining).await? {
        true => row(dispatcher, name).await,
        false => Err(no_such(name)),
    }
}

/// Shut a worker out
///
/// Its credential and any token are void at once, and its runs go to others. It can be enrolled again.
#[utoipa::path(post, path = "/api/v1/workers/{name}/revoke", params(("name" = String, Path)),
    responses((status = 200, body = WorkerRow), (status = 404, body = ErrorBody)))]
pub(super) async fn revoke(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(name): Path<String>,
) -> Result<Json<WorkerRow>, ApiError> {
    let name = WorkerName(name);
    match dispatcher.revoke_worker(&name).await? {
        true => row(&dispatcher, &name).await,
        false => Err(no_such(&name)),
    }
}
