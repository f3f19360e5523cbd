//! The `gitlab` crate's endpoints on our own HTTP client: with deadlines, our certificates, no
//! redirects, no request at connect, and errors that say what became of a write.

use async_trait::async_trait;
use bytes::Bytes;
use gitlab::api::{ApiError, AsyncClient, RestClient};
use http::request::Builder;
use http::{HeaderMap, Response, StatusCode};
use reqwest::Url;

use super::call::Call;
use super::outcome;
use crate::http_client::root_cause;

/// No answer that we read is larger: a page of notes, each at most a million characters.
const MAX_ANSWER: usize = 64 << 20;

/// A request that had no success.
#[derive(Debug, thiserror::Error)]
pub(super) enum RestError {
    /// It never left.
    #[error("{0}")]
    Unsent(String),
    /// It left, and no whole answer came.
    #[error("{0}")]
    Unanswered(String),
    /// GitLab said no.
    #[error("status {status}: {message}")]
    Answered { status: StatusCode, message: String, headers: Box<HeaderMap> },
}

impl RestClient for Call<'_> {
    type Error = RestError;

    fn rest_endpoint(&self, endpoint: &str) -> Result<Url, ApiError<RestError>> {
        let base = format!("{}api/v4/", self.gitlab.root);
        let url = Url::parse(&format!("{base}{endpoint}"))?;
        // Dots are resolved by then: what would lead out of the interface shows.
        if !url.as_str().starts_with(&base) {
            return Err(unsent("a request to another place was refused"));
        }
        Ok(url)
    }
}

#[async_trait]
impl AsyncClient for Call<'_> {
    async fn rest_async(
        &self,
        request: Builder,
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, ApiError<RestError>> {
        let request = request.header("PRIVATE-TOKEN", self.gitlab.token_header.clone());
        let request = request.body(body).map_err(|error| unsent(&error.to_string()))?;
        let request = reqwest::Request::try_from(request).map_err(|error| unsent(&root_cause(&error)))?;
        let mut answer = self.gitlab.client.execute(request).await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                unsent(&root_cause(&error))
            } else {
                unanswered(&root_cause(&error))
            }
        })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        self.note_clock(&headers);
        let mut bytes = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER => bytes.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err(unanswered("its answer is larger than 64 MiB")),
                Ok(None) => break,
                // A refusal is one without its words, too.
                Err(_) if !status.is_success() => break,
                Err(error) => return Err(unanswered(&root_cause(&error))),
            }
        }
        if !status.is_success() {
            let message = outcome::words(status, &bytes);
            return Err(ApiError::client(RestError::Answered {
                status,
                message,
                headers: Box::new(headers),
            }));
        }
        let mut response = Response::new(Bytes::from(bytes));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

fn unsent(message: &str) -> ApiError<RestError> {
    ApiError::client(RestError::Unsent(message.to_owned()))
}

fn unanswered(message: &str) -> ApiError<RestError> {
    ApiError::client(RestError::Unanswered(message.to_owned()))
}
