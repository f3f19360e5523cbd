//! The objects inside Gitea's bodies: item, comment, commits, accounts.

use schemas::event::{Actor, ActorKind, Change, Comment, Item, Repository};
use schemas::{ConnectionName, RepoRef, Untrusted};

use crate::node::Node;

use super::shape::Family;

pub(super) fn repository(connection: &ConnectionName, given: Node<'_>) -> Option<Repository> {
    let name = RepoRef::new(connection, &given.at("full_name").text()?).ok()?;
    Some(Repository { name, default_branch: given.at("default_branch").text() })
}

/// Built-in accounts have ids below 1: the ghost -1, the one that runs workflows -2.
pub(super) fn actor(sender: Node<'_>) -> Option<Actor> {
    let (id, login) = (sender.at("id").id()?, login(sender)?);
    let built_in = id.parse::<i64>().is_ok_and(|id| id < 1);
    let kind = if built_in { ActorKind::System } else { ActorKind::Human };
    Some(Actor { id, login, kind })
}

fn login(account: Node<'_>) -> Option<String> {
    account.at("login").text().or_else(|| account.at("username").text())
}

pub(super) fn item(family: Family, body: Node<'_>) -> Option<Item> {
    let pull = body.at("pull_request");
    let of_pull = pull.is_object();
    let given = if of_pull { pull } else { body.at("issue") };
    let title = given.at("title").untrusted().unwrap_or_default();
    Some(Item {
        key: given.at("number").number()?.to_string(),
        draft: given.at("draft").flag().unwrap_or(false) || (of_pull && is_work_in_progress(title.expose())),
        title,
        body: given.at("body").untrusted().unwrap_or_default(),
        url: given.at("html_url").text().or_else(|| given.at("url").text()),
        labels: names(given.at("labels")),
        author: login(given.at("user")),
        is_pull_request: of_pull
            || given.at("pull_request").is_object()
            || (family == Family::Comment && body.at("is_pull").flag() == Some(true)),
    })
}

/// The names of a list of labels.
pub(super) fn names(labels: Node<'_>) -> Vec<Untrusted> {
    labels.items().filter_map(|label| label.at("name").untrusted()).collect()
}

/// Gitea's draft is a title with such a beginning (`WORK_IN_PROGRESS_PREFIXES` in `app.ini`).
pub(super) fn is_work_in_progress(title: &str) -> bool {
    let starts = |prefix: &str| title.get(..prefix.len()).is_some_and(|is| is.eq_ignore_ascii_case(prefix));
    starts("WIP:") || starts("[WIP]")
}

pub(super) fn comment(family: Family, body: Node<'_>) -> Option<Comment> {
    if family == Family::Review {
        let review = body.at("review");
        let kind = review.at("type").text()?;
        let verdict = |word: &str| kind.ends_with(word);
        let state = if verdict("approved") {
            "approved"
        } else if verdict("rejected") {
            "changes_requested"
        } else {
            "commented"
        };
        return Some(Comment {
            // Reviews come without their id.
            id: String::new(),
            body: review.at("content").untrusted().unwrap_or_default(),
            state: Some(state.to_owned()),
            ..Comment::default()
        });
    }
    let given = body.at("comment");
    Some(Comment {
        id: given.at("id").id()?,
        body: given.at("body").untrusted().unwrap_or_default(),
        url: given.at("html_url").text(),
        path: given.at("path").untrusted(),
        line: given.at("line").number(),
        state: None,
    })
}

pub(super) fn change(family: Family, body: Node<'_>) -> Option<Change> {
    let oid = |at: Node<'_>| at.text().and_then(|sha| sha.parse().ok());
    match family {
        Family::PullRequest | Family::Review => {
            let (head, base) = (body.at("pull_request.head"), body.at("pull_request.base"));
            head.is_object().then(|| Change {
                head_ref: head.at("ref").untrusted(),
                head: oid(head.at("sha")),
                base_ref: base.at("ref").untrusted(),
                base: oid(base.at("sha")),
                fork: !same_repository(head.at("repo"), base.at("repo")),
                message: None,
            })
        }
        Family::WorkflowRun => {
            let run = body.at("workflow_run");
            let here =
                if run.at("repository").is_object() { run.at("repository") } else { body.at("repository") };
            Some(Change {
                head_ref: run.at("head_branch").untrusted(),
                head: oid(run.at("head_sha")),
                fork: !same_repository(run.at("head_repository"), here),
                ..Change::default()
            })
        }
        Family::ActionRun => Some(Change {
            head_ref: body.at("run.prettyref").untrusted(),
            head: oid(body.at("run.commit_sha")),
            fork: body.at("run.is_fork_pull_request").flag() != Some(false),
            ..Change::default()
        }),
        Family::Release => {
            let tag = body.at("release.tag_name").text()?;
            let base_ref = Some(Untrusted::new(format!("refs/tags/{tag}")));
            Some(Change { base_ref, ..Change::default() })
        }
        Family::Push => Some(Change {
            base_ref: body.at("ref").untrusted(),
            head: oid(body.at("after")),
            base: oid(body.at("before")),
            message: body.at("head_commit.message").untrusted(),
            ..Change::default()
        }),
        Family::Issue | Family::Comment | Family::Other => None,
    }
}

/// A repository that is gone or unnamed is nobody's own.
fn same_repository(one: Node<'_>, other: Node<'_>) -> bool {
    let name = |repository: Node<'_>| repository.at("full_name").text();
    matches!((name(one), name(other)), (Some(one), Some(other)) if one.eq_ignore_ascii_case(&other))
}
