//! Every way a webhook request is refused, and what its sender is told: never a secret, never
//! what goes on inside.

use axum::Json;
use axum::response::{IntoResponse, Response};
use broker::PublishError;
use http::header::{ALLOW, CONNECTION, RETRY_AFTER};
use http::{HeaderName, StatusCode};
use senders::{MalformedForm, UnsupportedContent, Unverified};
use serde::Serialize;

use crate::body::BodyError;
use crate::json::NotJson;

/// Seconds after which a full or failing queue is worth another try.
const RETRY_QUEUE: &str = "10";
/// Seconds after which a busy webhook is.
const RETRY_BUSY: &str = "1";

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no webhook of this name")]
    UnknownName,
    #[error("a webhook takes POST only")]
    Method,
    #[error("too many requests to this webhook at once")]
    Busy,
    #[error(transparent)]
    Content(#[from] UnsupportedContent),
    #[error("the header `{0}` came more than once")]
    DuplicatedHeader(&'static str),
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Which part of a signature is wrong is for our log, not for who guesses at it.
    #[error("the signature is missing or wrong")]
    Unverified(#[from] Unverified),
    #[error(transparent)]
    Form(#[from] MalformedForm),
    #[error(transparent)]
    NotJson(#[from] NotJson),
    /// The queue's own words are for our log.
    #[error("the delivery could not be stored; try again")]
    NotStored(#[source] PublishError),
    #[error("the delivery could not be stored in time; try again")]
    StoredTooSlowly,
    #[error("internal error")]
    Internal,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownName => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Content(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BodyError::TooLarge { .. }) | Self::NotStored(PublishError::TooLarge { .. }) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Unverified(_) => StatusCode::UNAUTHORIZED,
            Self::DuplicatedHeader(_)
            | Self::Body(BodyError::Broken(_) | BodyError::TooSlow)
            | Self::Form(_)
            | Self::NotJson(_) => StatusCode::BAD_REQUEST,
            Self::Body(BodyError::NoRoom) | Self::NotStored(_) | Self::StoredTooSlowly => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A header that goes with the answer.
    fn header(&self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Method => Some((ALLOW, "POST")),
            Self::Busy | Self::Body(BodyError::NoRoom) => Some((RETRY_AFTER, RETRY_BUSY)),
            // What is left of the body will not be read.
            Self::Body(_) => Some((CONNECTION, "close")),
            Self::NotStored(PublishError::TooLarge { .. }) => None,
            Self::NotStored(_) | Self::StoredTooSlowly => Some((RETRY_AFTER, RETRY_QUEUE)),
            _ => None,
        }
    }

    /// Logs it once; at a level that an outsider cannot use to fill the log with errors.
    pub(crate) fn log(&self) {
        let status = self.status().as_u16();
        match self {
            Self::NotStored(_) | Self::StoredTooSlowly | Self::Internal => {
                tracing::error!(status, error = self as &dyn std::error::Error, "a webhook was not taken");
            }
            Self::Unverified(unverified) => {
                tracing::warn!(status, reason = unverified.word(), "a webhook was not believed");
            }
            Self::UnknownName => tracing::debug!(status, "a webhook of an unknown name"),
            _ => tracing::info!(status, reason = %self, "a webhook was refused"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), error_body(&self.to_string())).into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        response
    }
}

/// `{ "error": "…" }`
pub(crate) fn error_body(error: &str) -> Json<impl Serialize> {
    #[derive(Serialize)]
    struct Body {
        error: String,
    }
    Json(Body { error: error.to_owned() })
}
