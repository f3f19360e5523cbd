//! What each tool calls an event in the header beside the body.

use schemas::event::SourceKind;

/// The name under which `kind` delivers `event`, which is in our words; `None` for an event that it
/// does not have, and for tools whose bodies alone say what happened.
///
/// Where a tool has several names for one of our words, it is the one that its samples have.
#[must_use]
pub fn own_name(kind: SourceKind, event: &str) -> Option<&'static str> {
    let (thing, action) = event.split_once('.').unwrap_or((event, ""));
    match kind {
        SourceKind::Github => github(thing),
        SourceKind::Gitlab => gitlab(thing),
        SourceKind::Sentry => sentry(thing, action),
        SourceKind::Gitea => gitea(thing),
        SourceKind::Bitbucket => bitbucket(thing, action),
        SourceKind::Jira
        | SourceKind::Linear
        | SourceKind::Slack
        | SourceKind::Generic
        | SourceKind::Pullwright => None,
    }
}

fn github(thing: &str) -> Option<&'static str> {
    Some(match thing {
        "issue" => "issues",
        "comment" => "issue_comment",
        "pull_request" => "pull_request",
        "review" => "pull_request_review",
        "review_comment" => "pull_request_review_comment",
        "push" => "push",
        "pipeline" => "workflow_run",
        "release" => "release",
        "dispatch" => "repository_dispatch",
        _ => return None,
    })
}

fn gitlab(thing: &str) -> Option<&'static str> {
    Some(match thing {
        "issue" => "Issue Hook",
        "comment" | "review_comment" => "Note Hook",
        "pull_request" | "review" => "Merge Request Hook",
        "push" => "Push Hook",
        "pipeline" => "Pipeline Hook",
        "release" => "Release Hook",
        _ => return None,
    })
}

fn sentry(thing: &str, action: &str) -> Option<&'static str> {
    Some(match (thing, action) {
        ("alert", "resolved") => "metric_alert",
        ("alert", _) => "event_alert",
        ("error", _) => "error",
        ("issue", _) => "issue",
        ("comment", _) => "comment",
        _ => return None,
    })
}

fn gitea(thing: &str) -> Option<&'static str> {
    Some(match thing {
        "issue" => "issues",
        "comment" => "issue_comment",
        "pull_request" => "pull_request",
        "review" => "pull_request_review_rejected",
        "push" => "push",
        "pipeline" => "workflow_run",
        "release" => "release",
        _ => return None,
    })
}

fn bitbucket(thing: &str, action: &str) -> Option<&'static str> {
    Some(match (thing, action) {
        ("push", _) => "repo:push",
        ("pipeline", _) => "repo:commit_status_updated",
        ("issue", "opened") => "issue:created",
        ("issue", _) => "issue:updated",
        ("comment" | "review_comment", "created") => "pullrequest:comment_created",
        ("comment", _) => "pullrequest:comment_updated",
        ("review", _) => "pullrequest:changes_request_created",
        ("pull_request", "opened") => "pullrequest:created",
        ("pull_request", "merged") => "pullrequest:fulfilled",
        ("pull_request", "closed") => "pullrequest:rejected",
        ("pull_request", _) => "pullrequest:updated",
        _ => return None,
    })
}
