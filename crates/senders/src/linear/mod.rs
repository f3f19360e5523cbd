//! Linear: issues and comments.
//!
//! Type, action and the time of sending are in the signed body; the headers that repeat them are
//! not looked at. Any answer but 200 counts as a failure.

mod parse;
mod verify;

use chrono::{DateTime, Utc};

use crate::content::BodyFormat;

pub(crate) use parse::parse;
pub use verify::Linear;

pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json];
pub(crate) const KEPT_HEADERS: &[&str] = &[DELIVERY, "content-type"];

/// Equal over the retries of one delivery; unsigned. The body's `webhookId` is the subscription's.
const DELIVERY: &str = "linear-delivery";

/// An event that has no effect anywhere.
pub(crate) fn ping(linear: &Linear, id: &str, now: DateTime<Utc>) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({
        "type": "Ping", "action": "create", "data": { "id": id }, "webhookTimestamp": now.timestamp_millis()
    });
    let body = body.to_string().into_bytes();
    let mut headers = signed(linear, id, &body);
    headers.push(("content-type", "application/json".to_owned()));
    (headers, body)
}

/// The headers of Linear's own for a delivery. The time of sending is the body's to say.
pub(crate) fn signed(linear: &Linear, id: &str, raw: &[u8]) -> Vec<(&'static str, String)> {
    [(DELIVERY, id.to_owned())].into_iter().chain(linear.sign(raw)).collect()
}
