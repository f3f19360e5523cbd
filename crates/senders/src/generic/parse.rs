//! A body of any shape as an [`Event`], by its owner's mapping.

use chrono::{DateTime, Utc};
use schemas::event::{Actor, ActorKind, EventType, Identity, Item, Repository, SourceKind};
use schemas::mapping::{Dedupe, Mapping, Place};
use schemas::{ConnectionName, Delivery, Event, RepoRef, Untrusted, WorkItem};

use crate::error::ParseError;
use crate::naming::{semantic_key, unmapped};
use crate::node::Node;
use crate::standard_webhooks;
use crate::tree::Tree;

use super::PING;
use super::place::{text_at, value_at};

/// Reads a delivery as an event of `connection`; `raw` is its body, decompressed.
///
/// # Errors
/// When the body is no JSON object, or nothing is where `type` points.
pub fn parse(
    mapping: &Mapping,
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let body = Tree::object(raw, &[])?;
    if body.get(PING).is_some() {
        let r#type = unmapped(SourceKind::Generic, &[Some("ping")]);
        return Ok(Event::new(delivery.id, SourceKind::Generic, connection.clone(), r#type));
    }
    let text = |place: &Option<Place>| text_at(place.as_ref()?, &body);
    let r#type = event_type(&text_at(&mapping.r#type, &body).ok_or(ParseError::Nameless("type"))?);
    let mut event = Event::new(delivery.id, SourceKind::Generic, connection.clone(), r#type);
    event.repository = text(&mapping.repository)
        .and_then(|path| RepoRef::new(connection, &path).ok())
        .map(|name| Repository { name, default_branch: None });
    event.actor =
        text(&mapping.actor).map(|login| Actor { id: login.clone(), login, kind: ActorKind::Human });
    let key = text(&mapping.work_item).filter(|key| is_key(key));
    event.work_item = key.as_ref().map(|key| WorkItem(format!("{connection}:{key}")));
    event.item = item(mapping, key, &body);
    event.time = mapping.time.as_ref().and_then(|place| time(&value_at(place, &body)?));
    event.semantic_key = text(&mapping.id)
        .map(|id| semantic_key(&["generic", connection.as_str(), &event.r#type.to_string(), &id]));
    identify(mapping, &mut event, delivery);
    Ok(event)
}

fn item(mapping: &Mapping, key: Option<String>, body: &Tree<'_>) -> Option<Item> {
    let text = |place: &Option<Place>| text_at(place.as_ref()?, body);
    let is_address = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    let item = Item {
        key: key.unwrap_or_default(),
        title: text(&mapping.title).map(Untrusted::new).unwrap_or_default(),
        body: text(&mapping.body).map(Untrusted::new).unwrap_or_default(),
        url: text(&mapping.url).filter(is_address),
        labels: mapping
            .labels
            .as_ref()
            .and_then(|place| value_at(place, body))
            .map(|given| labels(&given))
            .unwrap_or_default(),
        ..Item::default()
    };
    (item != Item::default()).then_some(item)
}

fn identify(mapping: &Mapping, event: &mut Event, delivery: &Delivery) {
    let header = |name: &str| delivery.headers.get(&name.to_ascii_lowercase()).cloned();
    let (id, identity) = match &mapping.dedupe {
        Some(Dedupe::Header(name)) => (header(name), Identity::SenderId),
        Some(Dedupe::Body) => (header(standard_webhooks::ID), Identity::Body),
        Some(Dedupe::None) => (None, Identity::None),
        // It is kept only where it is signed: such a tool may say the same twice and mean it.
        None => (header(standard_webhooks::ID), Identity::SenderId),
    };
    // Without an id there is nothing better than the body.
    let no_id = identity == Identity::SenderId && id.is_none();
    event.identity = if no_id { Identity::Body } else { identity };
    event.sender_id = id;
}

/// Our word where the text is one; a schedule's tick and a person's order come from nobody outside.
fn event_type(text: &str) -> EventType {
    match text.parse() {
        Ok(EventType::ScheduleFired | EventType::ManualRequested | EventType::Unmapped(_)) | Err(_) => {
            unmapped(SourceKind::Generic, &[Some(text)])
        }
        Ok(known) => known,
    }
}

fn is_key(key: &str) -> bool {
    key.len() <= 200 && !key.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn labels(given: &Tree<'_>) -> Vec<Untrusted> {
    let given = Node::of(given);
    if let Some(one) = given.untrusted() {
        return vec![one];
    }
    let name = |label: Node<'_>| ["name", "title"].iter().find_map(|key| label.at(key).untrusted());
    given.items().filter_map(|label| label.untrusted().or_else(|| name(label))).collect()
}

fn time(given: &Tree<'_>) -> Option<DateTime<Utc>> {
    /// The year 5138 in seconds, and 1973 in milliseconds.
    const MILLISECONDS_FROM: i64 = 100_000_000_000;
    let given = Node::of(given);
    match given.integer() {
        Some(seconds) if seconds < MILLISECONDS_FROM => DateTime::from_timestamp(seconds, 0),
        Some(milliseconds) => DateTime::from_timestamp_millis(milliseconds),
        None => given.time(),
    }
}
