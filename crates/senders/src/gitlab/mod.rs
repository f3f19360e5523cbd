//! GitLab: gitlab.com and self-managed, by project, group and system hook.
//!
//! What happened is read from the body alone: with a secret token nothing is signed, and with a
//! signing token the event header still is not. A hook with a body template of its own has not
//! GitLab's shape and is not read.

mod actor;
mod changes;
mod identity;
mod parse;
mod types;
mod verify;

use chrono::{DateTime, Utc};

use crate::content::BodyFormat;
use crate::standard_webhooks;

pub(crate) use parse::parse;
pub use verify::GitLab;

pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json];

/// The delivery's id since 17.4, kept over resends. `X-Gitlab-Event-UUID` is none: it is shared by
/// all hooks of one request (gitlabhq, lib/gitlab/web_hooks/recursion_detection/uuid.rb).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// `Issue Hook`, `Confidential Note Hook`: not what an event is told by.
const EVENT: &str = "x-gitlab-event";

pub(crate) const KEPT_HEADERS: &[&str] =
    &[EVENT, IDEMPOTENCY_KEY, standard_webhooks::ID, standard_webhooks::SIGNATURE];

/// A delivery of an event that GitLab does not have: it has no effect anywhere.
pub(crate) fn ping(gitlab: &GitLab, id: &str, now: DateTime<Utc>) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({ "object_kind": "pullwright_ping", "delivery": id });
    let body = body.to_string().into_bytes();
    let mut headers = signed(gitlab, "Pullwright Ping", id, now, &body);
    headers.push(("content-type", "application/json".to_owned()));
    (headers, body)
}

/// The headers of GitLab's own for a delivery of `event`.
pub(crate) fn signed(
    gitlab: &GitLab,
    event: &str,
    id: &str,
    now: DateTime<Utc>,
    raw: &[u8],
) -> Vec<(&'static str, String)> {
    let named = [(EVENT, event.to_owned()), (IDEMPOTENCY_KEY, id.to_owned())];
    named.into_iter().chain(gitlab.sign(id, now, raw)).collect()
}
