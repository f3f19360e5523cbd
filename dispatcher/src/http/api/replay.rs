//! Deciding a stored delivery anew.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use schemas::DeliveryId;
use serde::{Deserialize, Serialize};

use super::answer::{ApiError, ErrorBody};
use crate::{Dispatcher, ReplayError};

/// How far a replay goes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReplayQuery {
    /// Decide and record, but start and write nothing.
    #[serde(default)]
    observe: bool,
}

/// A replay on its way.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ReplayBody {
    /// The new delivery; it is there once it was decided.
    delivery: uuid::Uuid,
    /// The delivery that once came from outside.
    replay_of: uuid::Uuid,
    /// Whether nothing will be started.
    observe: bool,
}

/// Decide a delivery anew
///
/// By the automations and the parser of now, as a delivery with an id of its own. It is no duplicate
/// of the first; that one work item has one active run still holds.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/replay", params(("id" = uuid::Uuid, Path), ReplayQuery),
    responses((status = 202, body = ReplayBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "its webhook is no longer configured, or a schedule made it"),
        (status = 410, body = ErrorBody, description = "its body is no longer stored"),
        (status = 503, body = ErrorBody)))]
pub(super) async fn replay(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(id): Path<uuid::Uuid>,
    Query(ReplayQuery { observe }): Query<ReplayQuery>,
) -> Result<(StatusCode, Json<ReplayBody>), ApiError> {
    let replayed = dispatcher.replay(DeliveryId(id), observe).await?;
    let body = ReplayBody {
        delivery: replayed.delivery.0,
        replay_of: replayed.replay.original.0,
        observe: replayed.replay.observe,
    };
    Ok((StatusCode::ACCEPTED, Json(body)))
}

impl From<ReplayError> for ApiError {
    fn from(error: ReplayError) -> Self {
        let status = match error {
            ReplayError::Store(error) => return error.into(),
            ReplayError::Unknown(_) => StatusCode::NOT_FOUND,
            ReplayError::BodyGone(_) => StatusCode::GONE,
            ReplayError::NoWebhook(_) | ReplayError::Scheduled(_) => StatusCode::CONFLICT,
            ReplayError::NotStored(_) | ReplayError::Unclear => {
                tracing::error!(error = &error as &dyn std::error::Error, "a replay was not stored");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self::new(status, error.to_string())
    }
}
