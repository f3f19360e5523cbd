//! Slack: events, slash commands and interactivity of one app.
//!
//! All three are signed alike, over the raw body and a time. Events are JSON; a slash command is a
//! form of fields; an interaction is a form whose `payload` is JSON.

mod body;
mod parse;
mod verify;

use chrono::{DateTime, Utc};

use crate::content::BodyFormat;

pub(crate) use body::json_of;
pub(crate) use parse::parse;
pub use verify::Slack;
pub(crate) use verify::handshake;

pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json, BodyFormat::Form];
pub(crate) const KEPT_HEADERS: &[&str] = &["content-type", "x-slack-retry-num"];

/// An event that has no effect anywhere.
pub(crate) fn ping(slack: &Slack, id: &str, now: DateTime<Utc>) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({ "type": "app_rate_limited", "api_app_id": id }).to_string().into_bytes();
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(slack.sign(&body, now));
    (headers, body)
}
