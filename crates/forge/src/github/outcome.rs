//! What an answer, or the lack of one, means: [`ForgeError`] by status, headers and words.
//!
//! Rate limits after
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use std::time::Duration;

use chrono::DateTime;
use http::{HeaderMap, StatusCode, header};
use octocrab::GitHubError;

use super::transport::ForeignOrigin;
use crate::ForgeError;
use crate::http_client::{root_cause, shortened};

/// Whether a request could have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// Maps an error of a request about `what`.
pub(super) fn of(error: octocrab::Error, kind: Kind, what: &str) -> ForgeError {
    match error {
        octocrab::Error::GitHub { source, .. } => answered(&source, kind, what),
        error => unanswered(&error, kind),
    }
}

fn answered(error: &GitHubError, kind: Kind, what: &str) -> ForgeError {
    let empty = HeaderMap::new();
    let headers = error.headers.as_ref().unwrap_or(&empty);
    let message = words(error);
    match error.status_code {
        StatusCode::UNAUTHORIZED => ForgeError::CredentialRefused,
        StatusCode::NOT_FOUND | StatusCode::GONE => ForgeError::NotFound { what: what.to_owned() },
        StatusCode::TOO_MANY_REQUESTS => ForgeError::RateLimited { retry_after: wait(headers) },
        StatusCode::FORBIDDEN if is_limit(headers, &message) => {
            ForgeError::RateLimited { retry_after: wait(headers) }
        }
        StatusCode::FORBIDDEN => ForgeError::Forbidden { message },
        StatusCode::UNPROCESSABLE_ENTITY if message.contains("already exists") => ForgeError::AlreadyExists,
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            uncertain(kind, format!("status {}: {message}", status.as_u16()))
        }
        status if status.is_redirection() => {
            let message = "it has moved; name it by its new name".to_owned();
            ForgeError::Refused { status: status.as_u16(), message }
        }
        status => ForgeError::Refused { status: status.as_u16(), message },
    }
}

/// No usable answer: nothing was sent, or nobody knows.
fn unanswered(error: &octocrab::Error, kind: Kind) -> ForgeError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut sent = true;
    while let Some(error) = cause {
        if error.downcast_ref::<reqwest::Error>().is_some_and(|e| e.is_connect() || e.is_builder())
            || error.is::<ForeignOrigin>()
            || error.is::<http::Error>()
            || error.is::<http::uri::InvalidUri>()
        {
            sent = false;
        }
        cause = error.source();
    }
    let kind = if sent { kind } else { Kind::Read };
    uncertain(kind, root_cause(error))
}

fn uncertain(kind: Kind, message: String) -> ForgeError {
    match kind {
        Kind::Read => ForgeError::Unavailable { message },
        Kind::Write => ForgeError::Unclear { message },
    }
}

/// The answer's sentence and what its list of errors adds.
fn words(error: &GitHubError) -> String {
    let mut text = error.message.clone();
    for entry in error.errors.iter().flatten() {
        let field = |name: &str| entry.get(name).and_then(|v| v.as_str());
        if let Some(message) = field("message").or_else(|| entry.as_str()) {
            text.push_str(": ");
            text.push_str(message);
        } else if let (Some(name), Some(code)) = (field("field"), field("code")) {
            text.push_str(": ");
            text.push_str(&format!("{name} is {code}"));
        }
    }
    shortened(&text)
}

/// A 403 is a limit when the headers say so, or when only the words do (the secondary limit).
fn is_limit(headers: &HeaderMap, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    headers.contains_key(header::RETRY_AFTER)
        || number(headers, "x-ratelimit-remaining") == Some(0)
        || message.contains("rate limit")
        || message.contains("abuse detection")
}

/// `retry-after`, else the time until `x-ratelimit-reset` by the forge's own clock.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    if let Some(seconds) = number(headers, "retry-after") {
        return u64::try_from(seconds).ok().map(Duration::from_secs);
    }
    if number(headers, "x-ratelimit-remaining") != Some(0) {
        return None;
    }
    let reset = number(headers, "x-ratelimit-reset")?;
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let now = DateTime::parse_from_rfc2822(date).ok()?.timestamp();
    u64::try_from(reset.checked_sub(now)?).ok().map(Duration::from_secs)
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
