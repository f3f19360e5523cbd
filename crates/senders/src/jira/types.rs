//! The vocabulary's word for what a Jira body tells.

use schemas::event::{EventType, SourceKind};

use crate::error::ParseError;
use crate::naming::unmapped;
use crate::node::Node;

use super::changelog;

pub(super) fn event_type(body: Node<'_>) -> Result<EventType, ParseError> {
    use EventType as T;
    // What a workflow's own step sends has no name; it tells which transition was made.
    let unnamed = body.at("transition").is_object().then_some("issue_updated");
    let name = body.at("webhookEvent").word().or(unnamed).ok_or(ParseError::Nameless("webhookEvent"))?;
    let name = name.strip_prefix("jira:").unwrap_or(name);
    let detail = body.at("issue_event_type_name").word();
    let has_comment = body.at("comment").is_object();
    Ok(match (name, detail) {
        ("issue_created", _) => T::IssueOpened,
        ("comment_created", _) => T::CommentCreated,
        ("comment_updated", _) => T::CommentEdited,
        // Data Center tells a comment twice: by its own event, and as an update of the issue.
        ("issue_updated", Some("issue_commented")) if has_comment => T::CommentCreated,
        ("issue_updated", Some("issue_comment_edited")) if has_comment => T::CommentEdited,
        // Data Center before 7 tells it as an update alone, and does not say what of.
        ("issue_updated", None) if has_comment && !body.at("changelog").is_there() => {
            let edited = body.at("comment.created").text() != body.at("comment.updated").text();
            if edited { T::CommentEdited } else { T::CommentCreated }
        }
        ("issue_updated", detail) => {
            let detail = detail.filter(|detail| *detail != name);
            updated(body).unwrap_or_else(|| unmapped(SourceKind::Jira, &[Some(name), detail]))
        }
        (name, _) => unmapped(SourceKind::Jira, &[Some(name)]),
    })
}

/// One update may tell several changes; the one that is likeliest an order comes first.
fn updated(body: Node<'_>) -> Option<EventType> {
    use EventType as T;
    let (added, removed) = changelog::labels(body);
    if changelog::status(body).is_some() {
        Some(T::IssueTransitioned)
    } else if !added.is_empty() {
        Some(T::IssueLabeled)
    } else if changelog::assigned(body) {
        Some(T::IssueAssigned)
    } else if !removed.is_empty() {
        Some(T::IssueUnlabeled)
    } else if changelog::edited(body) {
        Some(T::IssueEdited)
    } else {
        None
    }
}
