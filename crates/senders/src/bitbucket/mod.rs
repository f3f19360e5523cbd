//! Bitbucket Cloud and Bitbucket Data Center: one scheme, two families of bodies.
//!
//! Their event keys differ (`pullrequest:created`, `pr:opened`), so one webhook kind reads both.
//! Data Center repeats the key in the signed body, Cloud does not; either way the unsigned header
//! is checked against the body.

mod cloud;
mod data_center;
mod parse;
mod verify;

use crate::content::BodyFormat;

pub(crate) use parse::parse;
pub use verify::Bitbucket;
pub(crate) use verify::handshake;

pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json];
pub(crate) const KEPT_HEADERS: &[&str] = &[EVENT, CLOUD_ID, DATA_CENTER_ID, "content-type"];

const EVENT: &str = "x-event-key";
/// New for each delivery, equal over its retries.
const CLOUD_ID: &str = "x-request-uuid";
const DATA_CENTER_ID: &str = "x-request-id";

/// An event that has no effect anywhere.
pub(crate) fn ping(bitbucket: &Bitbucket, id: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({ "changes": {}, "delivery": id }).to_string().into_bytes();
    let mut headers = signed(bitbucket, "repo:updated", id, &body);
    headers.push(("content-type", "application/json".to_owned()));
    (headers, body)
}

/// The headers of Bitbucket's own for a delivery of the event `key`.
pub(crate) fn signed(bitbucket: &Bitbucket, key: &str, id: &str, raw: &[u8]) -> Vec<(&'static str, String)> {
    let named = [(EVENT, key.to_owned()), (CLOUD_ID, id.to_owned())];
    named.into_iter().chain(bitbucket.sign(raw)).collect()
}
