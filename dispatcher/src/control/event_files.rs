//! What a worker lays beside the checkout: the event and its texts.

use chrono::{DateTime, Utc};
use schemas::control::{ControlError, DataFile};
use schemas::event::EventType;
use schemas::{DeliveryId, Event, Oid, Untrusted};
use serde::Serialize;

/// One of the events that a run stands for.
#[derive(Serialize)]
struct Line<'a> {
    id: DeliveryId,
    r#type: &'a EventType,
    time: Option<DateTime<Utc>>,
    actor: Option<&'a str>,
    head: Option<&'a Oid>,
    url: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn new(event: &'a Event) -> Self {
        let comment = event.comment.as_ref().and_then(|comment| comment.url.as_deref());
        let item = event.item.as_ref().and_then(|item| item.url.as_deref());
        Self {
            id: event.id,
            r#type: &event.r#type,
            time: event.time,
            actor: event.actor.as_ref().map(|actor| actor.id.as_str()),
            head: event.change.as_ref().and_then(|change| change.head.as_ref()),
            url: comment.or(item),
        }
    }
}

/// The event as files: data for the commands, never words of a command line.
pub(super) fn event_files(event: &Event, all: &[Event]) -> Result<Vec<DataFile>, ControlError> {
    let all: Vec<Line> = all.iter().map(Line::new).collect();
    let mut files = vec![json("event.json", event)?, json("events.json", &all)?];
    if let Some(item) = &event.item {
        files.push(DataFile { name: "title.txt".to_owned(), content: item.title.clone() });
        files.push(DataFile { name: "body.md".to_owned(), content: item.body.clone() });
    }
    if let Some(comment) = &event.comment {
        files.push(DataFile { name: "comment.md".to_owned(), content: comment.body.clone() });
    }
    Ok(files)
}

fn json(name: &str, value: &impl Serialize) -> Result<DataFile, ControlError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| ControlError::Refused { because: format!("{name} cannot be written: {error}") })?;
    Ok(DataFile { name: name.to_owned(), content: Untrusted::new(text) })
}
