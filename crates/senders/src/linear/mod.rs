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
pub(crate) fn sample(
    linear: &Linear,
    id: &str,
    now: DateTime<Utc>,
) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({
        "type": "Ping", "action": "create", "data": { "id": id }, "webhookTimestamp": now.timestamp_millis()
    });
    let body = body.to_string().into_bytes();
    let mut headers = vec![(DELIVERY, id.to_owned()), ("content-type", "application/json".to_owned())];
    headers.extend(linear.sign(&body));
    (headers, body)
}
