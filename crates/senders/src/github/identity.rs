//! The semantic key: one happening, one key, however often and by whichever hook it is delivered.
//!
//! A repository hook and an App hook deliver the same happening under two delivery ids, and two
//! bodies that differ in `installation` alone. The key therefore holds only what the happening
//! itself says; and it holds a time, so that closing, reopening and closing again are three keys.

use chrono::{DateTime, SecondsFormat, Utc};
use schemas::event::EventType;
use schemas::{Event, WorkItem};

use crate::naming::{self, host_of};

use super::payload::{Account, Payload};

/// When it happened by GitHub's clock.
pub(super) fn time_of(event: &EventType, payload: &Payload) -> Option<DateTime<Utc>> {
    use EventType as T;
    match event {
        T::CommentCreated | T::CommentEdited | T::ReviewCommentCreated => {
            payload.comment.as_ref()?.updated_at
        }
        T::ReviewSubmitted => payload.review.as_ref()?.submitted_at,
        T::Push => payload.repository.as_ref()?.pushed_at,
        T::PipelineCompleted => payload.workflow_run.as_ref().or(payload.check_suite.as_ref())?.updated_at,
        T::ReleasePublished => payload.release.as_ref()?.published_at,
        T::DispatchReceived | T::Unmapped(_) => None,
        _ => payload.pull_request.as_ref().map(|pull| &pull.issue).or(payload.issue.as_ref())?.updated_at,
    }
}

/// The key of `event`; `None` where nothing in the body tells two equal happenings apart.
pub(super) fn semantic_key(event: &Event, payload: &Payload) -> Option<String> {
    let repository = payload.repository.as_ref()?;
    let host = host_of(repository.html_url.as_deref()?)?;
    let time = event.time?.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let about = event.work_item.as_ref().map_or(repository.full_name.as_deref()?, WorkItem::as_str);
    let actor = event.actor.as_ref().map_or("", |actor| actor.id.as_str());
    let r#type = event.r#type.to_string();
    Some(naming::semantic_key(&[host, &r#type, about, actor, &object_of(&event.r#type, payload), &time]))
}

/// What was written, added or moved, by GitHub's own id where it has one.
fn object_of(event: &EventType, payload: &Payload) -> String {
    use EventType as T;
    let account = |account: &Option<Account>| account.as_ref().and_then(|account| account.id.clone());
    let object = match event {
        T::CommentCreated | T::CommentEdited | T::ReviewCommentCreated => {
            payload.comment.as_ref().and_then(|comment| comment.id.clone())
        }
        T::ReviewSubmitted => payload.review.as_ref().and_then(|review| review.id.clone()),
        T::IssueLabeled | T::IssueUnlabeled | T::PullRequestLabeled => {
            payload.label.as_ref().map(|label| label.id.clone().unwrap_or_else(|| label.name.clone()))
        }
        T::IssueAssigned => account(&payload.assignee),
        T::PullRequestReviewRequested => account(&payload.requested_reviewer)
            .or_else(|| payload.requested_team.as_ref().and_then(|team| team.id.clone())),
        T::PullRequestUpdated => {
            payload.pull_request.as_ref().and_then(|pull| pull.head.as_ref()?.sha.clone())
        }
        T::Push => {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            Some(format!("{} {} {}", part(&payload.before), part(&payload.after), part(&payload.r#ref)))
        }
        T::PipelineCompleted => payload.workflow_run.as_ref().or(payload.check_suite.as_ref()).map(|run| {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            let kind = if payload.workflow_run.is_some() { "workflow_run" } else { "check_suite" };
            format!("{kind} {} {}", part(&run.id), part(&run.run_attempt))
        }),
        T::ReleasePublished => payload.release.as_ref().and_then(|release| release.id.clone()),
        _ => None,
    };
    object.unwrap_or_default()
}
