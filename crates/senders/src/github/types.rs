//! The vocabulary's word for GitHub's event and action.

use schemas::event::EventType;

use crate::node::Node;

pub(super) fn event_type(name: &str, body: Node<'_>) -> EventType {
    use EventType as T;
    let action = body.at("action").text();
    match (name, action.as_deref()) {
        ("issues", Some("opened")) => T::IssueOpened,
        ("issues", Some("edited")) => T::IssueEdited,
        ("issues", Some("labeled")) => T::IssueLabeled,
        ("issues", Some("unlabeled")) => T::IssueUnlabeled,
        ("issues", Some("assigned")) => T::IssueAssigned,
        ("issues", Some("closed")) => T::IssueClosed,
        ("issues", Some("reopened")) => T::IssueReopened,
        ("issue_comment", Some("created")) => T::CommentCreated,
        ("issue_comment", Some("edited")) => T::CommentEdited,
        ("pull_request", Some("opened")) => T::PullRequestOpened,
        // GitHub's word for new commits on the head branch; `edited` is about title, text or base.
        ("pull_request", Some("synchronize")) => T::PullRequestUpdated,
        ("pull_request", Some("labeled")) => T::PullRequestLabeled,
        ("pull_request", Some("ready_for_review")) => T::PullRequestReady,
        ("pull_request", Some("review_requested")) => T::PullRequestReviewRequested,
        ("pull_request", Some("closed")) => {
            let merged = body.at("pull_request.merged").flag() == Some(true);
            if merged { T::PullRequestMerged } else { T::PullRequestClosed }
        }
        ("pull_request_review", Some("submitted")) => T::ReviewSubmitted,
        ("pull_request_review_comment", Some("created")) => T::ReviewCommentCreated,
        ("push", None) => T::Push,
        ("check_suite" | "workflow_run", Some("completed")) => T::PipelineCompleted,
        ("release", Some("published")) => T::ReleasePublished,
        // Its action is whatever the caller of the API wrote.
        ("repository_dispatch", _) => T::DispatchReceived,
        (name, Some(action)) if is_slug(action) => T::Unmapped(format!("github.{name}.{action}")),
        (name, _) => T::Unmapped(format!("github.{name}")),
    }
}

/// GitHub's names of events and actions: short, and safe in a list, a metric and a rule.
pub(super) fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
