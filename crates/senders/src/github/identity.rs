//! The semantic key: one happening, one key, however often and by whichever hook it is delivered.
//!
//! A repository hook and an App hook deliver the same happening under two delivery ids, and two
//! bodies that differ in `installation` alone. The key therefore holds only what the happening
//! itself says; and it holds a time, so that closing, reopening and closing again are three keys.

use chrono::{DateTime, SecondsFormat, Utc};
use schemas::event::EventType;
use schemas::{Event, WorkItem};

use crate::naming::{self, host_of};
use crate::node::Node;

use super::item::{pipeline, subject};

/// When it happened by GitHub's clock.
pub(super) fn time_of(event: &EventType, body: Node<'_>) -> Option<DateTime<Utc>> {
    use EventType as T;
    let at = match event {
        T::CommentCreated | T::CommentEdited | T::ReviewCommentCreated => body.at("comment.updated_at"),
        T::ReviewSubmitted => body.at("review.submitted_at"),
        // Seconds here, text in all other events.
        T::Push => return body.at("repository.pushed_at").time_or_seconds(),
        T::PipelineCompleted => pipeline(body).at("updated_at"),
        T::ReleasePublished => body.at("release.published_at"),
        T::DispatchReceived | T::Unmapped(_) => return None,
        _ => subject(body)?.at("updated_at"),
    };
    at.time()
}

/// The key of `event`; `None` where nothing in the body tells two equal happenings apart.
pub(super) fn semantic_key(event: &Event, body: Node<'_>) -> Option<String> {
    let url = body.at("repository.html_url").text()?;
    let time = event.time?.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let path = body.at("repository.full_name").text();
    let about = event.work_item.as_ref().map(WorkItem::as_str).or(path.as_deref())?;
    let actor = event.actor.as_ref().map_or("", |actor| actor.id.as_str());
    let r#type = event.r#type.to_string();
    let object = object_of(&event.r#type, body);
    Some(naming::semantic_key(&[host_of(&url)?, &r#type, about, actor, &object, &time]))
}

/// What was written, added or moved, by GitHub's own id where it has one.
fn object_of(event: &EventType, body: Node<'_>) -> String {
    use EventType as T;
    let part = |path: &str| body.at(path).id().unwrap_or_default();
    let first = |paths: [&str; 2]| paths.iter().find_map(|path| body.at(path).id()).unwrap_or_default();
    match event {
        T::CommentCreated | T::CommentEdited | T::ReviewCommentCreated => part("comment.id"),
        T::ReviewSubmitted => part("review.id"),
        T::IssueLabeled | T::IssueUnlabeled | T::PullRequestLabeled => first(["label.id", "label.name"]),
        T::IssueAssigned => part("assignee.id"),
        T::PullRequestReviewRequested => first(["requested_reviewer.id", "requested_team.id"]),
        T::PullRequestUpdated => part("pull_request.head.sha"),
        T::Push => ["before", "after", "ref"].map(part).join(" "),
        T::PipelineCompleted => {
            let kind = if body.at("workflow_run").is_object() { "workflow_run" } else { "check_suite" };
            let part = |name: &str| pipeline(body).at(name).id().unwrap_or_default();
            format!("{kind} {} {}", part("id"), part("run_attempt"))
        }
        T::ReleasePublished => part("release.id"),
        _ => String::new(),
    }
}
