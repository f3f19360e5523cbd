//! When it happened, and what tells it apart from every other happening.

use schemas::event::{EventType, Identity};
use schemas::{Delivery, Event, WorkItem};

use crate::naming::{host_of, semantic_key};
use crate::node::Node;
use crate::standard_webhooks;

use super::IDEMPOTENCY_KEY;

/// Fills in time and identity. A push has neither time nor key: pushing a commit, the one before
/// and the commit again are three pushes, and nothing in their bodies tells the first from the last.
pub(super) fn identify(event: &mut Event, delivery: &Delivery, kind: &str, body: Node<'_>) {
    let header = |name: &str| delivery.headers.get(name).cloned();
    // A signature that came with a delivery was verified: a webhook without a key refuses it.
    if delivery.headers.contains_key(standard_webhooks::SIGNATURE) {
        event.sender_id = header(standard_webhooks::ID);
        event.identity = Identity::SenderId;
    } else {
        event.sender_id = header(IDEMPOTENCY_KEY).or_else(|| header(standard_webhooks::ID));
    }
    let about = body.at("object_attributes");
    event.time = match kind {
        "issue" | "work_item" | "merge_request" | "note" => about.at("updated_at").time(),
        "pipeline" => about.at("finished_at").time(),
        "build" => body.at("build_finished_at").time(),
        "release" => body.at("created_at").time(),
        _ => None,
    };
    event.semantic_key = key(event, kind, body);
}

/// A project's hook, its group's and the system's deliver one happening each.
fn key(event: &Event, kind: &str, body: Node<'_>) -> Option<String> {
    if matches!(event.r#type, EventType::Unmapped(_)) {
        return None;
    }
    let about = body.at("object_attributes");
    let changes = body.at("changes");
    let action = about.at("action").word();
    let object = match (kind, action) {
        // An update that leaves `updated_at` alone could happen twice with equal bodies.
        ("issue" | "work_item" | "merge_request", Some("update")) if !changes.at("updated_at").is_there() => {
            return None;
        }
        ("issue" | "work_item" | "merge_request", Some("open" | "close" | "reopen" | "merge" | "update")) => {
            changes.json()
        }
        ("note" | "pipeline", _) => about.at("id").id(),
        ("release", _) => body.at("tag").text(),
        _ => return None,
    };
    let project = body.at("project.web_url").text()?;
    let repository = event.repository.as_ref()?;
    let about = event.work_item.as_ref().map_or(repository.name.path.as_str(), WorkItem::as_str);
    let actor = event.actor.as_ref().map_or("", |actor| actor.login.as_str());
    let time = event.time?.timestamp_micros().to_string();
    let parts =
        [host_of(&project)?, &event.r#type.to_string(), about, actor, &object.unwrap_or_default(), &time];
    Some(semantic_key(&parts))
}
