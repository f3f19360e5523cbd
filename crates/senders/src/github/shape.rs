//! Whether the event header, which nobody signed, fits the body, which somebody did.
//!
//! Who saw one genuine body could send it again under another event's name; a comment's edit, say,
//! as an issue's edit. Each event that can start something names what its body must and must not hold.

use crate::error::ParseError;
use crate::node::Node;

struct Shape {
    event: &'static str,
    needs: &'static [&'static str],
    refuses: &'static [&'static str],
}

const SHAPES: &[Shape] = &[
    Shape {
        event: "issues",
        needs: &["action", "issue.number"],
        refuses: &["comment", "pull_request", "review", "thread"],
    },
    Shape {
        event: "issue_comment",
        needs: &["action", "issue.number", "comment.id"],
        refuses: &["pull_request"],
    },
    Shape {
        event: "pull_request",
        needs: &["action", "pull_request.number"],
        refuses: &["comment", "issue", "review", "thread"],
    },
    Shape {
        event: "pull_request_review",
        needs: &["action", "pull_request.number", "review.id"],
        refuses: &["comment", "thread"],
    },
    Shape {
        event: "pull_request_review_comment",
        needs: &["action", "pull_request.number", "comment.id"],
        refuses: &["review", "thread", "issue"],
    },
    Shape { event: "push", needs: &["ref", "before", "after"], refuses: &["action", "ref_type"] },
    Shape { event: "check_suite", needs: &["action", "check_suite"], refuses: &["check_run"] },
    Shape { event: "workflow_run", needs: &["action", "workflow_run"], refuses: &["deployment"] },
    Shape { event: "release", needs: &["action", "release"], refuses: &[] },
    Shape { event: "repository_dispatch", needs: &["action", "branch"], refuses: &["issue", "pull_request"] },
    Shape { event: "ping", needs: &["zen", "hook_id"], refuses: &["action"] },
];

/// Whether what stands at `path` is of the type that its last part stands for.
fn usable(body: Node<'_>, path: &str) -> bool {
    let at = body.at(path);
    match path.rsplit('.').next() {
        Some("number") => at.number().is_some(),
        Some("id" | "hook_id") => at.id().is_some(),
        Some("check_suite" | "workflow_run" | "release") => at.is_object(),
        _ => at.text().is_some(),
    }
}

pub(super) fn check(event: &str, body: Node<'_>) -> Result<(), ParseError> {
    let Some(shape) = SHAPES.iter().find(|shape| shape.event == event) else { return Ok(()) };
    let disagrees = |because| ParseError::Disagrees { event: event.to_owned(), because };
    if !shape.needs.iter().all(|path| usable(body, path)) {
        return Err(disagrees("lacks what such an event is about"));
    }
    if shape.refuses.iter().any(|key| body.at(key).is_there()) {
        return Err(disagrees("is about something else"));
    }
    Ok(())
}
