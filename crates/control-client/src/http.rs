//! One call over HTTP, and what its answer means.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{RequestBuilder, StatusCode};
use schemas::control::ControlError;
use schemas::trace::TraceContext;
use schemas::worker_api::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an idle connection is used again; the control plane keeps one for twice as long.
const IDLE: Duration = Duration::from_secs(5);
/// No answer is larger, in bytes: a job with an event of 25 MiB in it.
const LARGEST: usize = 128 << 20;

/// Why a call did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// The credential is none, or none any more.
    #[error("{0}")]
    Unauthorized(String),
    /// The control plane is older than what was asked of it.
    #[error("it does not know this call")]
    Unknown,
    /// The control plane said no, or nothing.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// A client that trusts the system's certificates and those of `ca_file`, and follows no redirect: the
/// credential goes to the configured address or nowhere.
pub(crate) fn client(
    url: &str,
    ca_file: Option<&Path>,
) -> Result<reqwest::Client, Box<dyn Error + Send + Sync>> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("pullwright/", env!("CARGO_PKG_VERSION")));
    // In clear it stays within the machine or a private network, where no proxy is.
    if url.starts_with("http://") {
        builder = builder.no_proxy();
    }
    if let Some(path) = ca_file {
        let certificates = reqwest::Certificate::from_pem_bundle(&std::fs::read(path)?)?;
        if certificates.is_empty() {
            return Err(format!("{} holds no certificate in PEM form", path.display()).into());
        }
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder.build()?)
}

/// Where a call goes and what it shows.
pub(crate) struct Call<'a> {
    pub(crate) http: &'a reqwest::Client,
    /// Address and route.
    pub(crate) url: String,
    pub(crate) bearer: String,
    pub(crate) trace: TraceContext,
    pub(crate) timeout: Duration,
}

impl Call<'_> {
    /// Says `body` and reads the answer.
    pub(crate) async fn send<B: Serialize, A: DeserializeOwned>(self, body: B) -> Result<A, CallError> {
        let request = self.http.post(&self.url).json(&Message::new(body));
        match self.answer(request).await? {
            (status, bytes) if status.is_success() => {
                let message: Message<A> = serde_json::from_slice(&bytes).map_err(|error| {
                    ControlError::Unavailable { message: format!("it answers otherwise: {error}") }
                })?;
                Ok(message.body)
            }
            (status, bytes) => Err(refusal(status, &bytes)),
        }
    }

    /// Brings `body` as it is.
    pub(crate) async fn put(self, body: Bytes) -> Result<(), CallError> {
        let request = self.http.put(&self.url).body(body);
        match self.answer(request).await? {
            (status, _) if status.is_success() => Ok(()),
            (StatusCode::NOT_FOUND, bytes) if bytes.is_empty() => Err(CallError::Unknown),
            (status, bytes) => Err(refusal(status, &bytes)),
        }
    }

    /// Fetches something as it is.
    pub(crate) async fn get(self) -> Result<Bytes, CallError> {
        let request = self.http.get(&self.url);
        match self.answer(request).await? {
            (status, bytes) if status.is_success() => Ok(bytes.into()),
            (status, bytes) => Err(refusal(status, &bytes)),
        }
    }

    async fn answer(self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), CallError> {
        let mut request = request.bearer_auth(&self.bearer).timeout(self.timeout);
        if !self.trace.0.is_empty() {
            request = request.header("traceparent", self.trace.0);
        }
        let response = request.send().await.map_err(|error| unavailable(&error))?;
        Ok((response.status(), whole(response).await?))
    }
}

async fn whole(mut response: reqwest::Response) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unavailable(&error))? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(ControlError::Unavailable { message: "its answer does not end".to_owned() }.into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What an answer that is not 2xx means. What is none of the control plane's comes from something in
/// front of it, and is no word of its own.
fn refusal(status: StatusCode, bytes: &[u8]) -> CallError {
    let said: Option<ControlError> = serde_json::from_slice(bytes).ok();
    let because = || match &said {
        Some(ControlError::Refused { because }) => because.clone(),
        _ => format!("it answers {status}"),
    };
    let unavailable = || ControlError::Unavailable { message: because() };
    match (status, &said) {
        (StatusCode::UNAUTHORIZED, Some(_)) => CallError::Unauthorized(because()),
        (StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE, Some(error)) => error.clone().into(),
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT, _) => unavailable().into(),
        (status, Some(error)) if status.is_client_error() => error.clone().into(),
        _ => unavailable().into(),
    }
}

/// The last cause says most: `Connection refused (os error 111)`.
fn unavailable(error: &reqwest::Error) -> CallError {
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    ControlError::Unavailable { message: cause.to_string() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_control_planes_own_no_is_a_no() {
        let refused = |because: &str| ControlError::Refused { because: because.to_owned() };
        let unavailable = |message: &str| ControlError::Unavailable { message: message.to_owned() };
        let json = |error: &ControlError| serde_json::to_vec(error).unwrap();
        for (status, body, meaning) in [
            (409, json(&ControlError::StaleEpoch), ControlError::StaleEpoch.into()),
            (409, json(&ControlError::Cancelled), ControlError::Cancelled.into()),
            (422, json(&refused("no")), refused("no").into()),
            (413, json(&refused("long")), refused("long").into()),
            (503, json(&unavailable("down")), unavailable("down").into()),
            (401, json(&refused("who?")), CallError::Unauthorized("who?".to_owned())),
            (429, json(&refused("slower")), unavailable("slower").into()),
            // A proxy's words.
            (401, b"<html>".to_vec(), unavailable("it answers 401 Unauthorized").into()),
            (404, b"not found".to_vec(), unavailable("it answers 404 Not Found").into()),
            (409, b"".to_vec(), unavailable("it answers 409 Conflict").into()),
            (502, b"".to_vec(), unavailable("it answers 502 Bad Gateway").into()),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(refusal(status, &body), meaning, "{status}");
        }
    }
}
