//! A Jira body as an [`Event`].

use schemas::event::{Comment, EventType, Item, SourceKind};
use schemas::{ConnectionName, Delivery, Event, WorkItem};

use crate::error::ParseError;
use crate::node::{self, Node};
use crate::tree::Tree;

use super::{actor, changelog, identity, types};

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let body = Tree::object(raw, &[])?;
    let body = Node::of(&body);
    let r#type = types::event_type(body)?;
    let is_edit = r#type == EventType::CommentEdited;
    let mut event = Event::new(delivery.id, SourceKind::Jira, connection.clone(), r#type);
    let issue = body.at("issue");
    event.actor = actor::actor(body, is_edit);
    event.item = item(issue).or_else(|| item_of_comment(body));
    event.work_item = event.item.as_ref().map(|item| WorkItem(format!("{connection}:{}", item.key)));
    event.project = project(issue);
    event.comment = comment(body);
    event.confidential = is_confidential(body);
    if event.r#type == EventType::IssueTransitioned {
        event.status = changelog::status(body);
    }
    let (added, removed) = changelog::labels(body);
    let removed = removed.into_iter().next().filter(|_| event.r#type == EventType::IssueUnlabeled);
    event.label = removed.or_else(|| added.first().cloned());
    event.added_labels = added;
    identity::identify(&mut event, delivery, body);
    Ok(event)
}

/// `PAY-31`: the key of a project and a number.
fn key(issue: Node<'_>) -> Option<&str> {
    let key = issue.at("key").word()?;
    let (project, number) = key.rsplit_once('-')?;
    let project_ok = project.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let number_ok = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (!project.is_empty() && project_ok && number_ok).then_some(key)
}

fn project(issue: Node<'_>) -> Option<String> {
    let given = issue.at("fields.project.key").word();
    given.or_else(|| Some(key(issue)?.rsplit_once('-')?.0)).map(str::to_owned)
}

fn item(issue: Node<'_>) -> Option<Item> {
    let key = key(issue)?;
    let fields = issue.at("fields");
    let text = |name: &str| fields.at(name).untrusted().unwrap_or_default();
    Some(Item {
        key: key.to_owned(),
        title: text("summary"),
        body: text("description"),
        url: base_of(issue).map(|base| format!("{base}/browse/{key}")),
        labels: fields.at("labels").items().filter_map(Node::untrusted).collect(),
        author: actor::login(fields.at("reporter")).or_else(|| actor::login(fields.at("creator"))),
        is_pull_request: false,
        draft: false,
    })
}

/// Data Center sends a comment without its issue, whose id is in the comment's address alone; the
/// REST API takes an id wherever it takes a key.
fn item_of_comment(body: Node<'_>) -> Option<Item> {
    let address = body.at("comment.self").text()?;
    let id = address.split_once("/issue/")?.1.split('/').next()?.to_owned();
    let is_id = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| Item { key: id, ..Item::default() })
}

/// Where people reach Jira, from the address that the REST API has for something.
fn base_of(place: Node<'_>) -> Option<String> {
    let address = place.at("self").text()?;
    let (base, _) = address.split_once("/rest/")?;
    (base.starts_with("https://") || base.starts_with("http://")).then(|| base.to_owned())
}

fn comment(body: Node<'_>) -> Option<Comment> {
    let given = body.at("comment");
    let id = given.at("id").id().filter(|id| node::is_word(id))?;
    let issue = body.at("issue");
    let url = base_of(issue)
        .zip(key(issue))
        .map(|(base, key)| format!("{base}/browse/{key}?focusedCommentId={id}"));
    let body = given.at("body").untrusted().unwrap_or_default();
    Some(Comment { id, body, url, ..Comment::default() })
}

/// A comment for a role, a group or the team of a service desk; an issue with a security level.
fn is_confidential(body: Node<'_>) -> bool {
    body.at("comment.visibility").is_there()
        || body.at("comment.jsdPublic").flag() == Some(false)
        || body.at("issue.fields.security").is_there()
}
