//! Reading and answering messages of the worker API.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use schemas::control::ControlError;
use schemas::worker_api::{self, Message, VERSION};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::workers::WorkerRefused;

/// How long a body may take.
const READING: Duration = Duration::from_secs(30);
/// How long one that was turned away for too many failures is to wait, in seconds.
const PAUSE: &str = "60";

/// What is answered instead of what was asked for; the body is always a [`ControlError`].
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: ControlError,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, because: impl Into<String>) -> Self {
        Self { status, error: ControlError::Refused { because: because.into() } }
    }
}

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        let status = StatusCode::from_u16(worker_api::status(&error));
        Self { status: status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), error }
    }
}

impl From<store::StoreError> for Refusal {
    fn from(error: store::StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the database refused a worker's call");
        ControlError::Unavailable { message: "the database does not answer".to_owned() }.into()
    }
}

impl From<WorkerRefused> for Refusal {
    fn from(error: WorkerRefused) -> Self {
        match error {
            WorkerRefused::Store(error) => error.into(),
            WorkerRefused::Unknown => Self::new(StatusCode::UNAUTHORIZED, error.to_string()),
            WorkerRefused::Name(_) | WorkerRefused::Pool(_) | WorkerRefused::Weak => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.error)).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(PAUSE));
        }
        response
    }
}

/// Says something in the API's version.
pub(super) fn answer<T: Serialize>(body: T) -> Json<Message<T>> {
    Json(Message::new(body))
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

/// The bytes of a request, at most `largest`.
pub(super) async fn whole(body: Body, largest: usize) -> Result<Bytes, Refusal> {
    let reading = tokio::time::timeout(READING, Limited::new(body, largest).collect()).await;
    let read = reading.map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come"))?;
    let bytes = read.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
        Some(_) => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("more than {largest} bytes")),
        None => Refusal::new(StatusCode::BAD_REQUEST, "the body broke off"),
    })?;
    Ok(bytes.to_bytes())
}

/// The message in a request, of at most `largest` bytes.
pub(super) async fn read<T: DeserializeOwned>(body: Body, largest: usize) -> Result<T, Refusal> {
    let bytes = whole(body, largest).await?;
    let malformed = |error: serde_json::Error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string());
    let VersionOnly { version } = serde_json::from_slice(&bytes).map_err(malformed)?;
    if version != VERSION {
        let because = format!(
            "this worker speaks version {version} of the worker API and the control plane version {VERSION}; upgrade the older one"
        );
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, because));
    }
    serde_json::from_slice(&bytes).map(|message: Message<T>| message.body).map_err(malformed)
}
