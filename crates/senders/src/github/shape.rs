//! Whether the event header, which nobody signed, fits the body, which somebody did.
//!
//! Who saw one genuine body could send it again under another event's name; a comment's edit, say,
//! as an issue's edit. Each event that can start something names what its body must and must not hold.

use crate::error::ParseError;
use crate::lenient::Object;

use super::payload::Payload;

struct Shape {
    event: &'static str,
    needs: &'static [&'static str],
    refuses: &'static [&'static str],
}

const SHAPES: &[Shape] = &[
    Shape {
        event: "issues",
        needs: &["action", "issue"],
        refuses: &["comment", "pull_request", "review", "thread"],
    },
    Shape { event: "issue_comment", needs: &["action", "issue", "comment"], refuses: &["pull_request"] },
    Shape {
        event: "pull_request",
        needs: &["action", "pull_request"],
        refuses: &["comment", "issue", "review", "thread"],
    },
    Shape {
        event: "pull_request_review",
        needs: &["action", "pull_request", "review"],
        refuses: &["comment", "thread"],
    },
    Shape {
        event: "pull_request_review_comment",
        needs: &["action", "pull_request", "comment"],
        refuses: &["review", "thread", "issue"],
    },
    Shape { event: "push", needs: &["ref", "before", "after"], refuses: &["action", "ref_type"] },
    Shape { event: "check_suite", needs: &["action", "check_suite"], refuses: &["check_run"] },
    Shape { event: "workflow_run", needs: &["action", "workflow_run"], refuses: &["deployment"] },
    Shape { event: "release", needs: &["action", "release"], refuses: &[] },
    Shape { event: "repository_dispatch", needs: &["action", "branch"], refuses: &["issue", "pull_request"] },
    Shape { event: "ping", needs: &["zen", "hook_id"], refuses: &["action"] },
];

/// What of a body could be read, by the names that [`SHAPES`] uses.
fn usable(key: &str, body: &Object<'_>, payload: &Payload) -> bool {
    match key {
        "action" => payload.action.is_some(),
        "issue" => payload.issue.is_some(),
        "pull_request" => payload.pull_request.is_some(),
        "comment" => payload.comment.as_ref().is_some_and(|comment| comment.id.is_some()),
        "review" => payload.review.as_ref().is_some_and(|review| review.id.is_some()),
        "check_suite" => payload.check_suite.is_some(),
        "workflow_run" => payload.workflow_run.is_some(),
        "release" => payload.release.is_some(),
        "ref" => payload.r#ref.is_some(),
        "before" => payload.before.is_some(),
        "after" => payload.after.is_some(),
        other => body.has(other),
    }
}

pub(super) fn check(event: &str, body: &Object<'_>, payload: &Payload) -> Result<(), ParseError> {
    let Some(shape) = SHAPES.iter().find(|shape| shape.event == event) else { return Ok(()) };
    let disagrees = |because| ParseError::Disagrees { event: event.to_owned(), because };
    if !shape.needs.iter().all(|key| usable(key, body, payload)) {
        return Err(disagrees("lacks what such an event is about"));
    }
    if shape.refuses.iter().any(|key| body.has(key)) {
        return Err(disagrees("is about something else"));
    }
    Ok(())
}
