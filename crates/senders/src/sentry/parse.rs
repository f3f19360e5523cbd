//! A Sentry body as an [`Event`].

use chrono::{DateTime, Utc};
use schemas::event::{Actor, ActorKind, Comment, EventType, Item, SourceKind};
use schemas::{ConnectionName, Delivery, Event, Untrusted, WorkItem};

use crate::error::ParseError;
use crate::naming::{semantic_key, unmapped};
use crate::node::{self, Node};
use crate::tree::Tree;

use super::subject::{self, Subject};
use super::{RESOURCE, stack};

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let named = |r#type| Event::new(delivery.id, SourceKind::Sentry, connection.clone(), r#type);
    let component = || named(unmapped(SourceKind::Sentry, &[Some("component")]));
    let Some(resource) = delivery.headers.get(RESOURCE).map(String::as_str) else {
        if raw.is_empty() {
            return Ok(component());
        }
        let body = Tree::object(raw, &[])?;
        let body = Node::of(&body);
        if body.at("action").is_there() && body.at("data").is_there() {
            return Err(ParseError::MissingHeader(RESOURCE));
        }
        return Ok(Event { actor: actor(body.at("actor")), ..component() });
    };
    if !node::is_word(resource) {
        return Err(ParseError::MalformedHeader(RESOURCE));
    }
    let body = Tree::object(raw, &[])?;
    let body = Node::of(&body);
    let subject = subject::of(resource, body.at("data"))
        .map_err(|because| ParseError::Disagrees { event: resource.to_owned(), because })?;
    let action = body.at("action").word();
    let r#type = event_type(resource, action);
    let mut event = Event { actor: actor(body.at("actor")), ..named(r#type) };
    if let Some(subject) = subject {
        describe(&mut event, connection, &subject, action);
        event.semantic_key = key_of(&event, resource, action, &subject);
    }
    Ok(event)
}

/// The vocabulary's word for Sentry's resource and action.
fn event_type(resource: &str, action: Option<&str>) -> EventType {
    use EventType as T;
    match (resource, action) {
        ("event_alert", Some("triggered")) => T::AlertTriggered,
        // Newer servers say `open` where no threshold has a name.
        ("metric_alert", Some("critical" | "warning" | "open")) => T::AlertTriggered,
        ("metric_alert", Some("resolved")) => T::AlertResolved,
        ("error", Some("created")) => T::ErrorCreated,
        ("issue", Some("created")) => T::IssueOpened,
        ("issue", Some("resolved")) => T::IssueClosed,
        ("issue", Some("unresolved")) => T::IssueReopened,
        ("issue", Some("assigned")) => T::IssueAssigned,
        // Archiving is called `ignored` on the wire: neither open nor done.
        ("issue", Some("archived" | "ignored")) => T::IssueTransitioned,
        ("comment", Some("created")) => T::CommentCreated,
        ("comment", Some("updated")) => T::CommentEdited,
        (resource, action) => unmapped(SourceKind::Sentry, &[Some(resource), action]),
    }
}

fn describe(event: &mut Event, connection: &ConnectionName, subject: &Subject<'_>, action: Option<&str>) {
    let node = subject.node;
    event.project.clone_from(&subject.project);
    event.work_item = subject.id.as_deref().map(|id| work_item(connection, subject, id));
    event.level = stack::level_of(node);
    event.culprit = node.at("culprit").untrusted();
    event.environment = environment(node);
    let url = ["web_url", "permalink"].iter().find_map(|key| node.at(key).text());
    let item = Item { key: subject.id.clone().unwrap_or_default(), url, ..Item::default() };
    event.item = subject.id.is_some().then_some(item);
    match subject.key {
        "issue" => {
            event.status = node.at("status").untrusted();
            // A closed issue may be long unseen; only its first sighting is the time of an event.
            event.time = on(event.r#type == EventType::IssueOpened, node.at("firstSeen"));
            if let Some(item) = &mut event.item {
                (item.title, item.body) = (stack::title_of(node), stack::text_of(node));
            }
        }
        "metric_alert" => describe_alert(event, subject.data, action),
        "comment_id" => {
            event.level = None;
            event.time = on(event.r#type == EventType::CommentCreated, node.at("timestamp"));
            event.comment = node.at("comment_id").id().map(|id| Comment {
                id,
                body: node.at("comment").untrusted().unwrap_or_default(),
                ..Comment::default()
            });
        }
        _ => {
            event.time = node.at("datetime").time();
            // An alert about an event whose issue is not told is still to be read.
            let item = event.item.get_or_insert_with(Item::default);
            if item.key.is_empty() {
                item.key = node.at("event_id").id().unwrap_or_default();
            }
            item.url = node.at("web_url").text();
            (item.title, item.body) = (stack::title_of(node), stack::text_of(node));
        }
    }
}

/// A field of its own, or the tag that it is made of: a pair, or an object with `key` and `value`.
fn environment(node: Node<'_>) -> Option<String> {
    let tag = || {
        node.at("tags").items().find_map(|tag| {
            let pair: Vec<Node<'_>> = tag.items().collect();
            let (key, value) = match pair.as_slice() {
                [key, value] => (*key, *value),
                _ => (tag.at("key"), tag.at("value")),
            };
            (key.word() == Some("environment")).then(|| value.text()).flatten()
        })
    };
    node.at("environment").text().or_else(tag)
}

fn describe_alert(event: &mut Event, data: Node<'_>, action: Option<&str>) {
    let triggered = event.r#type == EventType::AlertTriggered;
    event.level = action.filter(|_| triggered).map(str::to_owned);
    event.status = action.map(Untrusted::from);
    event.time = on(!triggered, data.at("metric_alert.date_closed"));
    if let Some(item) = &mut event.item {
        let titles = ["description_title", "metric_alert.title", "metric_alert.alert_rule.name"];
        item.title = titles.iter().find_map(|key| data.at(key).untrusted()).unwrap_or_default();
        item.body = data.at("description_text").untrusted().unwrap_or_default();
        item.url = data.at("web_url").text();
    }
}

fn on(condition: bool, at: Node<'_>) -> Option<DateTime<Utc>> {
    if condition { at.time() } else { None }
}

/// `sentry:api/4711`. Ids of issues are unique in a whole Sentry, so one without a project is clear
/// too; metric alerts count for themselves.
fn work_item(connection: &ConnectionName, subject: &Subject<'_>, id: &str) -> WorkItem {
    WorkItem(match (subject.key, &subject.project) {
        ("metric_alert", _) => format!("{connection}:alert#{id}"),
        (_, Some(project)) => format!("{connection}:{project}/{id}"),
        (_, None) => format!("{connection}:{id}"),
    })
}

/// `application` is Sentry itself, or an integration; its id is a word, a person's a number.
fn actor(given: Node<'_>) -> Option<Actor> {
    let id = given.at("id").id()?;
    let login = given.at("name").text().unwrap_or_else(|| id.clone());
    let kind = match given.at("type").word() {
        Some("user") => ActorKind::Human,
        Some("application") => ActorKind::App,
        _ => ActorKind::System,
    };
    Some(Actor { id, login, kind })
}

/// Resource, action, and what tells two equal happenings apart: the event; the comment and its
/// text; the issue, its state and when it was last seen, so that breaking again is a new happening.
fn key_of(event: &Event, resource: &str, action: Option<&str>, subject: &Subject<'_>) -> Option<String> {
    let id = |key: &str| subject.node.at(key).id();
    let part = |key: &str| id(key).unwrap_or_default();
    let object = match subject.key {
        "event" | "error" => [id("event_id")?, String::new(), String::new()],
        "comment_id" => [id("comment_id")?, part("comment"), String::new()],
        "issue" if event.r#type == EventType::IssueOpened => [id("id")?, String::new(), String::new()],
        "issue" => [id("id")? + "/" + &part("assignedTo.id"), part("status"), part("lastSeen")],
        _ => [id("id")?, part("date_closed"), String::new()],
    };
    let about = event.work_item.as_ref().map_or(event.connection.as_str(), WorkItem::as_str);
    let [one, two, three] = &object;
    Some(semantic_key(&["sentry", resource, action?, about, one, two, three]))
}
