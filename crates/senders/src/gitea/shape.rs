//! Whether the event header, which nobody signed, fits the body, which somebody did.
//!
//! Gitea has two names for most events: what kind of webhook was asked for, and GitHub's word for
//! it. Old versions put the one where new ones put the other, so both are understood.

use crate::node::Node;

/// What an event is about, by the names that a header may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Issue,
    PullRequest,
    Comment,
    Review,
    Push,
    Release,
    /// Gitea's workflow runs.
    WorkflowRun,
    /// Forgejo's action runs: the outcome is in the name.
    ActionRun,
    Other,
}

pub(super) fn family(name: &str, body: Node<'_>) -> Family {
    match name {
        "issues" | "issue_assign" | "issue_label" | "issue_milestone" => Family::Issue,
        "pull_request"
        | "pull_request_assign"
        | "pull_request_label"
        | "pull_request_milestone"
        | "pull_request_sync"
        | "pull_request_review_request" => Family::PullRequest,
        "issue_comment" => Family::Comment,
        // One name: a comment on a pull request as a kind of webhook, a review that only comments
        // as an event.
        "pull_request_comment" if body.at("comment").is_there() => Family::Comment,
        "pull_request_comment"
        | "pull_request_approved"
        | "pull_request_rejected"
        | "pull_request_review"
        | "pull_request_review_approved"
        | "pull_request_review_rejected"
        | "pull_request_review_comment" => Family::Review,
        "push" => Family::Push,
        "release" => Family::Release,
        "workflow_run" => Family::WorkflowRun,
        "action_run_success" | "action_run_failure" | "action_run_recover" => Family::ActionRun,
        _ => Family::Other,
    }
}

/// What of a body an event cannot do without, and what would make it another one.
pub(super) fn check(family: Family, body: Node<'_>) -> Result<(), &'static str> {
    let (needs, refuses): (&[&str], &[&str]) = match family {
        Family::Issue => (&["action", "issue.number"], &["comment", "pull_request"]),
        Family::PullRequest => (&["action", "pull_request.number"], &["comment", "issue", "review.type"]),
        Family::Comment => (&["action", "issue.number", "comment.id"], &["pull_request", "review"]),
        Family::Review => (&["action", "pull_request.number", "review.type"], &["comment", "issue"]),
        Family::Push => (&["ref", "before", "after"], &["action", "ref_type"]),
        Family::Release => (&["action", "release"], &["issue", "pull_request"]),
        Family::WorkflowRun => (&["action", "workflow_run.id"], &["workflow_job"]),
        Family::ActionRun => (&["run.id"], &["workflow_run"]),
        Family::Other => (&[], &[]),
    };
    if !needs.iter().all(|key| usable(key, body)) {
        return Err("lacks what such an event is about");
    }
    if refuses.iter().any(|key| body.at(key).is_there()) {
        return Err("is about something else");
    }
    Ok(())
}

fn usable(key: &str, body: Node<'_>) -> bool {
    match key.rsplit('.').next() {
        Some("number") => body.at(key).number().is_some(),
        Some("id") => body.at(key).id().is_some(),
        Some("release") => body.at(key).is_object(),
        _ => body.at(key).text().is_some(),
    }
}
