//! When it happened, and what tells it apart from every other happening.

use chrono::DateTime;
use schemas::event::EventType;
use schemas::{Delivery, Event};

use crate::naming::{host_of, semantic_key};
use crate::node::Node;

use super::IDENTIFIER;

pub(super) fn identify(event: &mut Event, delivery: &Delivery, body: Node<'_>) {
    event.sender_id = delivery.headers.get(IDENTIFIER).cloned();
    event.time = body.at("timestamp").integer().and_then(DateTime::from_timestamp_millis);
    event.semantic_key = key(event, body);
}

/// Two webhooks deliver one happening twice, and Data Center one comment by two events: of the two,
/// one lacks the issue and names the author only, so a comment is known by its own id alone.
fn key(event: &Event, body: Node<'_>) -> Option<String> {
    let (about, object) = match event.r#type {
        EventType::CommentCreated => (body.at("comment"), String::new()),
        EventType::CommentEdited => {
            (body.at("comment"), body.at("comment.updated").time()?.timestamp_millis().to_string())
        }
        EventType::Unmapped(_) => return None,
        // A group of changes has an id of its own.
        _ => match body.at("changelog.id").id() {
            Some(changes) => (body.at("issue"), changes),
            None => (body.at("issue"), event.time?.timestamp_millis().to_string()),
        },
    };
    let address = about.at("self").text()?;
    Some(semantic_key(&[host_of(&address)?, &event.r#type.to_string(), &about.at("id").id()?, &object]))
}
