//! A GitLab body as an [`Event`].

use schemas::event::{Change, Comment, EventType, Item, Repository, SourceKind};
use schemas::{ConnectionName, Delivery, Event, Oid, RepoRef, Untrusted, WorkItem};

use crate::error::ParseError;
use crate::node::{self, Node};
use crate::tree::Tree;

use super::{EVENT, actor, changes, identity, types};

/// Lists that nothing is taken from: a push of many files is large by the first.
const UNREAD: &[&str] = &["builds"];

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let body = Tree::object(raw, UNREAD)?;
    let body = Node::of(&body);
    let kind = types::kind(body)?;
    let r#type = types::event_type(kind, body);
    let about = body.at("object_attributes");
    let mut event = Event::new(delivery.id, SourceKind::Gitlab, connection.clone(), r#type);
    event.repository = repository(connection, kind, body);
    event.actor = actor::actor(kind, body);
    let subject = subject(kind, body);
    event.item = subject.as_ref().and_then(|subject| item(subject, kind, body));
    let number = event.item.as_ref().map(|item| (item.is_pull_request, item.key.clone()));
    let number = number.or_else(|| pipeline_number(kind, body).map(|number| (true, number)));
    event.work_item = event.repository.as_ref().zip(number).map(|(repository, (is_pull_request, number))| {
        let sign = if is_pull_request { '!' } else { '#' };
        WorkItem(format!("{}:{}{sign}{number}", repository.name.connection, repository.name.path))
    });
    event.change = change(kind, subject.as_ref(), body);
    event.comment = comment(kind, &event.r#type, about);
    event.conclusion = match kind {
        "pipeline" => types::conclusion(about.at("status")),
        "build" => types::conclusion(body.at("build_status")),
        _ => None,
    }
    .map(str::to_owned);
    event.confidential = is_confidential(delivery, body);
    label(&mut event, body);
    identity::identify(&mut event, delivery, kind, body);
    Ok(event)
}

/// What a hook is about, or what a note is about.
enum Subject<'a> {
    Issue(Node<'a>),
    MergeRequest(Node<'a>),
}

fn subject<'a>(kind: &str, body: Node<'a>) -> Option<Subject<'a>> {
    let place = |path: &str| Some(body.at(path)).filter(|place| place.is_object());
    match kind {
        "issue" | "work_item" => place("object_attributes").map(Subject::Issue),
        "merge_request" => place("object_attributes").map(Subject::MergeRequest),
        "note" => place("merge_request")
            .map(Subject::MergeRequest)
            .or_else(|| place("issue").or_else(|| place("work_item")).map(Subject::Issue)),
        _ => None,
    }
}

fn repository(connection: &ConnectionName, kind: &str, body: Node<'_>) -> Option<Repository> {
    let project = body.at("project");
    let path = project.at("path_with_namespace").text().or_else(|| {
        // Before 15.9 a job names its project by its address alone.
        let homepage = body.at("repository.homepage").text().filter(|_| kind == "build")?;
        homepage.split("://").nth(1)?.split_once('/').map(|(_, path)| path.to_owned())
    })?;
    let name = RepoRef::new(connection, &path).ok()?;
    Some(Repository { name, default_branch: project.at("default_branch").text() })
}

fn item(subject: &Subject<'_>, kind: &str, body: Node<'_>) -> Option<Item> {
    let (given, is_pull_request) = match subject {
        Subject::Issue(given) => (*given, false),
        Subject::MergeRequest(given) => (*given, true),
    };
    let text = |name: &str| given.at(name).untrusted().unwrap_or_default();
    // The title of a list of labels: beside the object in its own hooks, in it elsewhere.
    let labels =
        if kind == "note" || !body.at("labels").is_there() { given.at("labels") } else { body.at("labels") };
    let url = given.at("url").text().or_else(|| {
        let note = body.at("object_attributes.url").text().filter(|_| kind == "note")?;
        note.split_once("#note_").map(|(parent, _)| parent.to_owned())
    });
    // An author is an id, without a name unless it was him.
    let author = given.at("author_id").id().filter(|author| Some(author) == body.at("user.id").id().as_ref());
    Some(Item {
        key: given.at("iid").number()?.to_string(),
        title: text("title"),
        body: text("description"),
        url,
        labels: labels.items().filter_map(|label| label.at("title").untrusted()).collect(),
        author: author.and_then(|_| body.at("user.username").text()),
        is_pull_request,
        draft: [given.at("draft"), given.at("work_in_progress")].iter().any(|flag| flag.flag() == Some(true)),
    })
}

/// The merge request of a pipeline that ran for one of this project.
fn pipeline_number(kind: &str, body: Node<'_>) -> Option<String> {
    let merge_request = Some(body.at("merge_request")).filter(|_| kind == "pipeline")?;
    let target = merge_request.at("target_project_id").id()?;
    let number = merge_request.at("iid").number()?;
    (body.at("project.id").id()? == target).then(|| number.to_string())
}

