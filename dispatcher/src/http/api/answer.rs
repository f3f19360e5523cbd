//! How the API says no.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::StoreError;

/// The body of every answer that is not 2xx.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// One sentence: what is wrong, and what to do where that is known.
    error: String,
}

/// An answer that is not 2xx.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    sentence: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    pub(super) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorBody { error: self.sentence })).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the API could not read");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; the log says more")
    }
}

pub(super) async fn no_such_route() -> ApiError {
    ApiError::not_found("such route; GET /api/v1/openapi.json lists them")
}

/// A page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PageBody<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// To be given as `before` for the next page; absent on the last.
    pub next: Option<uuid::Uuid>,
}

/// Which page of a list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many rows, 1 to 200; 50 unless said.
    pub limit: Option<u64>,
    /// Only rows older than the one with this id.
    pub before: Option<uuid::Uuid>,
}

impl PageQuery {
    pub(super) fn limit(&self) -> u64 {
        self.limit.unwrap_or(50).clamp(1, 200)
    }
}
