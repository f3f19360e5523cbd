//! Jira: Cloud and Data Center.
//!
//! There is no event header and no ping: the body names the event. Cloud trims what comes with a
//! comment, and Data Center leaves the issue out of it altogether.

mod actor;
mod changelog;
mod identity;
mod jwt;
mod parse;
mod types;
mod verify;

use chrono::{DateTime, Utc};

use crate::content::BodyFormat;

pub(crate) use parse::parse;
pub use verify::Jira;

pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json];

/// Cloud's id of a delivery, equal for all its attempts; Data Center has none.
const IDENTIFIER: &str = "x-atlassian-webhook-identifier";

pub(crate) const KEPT_HEADERS: &[&str] =
    &[IDENTIFIER, "x-atlassian-webhook-retry", "x-atlassian-webhook-flow"];

/// A delivery of an event that Jira does not have: it has no effect anywhere.
pub(crate) fn ping(jira: &Jira, id: &str, now: DateTime<Utc>) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({
        "webhookEvent": "pullwright_ping", "timestamp": now.timestamp_millis(), "delivery": id,
    });
    let body = body.to_string().into_bytes();
    let mut headers = signed(jira, id, now, &body);
    headers.push(("content-type", "application/json".to_owned()));
    (headers, body)
}

/// The headers of Jira's own for a delivery.
pub(crate) fn signed(jira: &Jira, id: &str, now: DateTime<Utc>, raw: &[u8]) -> Vec<(&'static str, String)> {
    [(IDENTIFIER, id.to_owned())].into_iter().chain(jira.sign(now, raw)).collect()
}
