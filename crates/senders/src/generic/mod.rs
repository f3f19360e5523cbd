//! Any other tool: its owner says how it proves itself and where its body holds what.
//!
//! [`Generic`] is what ingress needs, [`parse`] with its mapping what the dispatcher needs: neither
//! knows the other's half.

mod parse;
mod place;
mod verify;

use chrono::{DateTime, Utc};

use crate::content::BodyFormat;

pub use parse::parse;
pub use verify::{Generic, Scheme};

pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json];

/// The one name in a body that every mapping reads as "without effect".
const PING: &str = "pullwright_ping";

/// A delivery that no mapping takes for an event: it has no effect anywhere.
pub(crate) fn ping(
    generic: &Generic,
    id: &str,
    now: DateTime<Utc>,
) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({ PING: id }).to_string().into_bytes();
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(generic.sign(id, now, &body));
    (headers, body)
}
