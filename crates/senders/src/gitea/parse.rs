//! A Gitea or Forgejo body as an [`Event`].

use chrono::{DateTime, SecondsFormat, Utc};
use schemas::event::{EventType, SourceKind};
use schemas::{ConnectionName, Delivery, Event, Untrusted, WorkItem};

use crate::content::{self, BodyFormat};
use crate::error::ParseError;
use crate::naming::{host_of, semantic_key, unmapped};
use crate::node::{Node, is_word};
use crate::tree::Tree;

use super::item;
use super::shape::{self, Family};

/// What a push of many files is large by; nothing is taken from it.
const UNREAD: &[&str] = &["commits"];

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let header = |name: &str| delivery.headers.get(name).map(String::as_str);
    let either = |one: &str, other: &str| header(one).or_else(|| header(other));
    let name =
        either("x-gitea-event", "x-forgejo-event").ok_or(ParseError::MissingHeader("x-gitea-event"))?;
    if !is_word(name) || header("x-forgejo-event").is_some_and(|other| other != name) {
        return Err(ParseError::MalformedHeader("x-gitea-event"));
    }
    let format = header("content-type").map_or(Ok(BodyFormat::Json), BodyFormat::from_content_type);
    let format = format.map_err(|_| ParseError::MalformedHeader("content-type"))?;
    let json = content::json_of(format, raw)?;
    let body = Tree::object(&json, UNREAD)?;
    let body = Node::of(&body);
    let family = shape::family(name, body);
    shape::check(family, body)
        .map_err(|because| ParseError::Disagrees { event: name.to_owned(), because })?;

    let r#type = event_type(family, name, body);
    let given = if family == Family::ActionRun { body.at("run.repository") } else { body.at("repository") };
    let repository = item::repository(connection, given);
    let item = item::item(family, body);
    let sender = if family == Family::ActionRun { body.at("run.trigger_user") } else { body.at("sender") };
    let mut event = Event::new(delivery.id, SourceKind::Gitea, connection.clone(), r#type);
    event.time = time_of(family, body);
    event.work_item = repository.as_ref().zip(item.as_ref()).map(|(repository, item)| {
        WorkItem(format!("{}:{}#{}", repository.name.connection, repository.name.path, item.key))
    });
    event.repository = repository;
    event.actor = item::actor(sender);
    event.item = item;
    event.added_labels = added_labels(&event.r#type, body);
    event.label = match event.r#type {
        EventType::IssueUnlabeled => item::names(body.at("changes.removed_labels")).into_iter().next(),
        _ => event.added_labels.first().cloned(),
    };
    event.comment = item::comment(family, body);
    event.change = item::change(family, body);
    event.conclusion = conclusion(family, name, body);
    event.sender_id = either("x-gitea-delivery", "x-forgejo-delivery").map(str::to_owned);
    event.semantic_key = key_of(&event, family, body);
    Ok(event)
}

/// The vocabulary's word for Gitea's event and action.
fn event_type(family: Family, name: &str, body: Node<'_>) -> EventType {
    use EventType as T;
    let action = body.at("action").word();
    match (family, action.unwrap_or_default()) {
        (Family::Issue, "opened") => T::IssueOpened,
        (Family::Issue, "edited") => T::IssueEdited,
        (Family::Issue, "label_updated") if only_removed(body) => T::IssueUnlabeled,
        (Family::Issue, "label_updated") => T::IssueLabeled,
        (Family::Issue, "label_cleared") => T::IssueUnlabeled,
        (Family::Issue, "assigned") => T::IssueAssigned,
        (Family::Issue, "closed") => T::IssueClosed,
        (Family::Issue, "reopened") => T::IssueReopened,
        (Family::Comment, "created") => T::CommentCreated,
        (Family::Comment, "edited") => T::CommentEdited,
        (Family::PullRequest, "opened") => T::PullRequestOpened,
        (Family::PullRequest, "synchronized") => T::PullRequestUpdated,
        (Family::PullRequest, "label_updated") if !only_removed(body) => T::PullRequestLabeled,
        (Family::PullRequest, "review_requested") => T::PullRequestReviewRequested,
        (Family::PullRequest, "edited") if became_ready(body) => T::PullRequestReady,
        (Family::PullRequest, "closed") => {
            let merged = body.at("pull_request.merged").flag() == Some(true);
            if merged { T::PullRequestMerged } else { T::PullRequestClosed }
        }
        (Family::Review, "reviewed") => T::ReviewSubmitted,
        (Family::Push, _) => T::Push,
        (Family::WorkflowRun, "completed") | (Family::ActionRun, _) => T::PipelineCompleted,
        (Family::Release, "published") => T::ReleasePublished,
        _ => unmapped(SourceKind::Gitea, &[Some(name), action]),
    }
}

