//! A GitHub body as an [`Event`].

use schemas::event::{EventType, SourceKind};
use schemas::{ConnectionName, Delivery, Event, WorkItem};

use crate::content::{self, BodyFormat};
use crate::error::ParseError;
use crate::node::Node;
use crate::tree::Tree;

use super::{DELIVERY, EVENT, identity, item, shape, types};

/// What a push of many commits is large by; nothing is taken from it.
const UNREAD: &[&str] = &["commits"];

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let header = |name: &str| delivery.headers.get(name).map(String::as_str);
    let name = header(EVENT).ok_or(ParseError::MissingHeader(EVENT))?;
    if !types::is_slug(name) {
        return Err(ParseError::MalformedHeader(EVENT));
    }
    let format = header("content-type").map_or(Ok(BodyFormat::Json), BodyFormat::from_content_type);
    let format = format.map_err(|_| ParseError::MalformedHeader("content-type"))?;
    let json = content::json_of(format, raw)?;
    let body = Tree::object(&json, UNREAD)?;
    let body = Node::of(&body);
    shape::check(name, body)?;

    let mut event =
        Event::new(delivery.id, SourceKind::Github, connection.clone(), types::event_type(name, body));
    event.time = identity::time_of(&event.r#type, body);
    event.repository = item::repository(connection, body.at("repository"));
    event.actor = item::actor(body.at("sender"));
    event.item = item::item(body);
    let number = event.item.as_ref().map(|item| item.key.clone()).or_else(|| item::pipeline_number(body));
    event.work_item = event.repository.as_ref().zip(number).map(|(repository, number)| {
        WorkItem(format!("{}:{}#{number}", repository.name.connection, repository.name.path))
    });
    label(&mut event, body);
    event.comment = item::comment(body);
    event.change = item::change(body);
    event.conclusion = item::pipeline(body).at("conclusion").text();
    if event.r#type == EventType::DispatchReceived {
        event.dispatch = body.at("action").untrusted();
    }
    event.sender_id = header(DELIVERY).map(str::to_owned);
    event.semantic_key = identity::semantic_key(&event, body);
    Ok(event)
}

/// The label of `labeled` and `unlabeled`; elsewhere `label` is what was edited or made.
fn label(event: &mut Event, body: Node<'_>) {
    let is_about_a_label = matches!(body.at("action").word(), Some("labeled" | "unlabeled"));
    event.label = body.at("label.name").untrusted().filter(|_| is_about_a_label);
    if matches!(event.r#type, EventType::IssueLabeled | EventType::PullRequestLabeled) {
        event.added_labels = event.label.iter().cloned().collect();
    }
}
