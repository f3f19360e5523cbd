//! GitHub: github.com, GHES and GitHub Apps; one scheme, one set of bodies.
//!
//! The signature covers the body alone. Event name and delivery id are unsigned headers, so the
//! name is checked against the body's shape before it is believed.

mod identity;
mod item;
mod parse;
mod shape;
mod types;
mod verify;

use crate::content::BodyFormat;

pub(crate) use parse::parse;
pub use verify::GitHub;

/// A hook made through the REST API sends a form unless it asks for JSON.
pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json, BodyFormat::Form];

const EVENT: &str = "x-github-event";
const DELIVERY: &str = "x-github-delivery";

/// The delivery that GitHub makes when a hook is created: it has no effect anywhere.
pub(crate) fn ping(github: &GitHub, id: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({ "zen": "Is anybody there?", "hook_id": 0, "hook": {}, "delivery": id });
    let body = body.to_string().into_bytes();
    let mut headers = signed(github, "ping", id, &body);
    headers.push(("content-type", "application/json".to_owned()));
    (headers, body)
}

/// The headers of GitHub's own for a delivery of `event`.
pub(crate) fn signed(github: &GitHub, event: &str, id: &str, raw: &[u8]) -> Vec<(&'static str, String)> {
    let named = [(EVENT, event.to_owned()), (DELIVERY, id.to_owned())];
    named.into_iter().chain(github.sign(raw)).collect()
}

pub(crate) const KEPT_HEADERS: &[&str] = &[
    EVENT,
    DELIVERY,
    "content-type",
    "x-github-hook-id",
    "x-github-hook-installation-target-type",
    "x-github-hook-installation-target-id",
    "x-github-enterprise-version",
    "x-github-enterprise-host",
];
