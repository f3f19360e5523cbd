//! What the targets do with an input: its first line is a header's value, the rest is a body.

pub mod verify;

use chrono::DateTime;
use schemas::delivery::Body;
use schemas::event::SourceKind;
use schemas::mapping::Mapping;
use schemas::trace::TraceContext;
use schemas::{Delivery, DeliveryId, Event};
use senders::ParseError;
use uuid::Uuid;

/// The header that names the event, where a tool has one. A Slack input names its content type.
fn header(kind: SourceKind) -> Option<&'static str> {
    match kind {
        SourceKind::Github => Some("x-github-event"),
        SourceKind::Sentry => Some("sentry-hook-resource"),
        SourceKind::Gitea => Some("x-gitea-event"),
        SourceKind::Bitbucket => Some("x-event-key"),
        SourceKind::Gitlab => Some("x-gitlab-event"),
        SourceKind::Slack => Some("content-type"),
        SourceKind::Jira | SourceKind::Linear | SourceKind::Generic | SourceKind::Pullwright => None,
    }
}

fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, rest) = input.split_at(end);
    (line, rest.get(1..).unwrap_or_default())
}

fn delivery(headers: Option<(&str, String)>) -> Delivery {
    Delivery {
        id: DeliveryId(Uuid::nil()),
        webhook: "hook".into(),
        received_at: DateTime::UNIX_EPOCH,
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body: Body::compress(b""),
        trace: TraceContext::default(),
        replay_of: None,
    }
}

/// What is read can be stored and read again.
fn check(event: Result<Event, ParseError>) {
    if let Ok(event) = event {
        let stored = serde_json::to_value(&event).expect("an event is JSON");
        assert!(!has_nul(&stored), "U+0000 in {stored}");
        assert_eq!(serde_json::from_value::<Event>(stored).expect("a stored event is one"), event);
    }
}

fn has_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(list) => list.iter().any(has_nul),
        serde_json::Value::Object(object) => object.values().any(has_nul),
        _ => false,
    }
}

/// Reads an input as a delivery of `kind`.
///
/// # Panics
/// When a parser does, or makes an event that cannot be stored.
pub fn parse(kind: SourceKind, input: &[u8]) {
    let (line, body) = split(input);
    let value = String::from_utf8_lossy(line).into_owned();
    let delivery = delivery(header(kind).map(|name| (name, value)));
    check(senders::parse(kind, &"here".into(), &delivery, body));
}

/// Reads an input by a mapping, of which the first line is one place for all.
///
/// # Panics
/// When the parser does, or makes an event that cannot be stored.
pub fn parse_mapped(input: &[u8]) {
    let (line, body) = split(input);
    let place = String::from_utf8_lossy(line);
    let mapping = serde_json::json!({
        "type": place, "work_item": place, "repository": place, "actor": place, "title": place, "body": place,
        "labels": place, "url": place, "time": place, "id": place,
    });
    // No pointer: refused with the configuration.
    let Ok(mapping) = serde_json::from_value::<Mapping>(mapping) else { return };
    check(senders::generic::parse(&mapping, &"here".into(), &delivery(None), body));
}
