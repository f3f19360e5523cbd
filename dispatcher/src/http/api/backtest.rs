//! Trying automations on what really happened.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::answer::{ApiError, ErrorBody};
use crate::Dispatcher;
use crate::backtest::{BacktestError, Outcome, Question};

/// Try automations on past deliveries
///
/// What a set would make of the deliveries since a time, beside what was made of them. Nothing is
/// started or written, and nothing is asked of a forge: what hangs on anything that was not asked at
/// the time is counted as unknown.
#[utoipa::path(post, path = "/api/v1/backtest", request_body = Question,
    responses((status = 200, body = Outcome),
        (status = 422, body = ErrorBody, description = "the automations are not taken"),
        (status = 503, body = ErrorBody)))]
pub(super) async fn backtest(
    State(dispatcher): State<Arc<Dispatcher>>,
    Json(question): Json<Question>,
) -> Result<Json<Outcome>, ApiError> {
    Ok(Json(dispatcher.backtest(question).await?))
}

impl From<BacktestError> for ApiError {
    fn from(error: BacktestError) -> Self {
        let status = match error {
            BacktestError::Store(error) => return error.into(),
            BacktestError::Automations(_) => StatusCode::UNPROCESSABLE_ENTITY,
            BacktestError::BrokeOff => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}
