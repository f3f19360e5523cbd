//! Gitea and Forgejo: events much like GitHub's, under names of their own.
//!
//! Both also send GitHub's and Gogs' headers, signatures included. Only their own are read: who
//! configured this webhook said which tool it is, and one scheme is looked at, not the weakest of
//! four.

mod item;
mod parse;
mod shape;
mod verify;

use crate::content::BodyFormat;

pub(crate) use parse::parse;
pub use verify::Gitea;

pub(crate) const FORMATS: &[BodyFormat] = &[BodyFormat::Json, BodyFormat::Form];
pub(crate) const KEPT_HEADERS: &[&str] =
    &["x-gitea-event", "x-forgejo-event", "x-gitea-delivery", "x-forgejo-delivery", "content-type"];

/// An event that has no effect anywhere.
pub(crate) fn ping(gitea: &Gitea, id: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = serde_json::json!({ "action": "ping", "delivery": id }).to_string().into_bytes();
    let mut headers = signed(gitea, "repository", id, &body);
    headers.push(("content-type", "application/json".to_owned()));
    (headers, body)
}

/// The headers of Gitea's own for a delivery of `event`; `payload` is its JSON, also inside a form.
pub(crate) fn signed(gitea: &Gitea, event: &str, id: &str, payload: &[u8]) -> Vec<(&'static str, String)> {
    let named = [("x-gitea-event", event.to_owned()), ("x-gitea-delivery", id.to_owned())];
    named.into_iter().chain(gitea.sign(payload)).collect()
}
