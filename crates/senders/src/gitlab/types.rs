//! The vocabulary's word for what a GitLab body tells.

use schemas::event::{EventType, SourceKind};

use crate::error::ParseError;
use crate::naming::unmapped;
use crate::node::Node;

use super::changes;

/// What a hook is about: `object_kind`, or `event_name` in system and member hooks.
pub(super) fn kind(body: Node<'_>) -> Result<&str, ParseError> {
    let name = body.at("object_kind").word().or_else(|| body.at("event_name").word());
    name.ok_or(ParseError::Nameless("object_kind"))
}

pub(super) fn event_type(kind: &str, body: Node<'_>) -> EventType {
    use EventType as T;
    let about = body.at("object_attributes");
    let action = about.at("action").word().or_else(|| body.at("action").word());
    let known = match (kind, action) {
        ("issue" | "work_item", Some(action)) => issue(action, body),
        ("merge_request", Some(action)) => merge_request(action, body),
        ("note", action) => note(action, body),
        ("push" | "tag_push", _) => Some(T::Push),
        ("pipeline", _) => conclusion(about.at("status")).map(|_| T::PipelineCompleted),
        ("release", Some("create")) => Some(T::ReleasePublished),
        _ => None,
    };
    let detail = action.or_else(|| about.at("status").word()).or_else(|| body.at("build_status").word());
    let detail = detail.or_else(|| body.at("status").word());
    known.unwrap_or_else(|| unmapped(SourceKind::Gitlab, &[Some(kind), detail]))
}

/// What `state_id` says of an issue (gitlabhq, app/models/concerns/issuable.rb, `STATE_ID_MAP`).
const OPENED: u64 = 1;
const CLOSED: u64 = 2;

/// One body may tell several changes; the one that is likeliest an order comes first.
fn issue(action: &str, body: Node<'_>) -> Option<EventType> {
    use EventType as T;
    let labels = changes::difference(body, "labels");
    match action {
        "open" => Some(T::IssueOpened),
        "close" => Some(T::IssueClosed),
        "reopen" => Some(T::IssueReopened),
        "update" if !labels.added.is_empty() => Some(T::IssueLabeled),
        // Closing and reopening are told twice, once as such and once as an update.
        "update" if changes::state(body) == Some(CLOSED) => Some(T::IssueClosed),
        "update" if changes::state(body) == Some(OPENED) => Some(T::IssueReopened),
        "update" if changes::assigned(body) => Some(T::IssueAssigned),
        "update" if !labels.removed.is_empty() => Some(T::IssueUnlabeled),
        "update" if changes::edited(body) => Some(T::IssueEdited),
        _ => None,
    }
}

fn merge_request(action: &str, body: Node<'_>) -> Option<EventType> {
    use EventType as T;
    match action {
        "open" => Some(T::PullRequestOpened),
        "merge" => Some(T::PullRequestMerged),
        "close" => Some(T::PullRequestClosed),
        // One is the last approval that was needed, the other any before.
        "approved" | "approval" => Some(T::ReviewSubmitted),
        // Only there when code was pushed or a suggestion applied.
        "update" if body.at("object_attributes.oldrev").text().is_some() => Some(T::PullRequestUpdated),
        "update" if !changes::difference(body, "labels").added.is_empty() => Some(T::PullRequestLabeled),
        "update" if changes::ready(body) => Some(T::PullRequestReady),
        "update" if changes::review_requested(body) => Some(T::PullRequestReviewRequested),
        _ => None,
    }
}

fn note(action: Option<&str>, body: Node<'_>) -> Option<EventType> {
    use EventType as T;
    let about = body.at("object_attributes");
    // What GitLab notes by itself: "changed the description", "mentioned in".
    if about.at("system").flag() == Some(true) {
        return None;
    }
    match action {
        Some("update") => Some(T::CommentEdited),
        // Before 16.11 there is no action, and no hook for an edit.
        Some("create") | None if is_review_comment(body) => Some(T::ReviewCommentCreated),
        Some("create") | None => Some(T::CommentCreated),
        Some(_) => None,
    }
}

fn is_review_comment(body: Node<'_>) -> bool {
    body.at("merge_request").is_object() && body.at("object_attributes.type").word() == Some("DiffNote")
}

/// How a pipeline or job ended, in GitHub's words; nothing while it goes on.
pub(super) fn conclusion(status: Node<'_>) -> Option<&'static str> {
    match status.word()? {
        "success" => Some("success"),
        "failed" => Some("failure"),
        "canceled" => Some("cancelled"),
        "skipped" => Some("skipped"),
        _ => None,
    }
}
