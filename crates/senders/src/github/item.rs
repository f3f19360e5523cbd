//! The objects inside GitHub's bodies: item, comment, commits, accounts (docs.github.com, "Webhook
//! events and payloads").

use schemas::event::{Actor, ActorKind, Change, Comment, Item, Repository};
use schemas::{ConnectionName, Oid, RepoRef, Untrusted};

use crate::node::Node;

pub(super) fn repository(connection: &ConnectionName, given: Node<'_>) -> Option<Repository> {
    let name = RepoRef::new(connection, &given.at("full_name").text()?).ok()?;
    Some(Repository { name, default_branch: given.at("default_branch").text() })
}

pub(super) fn actor(sender: Node<'_>) -> Option<Actor> {
    let (id, login) = (sender.at("id").id()?, sender.at("login").text()?);
    let kind = match sender.at("type").word() {
        _ if login.ends_with("[bot]") => ActorKind::Bot,
        Some("Bot") => ActorKind::Bot,
        Some("User") | None => ActorKind::Human,
        // Organisations, mannequins and what comes later: not to be taken for a person.
        Some(_) => ActorKind::System,
    };
    Some(Actor { id, login, kind })
}

/// The pull request or issue that a body is about.
pub(super) fn subject(body: Node<'_>) -> Option<Node<'_>> {
    let places = [body.at("pull_request"), body.at("issue")];
    places.into_iter().find(|given| given.at("number").number().is_some())
}

pub(super) fn item(body: Node<'_>) -> Option<Item> {
    let given = subject(body)?;
    let text = |name: &str| given.at(name).untrusted().unwrap_or_default();
    // Of an issue `pull_request` holds addresses if it is one; of a pull request there is no such field.
    let is_pull_request = body.at("pull_request.number").number().is_some();
    Some(Item {
        key: given.at("number").number()?.to_string(),
        title: text("title"),
        body: text("body"),
        url: given.at("html_url").text(),
        // Absent on `pinned` and `unpinned`.
        labels: given.at("labels").items().filter_map(|label| label.at("name").untrusted()).collect(),
        author: given.at("user.login").text(),
        is_pull_request: is_pull_request || given.at("pull_request").is_object(),
        draft: given.at("draft").flag().unwrap_or(false),
    })
}

/// A workflow run, or the check suite of a run or of another application.
pub(super) fn pipeline(body: Node<'_>) -> Node<'_> {
    let run = body.at("workflow_run");
    if run.is_object() { run } else { body.at("check_suite") }
}

/// The one pull request a pipeline belongs to; of several, none can be picked.
pub(super) fn pipeline_number(body: Node<'_>) -> Option<String> {
    let here = body.at("repository.id").id()?;
    // A fork's pipeline lists pull requests that were opened elsewhere.
    let is_here = |link: &Node<'_>| link.at("base.repo.id").id().as_ref() == Some(&here);
    let mut links = pipeline(body).at("pull_requests").items().filter(is_here);
    let number = links.next()?.at("number").number()?;
    links.next().is_none().then(|| number.to_string())
}

pub(super) fn comment(body: Node<'_>) -> Option<Comment> {
    let written = body.at("comment");
    let given = if written.is_object() { written } else { body.at("review") };
    Some(Comment {
        id: given.at("id").id()?,
        body: given.at("body").untrusted().unwrap_or_default(),
        url: given.at("html_url").text(),
        // Of a review only.
        state: given
            .at("state")
            .text()
            .filter(|_| !written.is_object())
            .map(|state| state.to_ascii_lowercase()),
        path: given.at("path").untrusted(),
        // Null or absent when outdated.
        line: given.at("line").number(),
    })
}

fn oid(at: Node<'_>) -> Option<Oid> {
    at.text()?.parse().ok()
}

pub(super) fn change(body: Node<'_>) -> Option<Change> {
    let here = body.at("repository.full_name").text();
    if body.at("pull_request.number").number().is_some() {
        let (head, base) = (body.at("pull_request.head"), body.at("pull_request.base"));
        let target = base.at("repo.full_name").text().or(here);
        return head.is_object().then(|| Change {
            head_ref: head.at("ref").untrusted(),
            head: oid(head.at("sha")),
            base_ref: base.at("ref").untrusted(),
            base: oid(base.at("sha")),
            // Its repository is null when the fork was deleted.
            fork: !same_repository(head.at("repo.full_name").text(), target),
            message: None,
        });
    }
    let run = pipeline(body);
    if run.is_object() {
        // A check suite names no head repository; its branch is null when the commit came from a fork.
        let own = if body.at("workflow_run").is_object() {
            same_repository(run.at("head_repository.full_name").text(), here)
        } else {
            run.at("head_branch").text().is_some()
        };
        return Some(Change {
            head_ref: run.at("head_branch").untrusted(),
            head: oid(run.at("head_sha")),
            fork: !own,
            ..Change::default()
        });
    }
    if body.at("release").is_object() {
        let tag = body.at("release.tag_name").text();
        let base_ref = tag.map(|tag| Untrusted::new(format!("refs/tags/{tag}")));
        return Some(Change { base_ref, ..Change::default() });
    }
    let (before, after) = (body.at("before"), body.at("after"));
    (before.text().is_some() && after.text().is_some()).then(|| Change {
        base_ref: body.at("ref").untrusted(),
        head: oid(after),
        base: oid(before),
        message: body.at("head_commit.message").untrusted(),
        ..Change::default()
    })
}

/// A repository that is gone or unnamed is nobody's own.
fn same_repository(one: Option<String>, other: Option<String>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one.eq_ignore_ascii_case(&other))
}
