//! Sentry: integrations on sentry.io or self-hosted; alerts, errors, issues and comments.
//!
//! The signature covers the body alone; the resource is an unsigned header, so it is checked
//! against what the body holds. `Request-ID` is new on each attempt and `Sentry-Hook-Timestamp` is
//! unsigned: neither is looked at, and what makes two deliveries one is taken from the content.

mod parse;
mod stack;
mod subject;
mod verify;

use crate::content::BodyFormat;

pub(crate) use parse::parse;
pub use verify::Sentry;
pub(crate) use verify::handshake;

pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json];
pub(crate) const KEPT_HEADERS: &[&str] = &[RESOURCE, "content-type"];

const RESOURCE: &str = "sentry-hook-resource";

/// An installation that has no effect anywhere.
pub(crate) fn ping(sentry: &Sentry, id: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({ "action": "created", "data": { "installation": { "uuid": id } } });
    let body = body.to_string().into_bytes();
    let mut headers = signed(sentry, "installation", &body);
    headers.push(("content-type", "application/json".to_owned()));
    (headers, body)
}

/// The headers of Sentry's own for a delivery about `resource`.
pub(crate) fn signed(sentry: &Sentry, resource: &str, raw: &[u8]) -> Vec<(&'static str, String)> {
    [(RESOURCE, resource.to_owned())].into_iter().chain(sentry.sign(raw)).collect()
}
