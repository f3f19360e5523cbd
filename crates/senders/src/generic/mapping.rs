//! A body of any shape as an [`Event`], by its owner's mapping.

use chrono::{DateTime, Utc};
use schemas::event::{Actor, ActorKind, EventType, Identity, Item, Repository, SourceKind};
use schemas::{ConnectionName, Delivery, Event, RepoRef, Untrusted, WorkItem};
use serde::Deserialize;
use serde_json::Value;

use crate::error::ParseError;
use crate::naming::{semantic_key, unmapped};
use crate::node::{self, Node};
use crate::standard_webhooks;

use super::{PING, Place};

/// Which place of a body is what. Only `type` is needed; what cannot be read is absent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The event's type: one of ours (`dispatch.received`), or the tool's own, which is kept as
    /// `unmapped.generic.<type>`.
    pub r#type: Place,
    /// What it is about, as people name it: `INC-7`; the work item is `<connection>:INC-7`.
    #[serde(default)]
    pub work_item: Option<Place>,
    /// A repository of the webhook's connection: `acme/api`.
    #[serde(default)]
    pub repository: Option<Place>,
    /// The login of who did it, as the repository's forge knows it.
    #[serde(default)]
    pub actor: Option<Place>,
    /// A title.
    #[serde(default)]
    pub title: Option<Place>,
    /// A text.
    #[serde(default)]
    pub body: Option<Place>,
    /// Labels: a list of texts, or of objects with a `name` or `title`; or one text.
    #[serde(default)]
    pub labels: Option<Place>,
    /// Where a person reads it; an `http` or `https` address.
    #[serde(default)]
    pub url: Option<Place>,
    /// When it happened: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default)]
    pub time: Option<Place>,
    /// The tool's id of what happened: two deliveries with one type and id are one happening.
    #[serde(default)]
    pub id: Option<Place>,
    /// What makes two deliveries one.
    #[serde(default)]
    pub dedupe: Dedupe,
}

/// What makes two deliveries of a tool one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dedupe {
    /// A header with equal text. Where the tool does not sign that header, whoever saw a delivery
    /// can repeat it under another text; Standard Webhooks sign `webhook-id`.
    Header(String),
    /// Equal bodies.
    #[default]
    Body,
    /// Nothing: every delivery counts.
    None,
}

impl Mapping {
    /// Reads a delivery as an event of `connection`; `raw` is its body, decompressed.
    ///
    /// # Errors
    /// When the body is no JSON object, or nothing is where `type` points.
    pub fn parse(
        &self,
        connection: &ConnectionName,
        delivery: &Delivery,
        raw: &[u8],
    ) -> Result<Event, ParseError> {
        let body = node::object(raw)?;
        if body.get(PING).is_some() {
            let r#type = unmapped(SourceKind::Generic, &[Some("ping")]);
            return Ok(Event::new(delivery.id, SourceKind::Generic, connection.clone(), r#type));
        }
        let text = |place: &Option<Place>| place.as_ref()?.text(&body);
        let r#type = event_type(&self.r#type.text(&body).ok_or(ParseError::Nameless("type"))?);
        let mut event = Event::new(delivery.id, SourceKind::Generic, connection.clone(), r#type);
        event.repository = text(&self.repository)
            .and_then(|path| RepoRef::new(connection, &path).ok())
            .map(|name| Repository { name, default_branch: None });
        event.actor =
            text(&self.actor).map(|login| Actor { id: login.clone(), login, kind: ActorKind::Human });
        let key = text(&self.work_item).filter(|key| is_key(key));
        event.work_item = key.as_ref().map(|key| WorkItem(format!("{connection}:{key}")));
        event.item = self.item(key, &body);
        event.time = self.time.as_ref().and_then(|place| time(&place.of(&body)?));
        event.semantic_key = text(&self.id)
            .map(|id| semantic_key(&["generic", connection.as_str(), &event.r#type.to_string(), &id]));
        self.identify(&mut event, delivery);
        Ok(event)
    }

    fn item(&self, key: Option<String>, body: &Value) -> Option<Item> {
        let text = |place: &Option<Place>| place.as_ref()?.text(body);
        let is_address = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        let item = Item {
            key: key.unwrap_or_default(),
            title: text(&self.title).map(Untrusted::new).unwrap_or_default(),
            body: text(&self.body).map(Untrusted::new).unwrap_or_default(),
            url: text(&self.url).filter(is_address),
            labels: self
                .labels
                .as_ref()
                .and_then(|place| place.of(body))
                .map(|given| labels(&given))
                .unwrap_or_default(),
            ..Item::default()
        };
        (item != Item::default()).then_some(item)
    }

    fn identify(&self, event: &mut Event, delivery: &Delivery) {
        let header = |name: &str| delivery.headers.get(&name.to_ascii_lowercase()).cloned();
        match &self.dedupe {
            Dedupe::Header(name) => {
                event.sender_id = header(name);
                // Without the header there is nothing better than the body.
                event.identity = if event.sender_id.is_some() { Identity::SenderId } else { Identity::Body };
            }
            Dedupe::Body => event.sender_id = header(standard_webhooks::ID),
            Dedupe::None => event.identity = Identity::None,
        }
    }
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

fn labels(given: &Value) -> Vec<Untrusted> {
    let given = Node::of(given);
    if let Some(one) = given.untrusted() {
        return vec![one];
    }
    let name = |label: Node<'_>| ["name", "title"].iter().find_map(|key| label.at(key).untrusted());
    given.items().filter_map(|label| label.untrusted().or_else(|| name(label))).collect()
}

fn time(given: &Value) -> Option<DateTime<Utc>> {
    /// The year 5138 in seconds, and 1973 in milliseconds.
    const MILLISECONDS_FROM: i64 = 100_000_000_000;
    match given.as_i64() {
        Some(seconds) if seconds < MILLISECONDS_FROM => DateTime::from_timestamp(seconds, 0),
        Some(milliseconds) => DateTime::from_timestamp_millis(milliseconds),
        None => Node::of(given).time(),
    }
}
