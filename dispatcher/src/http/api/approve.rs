//! Agreeing to a run that waits for a person's word.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use schemas::RunId;
use serde::{Deserialize, Serialize};
use store::RunRecord;

use super::answer::{ApiError, ErrorBody};
use crate::Dispatcher;
use crate::admit::approval::{ApproveAnswer, ApproveError, Approver, code, expiry};

/// What a person has to agree to before a run starts, and whether one has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ApprovalBody {
    /// SHA-256 over everything the run would be given, in hex.
    inputs: String,
    /// Its first eight digits, which people write: `/agent approve CODE`.
    code: String,
    /// The commit it starts from.
    head: String,
    /// Who agreed.
    approved_by: Option<String>,
    /// When.
    approved_at: Option<DateTime<Utc>>,
    /// When nobody can any more.
    expires_at: Option<DateTime<Utc>>,
}

impl ApprovalBody {
    pub(super) fn of(record: &RunRecord) -> Option<Self> {
        let approval = record.run.approval.as_ref()?;
        Some(Self {
            inputs: approval.inputs.clone(),
            code: code(&approval.inputs).to_owned(),
            head: approval.head.to_string(),
            approved_by: approval.approved_by.clone(),
            approved_at: approval.approved_at,
            expires_at: expiry(record),
        })
    }
}

/// What is agreed to.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InputsQuery {
    /// The whole `inputs` of the run's `approval`, as it was shown.
    inputs: String,
}

/// What an approval came to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ApprovedBody {
    /// `approved`.
    approval: &'static str,
}

/// Agree to a run
#[utoipa::path(post, path = "/api/v1/runs/{id}/approve", params(("id" = uuid::Uuid, Path), InputsQuery),
    responses((status = 202, body = ApprovedBody), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn approve(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(id): Path<uuid::Uuid>,
    Query(InputsQuery { inputs }): Query<InputsQuery>,
) -> Result<(StatusCode, Json<ApprovedBody>), ApiError> {
    if inputs.len() != 64 {
        let because = "`inputs` is the whole hash of what was seen, 64 hex digits";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, because));
    }
    let conflict = |sentence: String| Err(ApiError::new(StatusCode::CONFLICT, sentence));
    match dispatcher.approve(RunId(id), &inputs, Approver::Operator).await {
        Ok(ApproveAnswer::Approved) => {
            Ok((StatusCode::ACCEPTED, Json(ApprovedBody { approval: "approved" })))
        }
        Ok(ApproveAnswer::NotWaiting) => conflict(format!("run {id} does not wait for approval")),
        Ok(ApproveAnswer::WrongCode) => {
            conflict("these are not the run's inputs; look at it again".to_owned())
        }
        Ok(ApproveAnswer::Changed(fresh)) => conflict(format!(
            "what the run would be given has changed since; look at it again, its code is {} now",
            code(&fresh)
        )),
        Ok(ApproveAnswer::Denied(because)) => Err(ApiError::new(StatusCode::FORBIDDEN, because)),
        Err(ApproveError::Store(error)) => Err(error.into()),
        Err(ApproveError::Forge(error)) => Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the forge could not be asked what the run would start from: {error}"),
        )),
    }
}
