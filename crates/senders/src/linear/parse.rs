//! A Linear body as an [`Event`].
//!
//! An update says in `updatedFrom` what was there before; what is there now is in `data`. One
//! delivery may hold several changes: the one that people use to start something comes first.

use std::collections::BTreeSet;

use schemas::event::{Actor, ActorKind, Comment, EventType, Item, SourceKind};
use schemas::{ConnectionName, Delivery, Event, Untrusted, WorkItem};

use crate::error::ParseError;
use crate::naming::{semantic_key, unmapped};
use crate::node::{Node, is_word};
use crate::tree::Tree;

use super::DELIVERY;

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let body = Tree::object(raw, &[])?;
    let body = Node::of(&body);
    let kind = body.at("type").word().ok_or(ParseError::Nameless("type"))?;
    let action = body.at("action").word();
    let data = body.at("data");
    let r#type = event_type(kind, action, body);

    let mut event = Event::new(delivery.id, SourceKind::Linear, connection.clone(), r#type);
    let mapped = !matches!(event.r#type, EventType::Unmapped(_));
    if mapped {
        event.time = body.at("createdAt").time().or_else(|| data.at("updatedAt").time());
    }
    let issue = match kind {
        "Issue" => data,
        "Comment" => data.at("issue"),
        _ => body.at("nothing"),
    };
    let key = match kind {
        "Issue" | "Comment" => key_of_issue(issue, body),
        _ => None,
    };
    event.project = issue.at("team.key").word().map(str::to_owned).or_else(|| {
        let (team, _) = key.as_deref()?.rsplit_once('-')?;
        Some(team.to_owned())
    });
    event.work_item = key.as_ref().map(|key| WorkItem(format!("{connection}:{key}")));
    event.item = key.map(|key| item(key, kind, issue, body));
    event.actor = actor(body, kind);
    match event.r#type {
        EventType::IssueLabeled => {
            event.added_labels = added(body).filter_map(|label| label.at("name").untrusted()).collect();
            event.label = event.added_labels.first().cloned();
        }
        EventType::IssueClosed | EventType::IssueReopened | EventType::IssueTransitioned => {
            event.status = data.at("state.name").untrusted();
        }
        EventType::CommentCreated | EventType::CommentEdited => {
            event.comment = data.at("id").id().map(|id| Comment {
                id,
                body: data.at("body").untrusted().unwrap_or_default(),
                url: body.at("url").text(),
                ..Comment::default()
            });
        }
        _ => {}
    }
    event.sender_id = delivery.headers.get(DELIVERY).cloned();
    if mapped {
        event.semantic_key = key_of(&event, data);
    }
    Ok(event)
}

/// The vocabulary's word for Linear's type and action.
fn event_type(kind: &str, action: Option<&str>, body: Node<'_>) -> EventType {
    use EventType as T;
    let known = match (kind, action) {
        ("Issue", Some("create")) => Some(T::IssueOpened),
        ("Issue", Some("update")) => issue_change(body),
        ("Comment", Some("create")) => Some(T::CommentCreated),
        ("Comment", Some("update")) => Some(T::CommentEdited),
        _ => None,
    };
    known.unwrap_or_else(|| unmapped(SourceKind::Linear, &[Some(kind), action]))
}

fn issue_change(body: Node<'_>) -> Option<EventType> {
    use EventType as T;
    let (data, before) = (body.at("data"), body.at("updatedFrom"));
    // Null before is a value too: nobody had it assigned.
    let changed = |key: &str| before.has(key);
    if added_any(body) {
        return Some(T::IssueLabeled);
    }
    if changed("stateId") {
        let done = matches!(data.at("state.type").word(), Some("completed" | "canceled" | "duplicate"));
        let was_done = before.at("completedAt").is_there() || before.at("canceledAt").is_there();
        return Some(match (was_done, done) {
            (false, true) => T::IssueClosed,
            (true, false) => T::IssueReopened,
            _ => T::IssueTransitioned,
        });
    }
    if removed_any(body) {
        return Some(T::IssueUnlabeled);
    }
    if changed("assigneeId") && (data.at("assigneeId").is_there() || data.at("assignee").is_there()) {
        return Some(T::IssueAssigned);
    }
    (changed("title") || changed("description")).then_some(T::IssueEdited)
}

