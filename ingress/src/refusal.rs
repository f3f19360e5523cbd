//! Every way a webhook request is refused, and what its sender is told: never a secret, never
//! what goes on inside.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use broker::PublishError;
use http::header::{ALLOW, CONNECTION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
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
    #[error("this webhook takes nothing from your address")]
    Network,
    #[error("too many requests to this webhook; wait {} s", whole_seconds(*.wait))]
    Rate { wait: Duration },
    #[error("too many requests to this webhook at once")]
    WebhookBusy,
    #[error("too many requests at once")]
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
    QueueHangs,
    #[error("internal error")]
    Internal,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownName => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Network => StatusCode::FORBIDDEN,
            Self::Rate { .. } | Self::WebhookBusy => StatusCode::TOO_MANY_REQUESTS,
            Self::Content(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BodyError::TooLarge { .. }) | Self::NotStored(PublishError::TooLarge { .. }) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Unverified(_) => StatusCode::UNAUTHORIZED,
            Self::DuplicatedHeader(_)
            | Self::Body(BodyError::Broken(_) | BodyError::TooSlow)
            | Self::Form(_)
            | Self::NotJson(_) => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Body(BodyError::NoRoom) | Self::NotStored(_) | Self::QueueHangs => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What it is called in metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::UnknownName => "unknown_webhook",
            Self::Method => "method",
            Self::Network => "network",
            Self::Rate { .. } => "rate",
            Self::WebhookBusy => "webhook_busy",
            Self::Busy => "busy",
            Self::Content(_) => "content",
            Self::DuplicatedHeader(_) => "duplicated_header",
            Self::Body(BodyError::TooLarge { .. }) => "body_too_large",
            Self::Body(BodyError::TooSlow) => "body_too_slow",
            Self::Body(BodyError::Broken(_)) => "body_broken",
            Self::Body(BodyError::NoRoom) => "no_room",
            Self::Unverified(_) => "signature",
            Self::Form(_) => "form",
            Self::NotJson(_) => "json",
            Self::NotStored(PublishError::Full) => "queue_full",
            Self::NotStored(PublishError::TooLarge { .. }) => "queue_too_large",
            Self::NotStored(PublishError::Unavailable(_)) => "queue_unavailable",
            Self::QueueHangs => "queue_hangs",
            Self::Internal => "internal",
        }
    }

    /// A header that goes with the answer.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let fixed = |name, value| Some((name, HeaderValue::from_static(value)));
        match self {
            Self::Method => fixed(ALLOW, "POST"),
            Self::Rate { wait } => Some((RETRY_AFTER, whole_seconds(*wait).into())),
            Self::Busy | Self::WebhookBusy | Self::Body(BodyError::NoRoom) => fixed(RETRY_AFTER, RETRY_BUSY),
            // What is left of the body will not be read.
            Self::Body(_) => fixed(CONNECTION, "close"),
            Self::NotStored(PublishError::TooLarge { .. }) => None,
            Self::NotStored(_) | Self::QueueHangs => fixed(RETRY_AFTER, RETRY_QUEUE),
            _ => None,
        }
    }

    /// Logs it once; at a level that an outsider cannot use to fill the log with errors.
    pub(crate) fn log(&self, client: Option<IpAddr>) {
        let status = self.status().as_u16();
        let client = client.map(tracing::field::display);
        match self {
            Self::NotStored(_) | Self::QueueHangs | Self::Internal => {
                tracing::error!(status, error = self as &dyn std::error::Error, "a webhook was not taken");
            }
            Self::Unverified(unverified) => {
                tracing::warn!(status, client, reason = unverified.word(), "a webhook was not believed");
            }
            Self::UnknownName => tracing::debug!(status, "a webhook of an unknown name"),
            _ => tracing::info!(status, client, reason = %self, "a webhook was refused"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), error_body(&self.to_string())).into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Seconds as `Retry-After` counts them: never less than the wait, and at least one.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// `{ "error": "…" }`
pub(crate) fn error_body(error: &str) -> Json<impl Serialize> {
    #[derive(Serialize)]
    struct Body {
        error: String,
    }
    Json(Body { error: error.to_owned() })
}
