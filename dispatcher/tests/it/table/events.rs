//! Events as the real parsers read them from samples that were edited.

use std::collections::BTreeMap;

use schemas::delivery::Body;
use schemas::event::{Event, SourceKind};
use schemas::trace::TraceContext;
use schemas::{ConnectionName, Delivery, DeliveryId};
use senders::samples::{self, Aim, Fresh};
use serde_json::Value;

use crate::support::at;

/// Edits of a body: places as JSON pointers, and what is put there.
pub type Edits<'a> = &'a [(&'a str, Value)];

pub fn github(event: &str, edits: Edits<'_>) -> Event {
    let aim = Aim { repository: Some("acme/api".into()), actor: Some("ana".into()), ..Aim::default() };
    parsed(SourceKind::Github, event, &aim, edits)
}

pub fn gitlab(event: &str, edits: Edits<'_>) -> Event {
    let aim = Aim { repository: Some("acme/api".into()), actor: Some("ana".into()), ..Aim::default() };
    parsed(SourceKind::Gitlab, event, &aim, edits)
}

pub fn jira(event: &str, edits: Edits<'_>) -> Event {
    let aim = Aim { item: Some("PAY-31".into()), actor: Some("5b10a2".into()), ..Aim::default() };
    parsed(SourceKind::Jira, event, &aim, edits)
}

pub fn sentry(event: &str, edits: Edits<'_>) -> Event {
    let aim = Aim { project: Some("api".into()), ..Aim::default() };
    parsed(SourceKind::Sentry, event, &aim, edits)
}

fn parsed(kind: SourceKind, event: &str, aim: &Aim, edits: Edits<'_>) -> Event {
    let sample = samples::of(kind).find(|sample| sample.event == event).unwrap();
    let now = at("2026-11-21T10:00:00Z");
    let mut body = sample.body(aim, Fresh { now, id: uuid::Uuid::from_u128(7) }).unwrap();
    for (place, value) in edits {
        put(&mut body, place, value.clone());
    }
    let raw = sample.bytes(&body);
    let name = samples::own_name(kind, event).unwrap_or_default().to_owned();
    let header = match kind {
        SourceKind::Github => "x-github-event",
        SourceKind::Gitlab => "x-gitlab-event",
        _ => "sentry-hook-resource",
    };
    let delivery = Delivery {
        id: DeliveryId(uuid::Uuid::from_u128(7)),
        webhook: kind.as_str().into(),
        received_at: now,
        headers: BTreeMap::from([(header.to_owned(), name)]),
        body: Body::compress(&raw),
        trace: TraceContext::default(),
        replay_of: None,
    };
    senders::parse(kind, &ConnectionName::from(kind.as_str()), &delivery, &raw).unwrap()
}

fn put(body: &mut Value, place: &str, value: Value) {
    let (parent, key) = place.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        parent => parent[key] = value,
    }
}
