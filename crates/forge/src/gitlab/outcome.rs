//! What an answer, or the lack of one, means: [`ForgeError`] by status, headers and words.
//!
//! Rate limits after <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>.

use std::time::Duration;

use chrono::DateTime;
use gitlab::api::ApiError;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::transport::RestError;
use crate::ForgeError;
use crate::http_client::{root_cause, shortened};

/// Whether a request could have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// Maps an error of a request about `what`.
pub(super) fn of(error: ApiError<RestError>, kind: Kind, what: &str) -> ForgeError {
    match error {
        ApiError::Client { source: RestError::Unsent(message) } => ForgeError::Unavailable { message },
        ApiError::Client { source: RestError::Unanswered(message) } => uncertain(kind, message),
        ApiError::Client { source: RestError::Answered { status, message, headers } } => {
            answered(status, message, &headers, kind, what)
        }
        // Without these there was no request.
        ApiError::UrlParse { .. } | ApiError::Body { .. } => {
            ForgeError::Refused { status: 400, message: shortened(&error.to_string()) }
        }
        // An answer that means yes, in a form that nobody understands.
        other => uncertain(kind, root_cause(&other)),
    }
}

fn answered(status: StatusCode, message: String, headers: &HeaderMap, kind: Kind, what: &str) -> ForgeError {
    match status {
        StatusCode::UNAUTHORIZED => ForgeError::CredentialRefused,
        // An emoji that is there already is answered 404 as well.
        StatusCode::NOT_FOUND if message.contains("already been taken") => ForgeError::AlreadyExists,
        StatusCode::NOT_FOUND | StatusCode::GONE => ForgeError::NotFound { what: what.to_owned() },
        StatusCode::TOO_MANY_REQUESTS => ForgeError::RateLimited { retry_after: wait(headers) },
        StatusCode::FORBIDDEN => ForgeError::Forbidden { message },
        StatusCode::CONFLICT if message.contains("already exists") => ForgeError::AlreadyExists,
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

fn uncertain(kind: Kind, message: String) -> ForgeError {
    match kind {
        Kind::Read => ForgeError::Unavailable { message },
        Kind::Write => ForgeError::Unclear { message },
    }
}

/// The sentence of an error's body: `message` or `error`, a text, a list, or lists by field
/// (<https://docs.gitlab.com/api/rest/troubleshooting/>).
pub(super) fn words(status: StatusCode, body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut parts = Vec::new();
    for name in ["message", "error", "error_description"] {
        collect(&value[name], &mut parts);
    }
    if parts.is_empty() {
        parts.push(status.canonical_reason().unwrap_or("no reason given").to_owned());
    }
    shortened(&parts.join(": "))
}

fn collect(value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::String(text) => parts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|entry| collect(entry, parts)),
        Value::Object(fields) => {
            for (name, entry) in fields {
                let mut inner = Vec::new();
                collect(entry, &mut inner);
                parts.push(format!("{name} {}", inner.join(", ")));
            }
        }
        _ => {}
    }
}

/// `retry-after`, else the time until `ratelimit-reset` by the forge's own clock.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let seconds = number("retry-after").or_else(|| {
        let date = headers.get(header::DATE)?.to_str().ok()?;
        number("ratelimit-reset")?.checked_sub(DateTime::parse_from_rfc2822(date).ok()?.timestamp())
    });
    u64::try_from(seconds?).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errors_words() {
        for (body, expected) in [
            (r#"{"message":"404 Project Not Found"}"#, "404 Project Not Found"),
            (
                r#"{"message":["Another open merge request already exists"]}"#,
                "Another open merge request already exists",
            ),
            (r#"{"message":{"base":["too","late"]}}"#, "base too, late"),
            (
                r#"{"error":"insufficient_scope","error_description":"needs api"}"#,
                "insufficient_scope: needs api",
            ),
            ("<html>", "Forbidden"),
            ("", "Forbidden"),
            ("[1]", "Forbidden"),
        ] {
            assert_eq!(words(StatusCode::FORBIDDEN, body.as_bytes()), expected, "{body}");
        }
    }
}
