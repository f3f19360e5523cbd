//! One reading call: its deadline, its credential, its errors.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Jira;
use crate::ForgeError;
use crate::http_client::{root_cause, shortened};

/// No call takes longer, however many requests it makes.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// No answer that we read is larger.
const MAX_ANSWER: usize = 8 << 20;

/// The sentences of a refusal.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default, rename = "errorMessages")]
    messages: Vec<String>,
}

impl Jira {
    /// Runs a call's work within its limit.
    pub(super) async fn limit<T>(
        &self,
        work: impl Future<Output = Result<T, ForgeError>>,
    ) -> Result<T, ForgeError> {
        tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| {
            Err(ForgeError::Unavailable { message: format!("no answer within {} s", LIMIT.as_secs()) })
        })
    }

    /// Reads what lies at these parts of a path.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        parts: &[&str],
        query: &[(&str, &str)],
        what: &str,
    ) -> Result<T, ForgeError> {
        let unavailable = |message| ForgeError::Unavailable { message };
        let mut url = self.root.clone();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return Err(ForgeError::NotFound { what: what.to_owned() });
        }
        match url.path_segments_mut() {
            Ok(mut path) => path.pop_if_empty().extend(["rest", "api", "2"]).extend(parts),
            Err(()) => return Err(unavailable("the address cannot be a base".to_owned())),
        };
        url.query_pairs_mut().extend_pairs(query);
        let request = self
            .client
            .get(url)
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(header::ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(|error| unavailable(root_cause(&error)))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| unavailable(root_cause(&error)))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(ForgeError::TooLarge { what: what.to_owned(), limit: "8 MiB" });
            }
            bytes.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(refused(status, &headers, &bytes, what));
        }
        serde_json::from_slice(&bytes).map_err(|error| unavailable(shortened(&error.to_string())))
    }
}

fn refused(status: StatusCode, headers: &HeaderMap, bytes: &[u8], what: &str) -> ForgeError {
    let refusal: Refusal = serde_json::from_slice(bytes).unwrap_or_default();
    let message = shortened(&refusal.messages.join(" "));
    match status {
        StatusCode::UNAUTHORIZED => ForgeError::CredentialRefused,
        StatusCode::FORBIDDEN => ForgeError::Forbidden { message },
        StatusCode::NOT_FOUND | StatusCode::GONE => ForgeError::NotFound { what: what.to_owned() },
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds =
                headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            ForgeError::RateLimited { retry_after: seconds.map(Duration::from_secs) }
        }
        status if status.is_server_error() => {
            ForgeError::Unavailable { message: format!("status {}: {message}", status.as_u16()) }
        }
        status => ForgeError::Refused { status: status.as_u16(), message },
    }
}