/// The labels that an update added; none when it did not touch labels, or does not tell which
/// there were.
fn added(body: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let old = ids(body.at("updatedFrom.labelIds"));
    let is_new = move |label: &Node<'_>| {
        old.as_ref().zip(label.at("id").id()).is_some_and(|(old, id)| !old.contains(&id))
    };
    body.at("data.labels").items().filter(is_new)
}

/// Whether an update added a label, be it named or not.
fn added_any(body: Node<'_>) -> bool {
    let (old, new) = (ids(body.at("updatedFrom.labelIds")), ids(body.at("data.labelIds")));
    added(body).next().is_some() || old.zip(new).is_some_and(|(old, new)| !new.is_subset(&old))
}

fn removed_any(body: Node<'_>) -> bool {
    let (old, new) = (ids(body.at("updatedFrom.labelIds")), ids(body.at("data.labelIds")));
    old.zip(new).is_some_and(|(old, new)| !old.is_subset(&new))
}

fn ids(list: Node<'_>) -> Option<BTreeSet<String>> {
    list.list()?.map(Node::id).collect()
}

/// `ENG-12`: a field of an issue; of a comment's issue perhaps only in the address.
fn key_of_issue(issue: Node<'_>, body: Node<'_>) -> Option<String> {
    let is_key = |key: &&str| {
        key.rsplit_once('-').is_some_and(|(team, number)| {
            is_word(team) && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    if let Some(key) = issue.at("identifier").word().filter(is_key) {
        return Some(key.to_owned());
    }
    let url = body.at("url").text()?;
    let mut parts = url.split(['?', '#']).next()?.split('/');
    parts.by_ref().find(|part| *part == "issue")?;
    parts.next().filter(is_key).map(str::to_owned)
}

fn item(key: String, kind: &str, issue: Node<'_>, body: Node<'_>) -> Item {
    let url = issue.at("url").text().or_else(|| if kind == "Issue" { body.at("url").text() } else { None });
    Item {
        key,
        title: issue.at("title").untrusted().unwrap_or_default(),
        body: issue.at("description").untrusted().unwrap_or_default(),
        url,
        labels: issue.at("labels").items().filter_map(|label| label.at("name").untrusted()).collect(),
        author: issue.at("creator.name").text(),
        ..Item::default()
    }
}

/// Who did it; bodies of older versions name only who wrote a comment.
fn actor(body: Node<'_>, kind: &str) -> Option<Actor> {
    let (given, data) = (body.at("actor"), body.at("data"));
    if let Some(id) = given.at("id").id() {
        let login = given.at("name").text().unwrap_or_else(|| id.clone());
        let kind = match given.at("type").word().map(str::to_ascii_lowercase).as_deref() {
            Some("user") => ActorKind::Human,
            Some("oauthclient" | "oauth_client" | "integration") => ActorKind::App,
            _ => ActorKind::System,
        };
        return Some(Actor { id, login, kind });
    }
    let wrote = kind == "Comment" && body.at("action").word() == Some("create");
    let id = data.at("user.id").id().or_else(|| data.at("userId").id()).filter(|_| wrote)?;
    let login = data.at("user.name").text().unwrap_or_else(|| id.clone());
    // A comment of an integration has its bot beside the account it acts for.
    let kind = if data.at("botActor").is_there() { ActorKind::App } else { ActorKind::Human };
    Some(Actor { id, login, kind })
}

/// Linear's ids are unique in the world; the time tells one change of an object from the next.
fn key_of(event: &Event, data: Node<'_>) -> Option<String> {
    let id = data.at("id").id()?;
    let once = matches!(event.r#type, EventType::IssueOpened | EventType::CommentCreated);
    let time = data.at("updatedAt").time().or(event.time).filter(|_| !once);
    if time.is_none() && !once {
        return None;
    }
    let time = time.map(|time| time.timestamp_millis().to_string()).unwrap_or_default();
    let labels: Vec<&str> = event.added_labels.iter().map(Untrusted::expose).collect();
    Some(semantic_key(&["linear", &event.r#type.to_string(), &id, &time, &labels.join("\n")]))
}
