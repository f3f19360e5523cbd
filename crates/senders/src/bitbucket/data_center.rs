//! Bitbucket Data Center's bodies (confluence.atlassian.com, "Event payload").

use schemas::event::{Actor, ActorKind, Change, Comment, EventType, Item};

use crate::naming::host_of;
use crate::node::Node;

use super::parse::{Because, Said, oid, shape};

/// How its event keys begin, where Cloud's do not.
pub(super) const KEYS: &[&str] =
    &["pr:", "repo:refs_changed", "repo:comment:", "repo:modified", "repo:forked", "mirror:", "diagnostics:"];

pub(super) fn read(key: &str, body: Node<'_>) -> Result<Said, Because> {
    check(key, body)?;
    let pull = body.at("pullRequest");
    let target = if pull.is_object() { pull.at("toRef.repository") } else { body.at("repository") };
    let actor = actor(body.at("actor"));
    let r#type = event_type(key, body);
    let part = |path: &str| body.at(path).id().unwrap_or_default();
    let (comment, object) = match &r#type {
        Some(EventType::CommentCreated | EventType::CommentEdited | EventType::ReviewCommentCreated) => {
            (comment(body.at("comment")), part("comment.id") + "/" + &part("comment.version"))
        }
        Some(EventType::ReviewSubmitted) => {
            let state = if key == "pr:reviewer:approved" { "approved" } else { "changes_requested" };
            (Some(Comment { state: Some(state.to_owned()), ..Comment::default() }), state.to_owned())
        }
        Some(EventType::Push) => {
            let change = newest_change(body);
            let end = |end: &str| change.at(end).text().unwrap_or_default();
            (None, format!("{} {} {}", end("fromHash"), end("toHash"), end("refId")))
        }
        Some(_) => (None, part("pullRequest.version") + "/" + &part("pullRequest.fromRef.latestCommit")),
        None => (None, String::new()),
    };
    let link = link(if pull.is_object() { pull } else { target });
    Ok(Said {
        r#type,
        time: body.at("date").time_or_millis(),
        repository: full_name(target),
        host: link.as_deref().and_then(host_of).map(str::to_owned),
        actor,
        item: item(pull),
        comment,
        change: change(body),
        object,
        ..Said::default()
    })
}

fn event_type(key: &str, body: Node<'_>) -> Option<EventType> {
    use EventType as T;
    Some(match key {
        "repo:refs_changed" => T::Push,
        "pr:opened" => T::PullRequestOpened,
        "pr:from_ref_updated" => T::PullRequestUpdated,
        "pr:modified" if became_ready(body) => T::PullRequestReady,
        "pr:merged" => T::PullRequestMerged,
        "pr:declined" => T::PullRequestClosed,
        "pr:reviewer:approved" | "pr:reviewer:needs_work" | "pr:reviewer:changes_requested" => {
            T::ReviewSubmitted
        }
        "pr:reviewer:updated" if body.at("addedReviewers").items().len() > 0 => T::PullRequestReviewRequested,
        "pr:comment:added" if place_of(body.at("comment")).is_some() => T::ReviewCommentCreated,
        "pr:comment:added" => T::CommentCreated,
        "pr:comment:edited" => T::CommentEdited,
        _ => return None,
    })
}

fn became_ready(body: Node<'_>) -> bool {
    body.at("previousDraft").flag() == Some(true) && body.at("pullRequest.draft").flag() == Some(false)
}

/// The body names its event, and it is signed; versions before that field have its shape only.
fn check(key: &str, body: Node<'_>) -> Result<(), Because> {
    let named = body.at("eventKey");
    if named.is_there() && named.text().as_deref() != Some(key) {
        return Err("names another event");
    }
    match key {
        "repo:refs_changed" => shape(body, &["changes", "repository"], &["pullRequest", "comment"]),
        "pr:opened" | "pr:from_ref_updated" | "pr:modified" | "pr:merged" | "pr:declined" => {
            shape(body, &["pullRequest.id"], &["comment", "participant", "addedReviewers"])
        }
        "pr:reviewer:approved" | "pr:reviewer:needs_work" | "pr:reviewer:changes_requested" => {
            shape(body, &["pullRequest.id", "participant"], &["comment"])
        }
        "pr:comment:added" => {
            shape(body, &["pullRequest.id", "comment.id"], &["previousComment", "participant"])
        }
        "pr:comment:edited" => shape(body, &["pullRequest.id", "comment.id"], &["participant"]),
        _ => Ok(()),
    }
}

fn actor(given: Node<'_>) -> Option<Actor> {
    let (id, login) = (given.at("id").id()?, given.at("name").text()?);
    let kind = match given.at("type").word() {
        Some("NORMAL") | None => ActorKind::Human,
        Some("SERVICE") => ActorKind::Bot,
        Some(_) => ActorKind::System,
    };
    Some(Actor { id, login, kind })
}

/// `PRJ/api`; a person's own project is `~name`.
fn full_name(repository: Node<'_>) -> Option<String> {
    Some(format!("{}/{}", repository.at("project.key").text()?, repository.at("slug").text()?))
}

fn link(at: Node<'_>) -> Option<String> {
    at.at("links.self").items().next()?.at("href").text()
}

fn item(pull: Node<'_>) -> Option<Item> {
    Some(Item {
        key: pull.at("id").number()?.to_string(),
        title: pull.at("title").untrusted().unwrap_or_default(),
        body: pull.at("description").untrusted().unwrap_or_default(),
        url: link(pull),
        labels: Vec::new(),
        author: pull.at("author.user.name").text(),
        is_pull_request: true,
        draft: pull.at("draft").flag().unwrap_or(false),
    })
}

/// Where a comment on a file is anchored.
fn place_of(comment: Node<'_>) -> Option<Node<'_>> {
    let places = [comment.at("anchor"), comment.at("commentAnchor")];
    places.into_iter().find(|place| place.at("path").text().is_some())
}

fn comment(given: Node<'_>) -> Option<Comment> {
    let place = place_of(given);
    Some(Comment {
        id: given.at("id").id()?,
        body: given.at("text").untrusted().unwrap_or_default(),
        url: None,
        state: None,
        path: place.and_then(|place| place.at("path").untrusted()),
        line: place.and_then(|place| place.at("line").number()),
    })
}

/// A push may move several refs; the last that still exists stands for it.
fn newest_change(body: Node<'_>) -> Node<'_> {
    let alive = |change: &Node<'_>| change.at("type").word() != Some("DELETE");
    let changes = || body.at("changes").items().rev();
    changes().find(alive).or_else(|| changes().next()).unwrap_or(body.at("changes"))
}

fn change(body: Node<'_>) -> Option<Change> {
    let pull = body.at("pullRequest");
    if pull.is_object() {
        let (from, to) = (pull.at("fromRef"), pull.at("toRef"));
        let id = |end: Node<'_>| end.at("repository.id").id();
        let own = matches!((id(from), id(to)), (Some(one), Some(other)) if one == other);
        let branch = |end: Node<'_>| end.at("displayId").untrusted();
        return Some(Change {
            head_ref: branch(from),
            head: oid(from.at("latestCommit")),
            base_ref: branch(to),
            base: oid(to.at("latestCommit")),
            fork: !own,
            message: None,
        });
    }
    let change = newest_change(body);
    change.at("refId").is_there().then(|| Change {
        base_ref: change.at("refId").untrusted(),
        head: oid(change.at("toHash")),
        base: oid(change.at("fromHash")),
        ..Change::default()
    })
}