/// Whether a change of labels took some away and added none. Versions before 1.25 and Forgejo do
/// not say what changed; labels that are gone altogether were not added.
fn only_removed(body: Node<'_>) -> bool {
    let count = |path: &str| body.at(path).items().len();
    let (added, removed) = (count("changes.added_labels"), count("changes.removed_labels"));
    let left = count("issue.labels") + count("pull_request.labels");
    added == 0 && (removed > 0 || left == 0)
}

fn became_ready(body: Node<'_>) -> bool {
    let was = body.at("changes.title.from").text().unwrap_or_default();
    let is = body.at("pull_request.title").text().unwrap_or_default();
    item::is_work_in_progress(&was) && !item::is_work_in_progress(&is)
}

fn added_labels(event: &EventType, body: Node<'_>) -> Vec<Untrusted> {
    match event {
        EventType::IssueLabeled | EventType::PullRequestLabeled => {
            item::names(body.at("changes.added_labels"))
        }
        _ => Vec::new(),
    }
}

fn conclusion(family: Family, name: &str, body: Node<'_>) -> Option<String> {
    match family {
        Family::WorkflowRun => body.at("workflow_run.conclusion").word().map(str::to_ascii_lowercase),
        Family::ActionRun if name == "action_run_failure" => Some("failure".to_owned()),
        Family::ActionRun => Some("success".to_owned()),
        _ => None,
    }
}

/// When it happened by Gitea's clock; a push has no time of its own.
fn time_of(family: Family, body: Node<'_>) -> Option<DateTime<Utc>> {
    let path = match family {
        Family::Issue => "issue.updated_at",
        Family::PullRequest | Family::Review => "pull_request.updated_at",
        Family::Comment => "comment.updated_at",
        Family::Release => "release.published_at",
        Family::WorkflowRun => "workflow_run.completed_at",
        Family::ActionRun => "run.stopped",
        Family::Push | Family::Other => return None,
    };
    body.at(path).time()
}

/// Only what the happening itself says, because two hooks may deliver it; `None` where nothing
/// tells two equal happenings apart.
fn key_of(event: &Event, family: Family, body: Node<'_>) -> Option<String> {
    if matches!(event.r#type, EventType::Unmapped(_)) {
        return None;
    }
    let part = |path: &str| body.at(path).id().unwrap_or_default();
    let labels = |path: &str| {
        let names: Vec<_> = item::names(body.at(path)).iter().map(|name| name.expose().to_owned()).collect();
        names.join("\n")
    };
    let object = match family {
        Family::Comment => part("comment.id"),
        Family::Review => part("review.type") + "\n" + &part("review.content"),
        Family::PullRequest | Family::Issue => [
            part("pull_request.head.sha"),
            part("issue.assignee.id"),
            part("requested_reviewer.id"),
            labels("issue.labels"),
            labels("pull_request.labels"),
        ]
        .join("\n"),
        // Two pushes that move a branch forth, back and forth again differ in this time alone.
        Family::Push => [part("before"), part("after"), part("ref"), part("repository.updated_at")].join(" "),
        Family::WorkflowRun => part("workflow_run.id") + "/" + &part("workflow_run.run_attempt"),
        Family::ActionRun => part("run.id") + "/" + &part("run.stopped"),
        Family::Release => part("release.id"),
        Family::Other => return None,
    };
    let once = matches!(
        event.r#type,
        EventType::IssueOpened | EventType::PullRequestOpened | EventType::CommentCreated | EventType::Push
    );
    if event.time.is_none() && !once && family != Family::WorkflowRun {
        return None;
    }
    let time = event.time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)).unwrap_or_default();
    let repository = event.repository.as_ref()?;
    let url = body.at("repository.html_url").text().unwrap_or_default();
    let about = event.work_item.as_ref().map_or(repository.name.path.as_str(), WorkItem::as_str);
    let actor = event.actor.as_ref().map_or("", |actor| actor.id.as_str());
    let r#type = event.r#type.to_string();
    Some(semantic_key(&[host_of(&url).unwrap_or_default(), &r#type, about, actor, &object, &time]))
}
