//! What the tests share: signing by hand, deliveries, and an event in one line.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemas::event::SourceKind;
use schemas::{Event, Untrusted};
use senders::{Bitbucket, Gitea, Linear, ParseError, Sender, Sentry, Slack, parse};
use serde_json::Value;

pub use crate::requests::delivery;
use crate::requests::hmac;

pub const SECRET: &[u8] = b"correct horse battery staple";

pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_322_800, 0).unwrap()
}

pub fn mac(secret: &[u8], parts: &[&[u8]]) -> String {
    hex::encode(hmac(secret, &parts.concat()))
}

pub fn sentry() -> Sender {
    Sender::Sentry(Sentry::new(&[SECRET.to_vec()]).unwrap())
}

pub fn gitea() -> Sender {
    Sender::Gitea(Gitea::new(&[SECRET.to_vec()]).unwrap())
}

pub fn bitbucket() -> Sender {
    Sender::Bitbucket(Bitbucket::new(&[SECRET.to_vec()]).unwrap())
}

pub fn linear() -> Sender {
    Sender::Linear(Linear::new(&[SECRET.to_vec()]).unwrap())
}

pub fn slack() -> Sender {
    Sender::Slack(Slack::new(&[SECRET.to_vec()]).unwrap())
}

pub fn headers<N: AsRef<str>, V: AsRef<[u8]>>(pairs: &[(N, V)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::try_from(name.as_ref()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
    }
    headers
}

/// Reads a body that came by the connection named like its kind.
pub fn read(kind: SourceKind, headers: &[(&str, &str)], body: &Value) -> Result<Event, ParseError> {
    read_raw(kind, headers, body.to_string().as_bytes())
}

pub fn read_raw(kind: SourceKind, headers: &[(&str, &str)], body: &[u8]) -> Result<Event, ParseError> {
    let event = parse(kind, &kind.as_str().into(), &delivery(headers), body)?;
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    Ok(event)
}

pub fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[key] = value;
    body
}

/// All that matters of an event; what it does not say is left out.
pub fn line(event: &Event) -> String {
    let mut line = event.r#type.to_string();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = write!(line, " {name}={value}");
        }
    };
    let open = |text: &Option<Untrusted>| text.as_ref().map(|text| text.expose().to_owned());
    add("work", event.work_item.as_ref().map(|work| work.as_str()));
    add("repo", event.repository.as_ref().map(|repository| repository.name.path.as_str()));
    add("by", event.actor.as_ref().map(|actor| format!("{}/{:?}", actor.login, actor.kind)).as_deref());
    add("key", event.item.as_ref().map(|item| item.key.as_str()));
    add("title", event.item.as_ref().map(|item| item.title.expose()).filter(|title| !title.is_empty()));
    add("pr", event.item.as_ref().filter(|item| item.is_pull_request).map(|_| "yes"));
    add("label", open(&event.label).as_deref());
    add("comment", event.comment.as_ref().map(|comment| comment.id.as_str()));
    add("state", event.comment.as_ref().and_then(|comment| comment.state.as_deref()));
    add("path", event.comment.as_ref().and_then(|comment| open(&comment.path)).as_deref());
    add("from", event.change.as_ref().and_then(|change| open(&change.head_ref)).as_deref());
    add("to", event.change.as_ref().and_then(|change| open(&change.base_ref)).as_deref());
    let oid = |oid: Option<&schemas::Oid>| oid.map(|oid| oid.as_str()[..7].to_owned());
    add("head", oid(event.change.as_ref().and_then(|change| change.head.as_ref())).as_deref());
    add("base", oid(event.change.as_ref().and_then(|change| change.base.as_ref())).as_deref());
    add("fork", event.change.as_ref().filter(|change| change.fork).map(|_| "yes"));
    add("status", open(&event.status).as_deref());
    add("conclusion", event.conclusion.as_deref());
    add("project", event.project.as_deref());
    add("level", event.level.as_deref());
    add("culprit", open(&event.culprit).as_deref());
    add("dispatch", open(&event.dispatch).as_deref());
    add("at", event.time.map(|time| time.format("%FT%T").to_string()).as_deref());
    add("same", event.semantic_key.as_ref().map(|_| "key"));
    line
}