/// A source project that is gone has neither id nor path: nobody's own.
fn is_fork(merge_request: Node<'_>) -> bool {
    let differ = |source: Option<String>, target: Option<String>| source.map(|source| Some(source) != target);
    let at = |path: &str| merge_request.at(path);
    differ(at("source_project_id").id(), at("target_project_id").id())
        .or_else(|| differ(at("source.path_with_namespace").text(), at("target.path_with_namespace").text()))
        .unwrap_or(true)
}

fn oid(place: Node<'_>) -> Option<Oid> {
    place.text()?.parse().ok()
}

/// The message of the commit that a ref was pushed to: of its up to twenty commits the last.
fn newest_message(body: Node<'_>) -> Option<Untrusted> {
    let after = body.at("after").text()?;
    let newest =
        body.at("commits").items().rev().find(|commit| commit.at("id").text().as_ref() == Some(&after))?;
    newest.at("message").untrusted()
}

fn change(kind: &str, subject: Option<&Subject<'_>>, body: Node<'_>) -> Option<Change> {
    if let Some(Subject::MergeRequest(given)) = subject {
        return Some(Change {
            head_ref: given.at("source_branch").untrusted(),
            head: oid(given.at("last_commit.id")),
            base_ref: given.at("target_branch").untrusted(),
            base: None,
            fork: is_fork(*given),
            message: None,
        });
    }
    let about = body.at("object_attributes");
    let tag = |name: Node<'_>| name.text().map(|name| Untrusted::new(format!("refs/tags/{name}")));
    match kind {
        "push" | "tag_push" => Some(Change {
            base_ref: body.at("ref").untrusted(),
            head: oid(body.at("after")),
            base: oid(body.at("before")),
            message: newest_message(body),
            ..Change::default()
        }),
        "pipeline" => {
            let merge_request = body.at("merge_request");
            let is_tag = about.at("tag").flag() == Some(true);
            let of_ref = if is_tag { tag(about.at("ref")) } else { about.at("ref").untrusted() };
            Some(Change {
                head_ref: merge_request.at("source_branch").untrusted().or(of_ref),
                head: oid(about.at("sha")),
                base_ref: merge_request.at("target_branch").untrusted(),
                base: None,
                fork: merge_request.is_object() && is_fork(merge_request),
                message: None,
            })
        }
        "build" => Some(Change {
            head_ref: body.at("ref").untrusted(),
            head: oid(body.at("sha")),
            ..Change::default()
        }),
        "release" => Some(Change {
            base_ref: tag(body.at("tag")),
            head: oid(body.at("commit.id")),
            ..Change::default()
        }),
        "note" => body
            .at("commit")
            .is_object()
            .then(|| Change { head: oid(body.at("commit.id")), ..Change::default() }),
        _ => None,
    }
}

fn comment(kind: &str, r#type: &EventType, about: Node<'_>) -> Option<Comment> {
    if *r#type == EventType::ReviewSubmitted {
        // An approval is no note: it has no id and no words.
        return Some(Comment { state: Some("approved".to_owned()), ..Comment::default() });
    }
    if kind != "note" {
        return None;
    }
    let position = about.at("position");
    // A line that was removed has a place in the old file only.
    let side =
        if position.at("new_line").is_there() { ["new_path", "new_line"] } else { ["old_path", "old_line"] };
    let [path, line] = side.map(|name| position.at(name));
    Some(Comment {
        id: about.at("id").id().filter(|id| node::is_word(id))?,
        body: about.at("note").untrusted().unwrap_or_default(),
        url: about.at("url").text(),
        state: None,
        path: path.untrusted().or_else(|| position.at("new_path").untrusted()),
        line: line.number(),
    })
}

/// Older versions say it in the event header alone. Nobody signed that, but it can only be stricter.
fn is_confidential(delivery: &Delivery, body: Node<'_>) -> bool {
    let flags = ["object_attributes.confidential", "object_attributes.internal", "issue.confidential"];
    flags.iter().any(|path| body.at(path).flag() == Some(true))
        || body.at("event_type").word().is_some_and(|event| event.starts_with("confidential_"))
        || delivery.headers.get(EVENT).is_some_and(|event| event.starts_with("Confidential "))
}

/// Labels that were added or removed. Closing and reopening repeat labels that were there before.
fn label(event: &mut Event, body: Node<'_>) {
    if !matches!(body.at("object_attributes.action").word(), Some("open" | "update")) {
        return;
    }
    let labels = changes::difference(body, "labels");
    let title = |label: &Node<'_>| label.at("title").untrusted();
    event.added_labels = labels.added.iter().filter_map(title).collect();
    event.label = event.added_labels.first().cloned();
    if event.r#type == EventType::IssueUnlabeled {
        event.label = labels.removed.iter().find_map(title);
    }
}
