//! A GitHub body as an [`Event`].

use schemas::event::{Actor, ActorKind, Change, Comment, EventType, Item, Repository, SourceKind};
use schemas::{ConnectionName, Delivery, Event, RepoRef, Untrusted, WorkItem};
use serde_json::Value;

use crate::content::{self, BodyFormat};
use crate::error::ParseError;
use crate::lenient::Object;

use super::payload::{self, Payload};
use super::{DELIVERY, EVENT, identity, shape};

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let header = |name: &str| delivery.headers.get(name).map(String::as_str);
    let name = header(EVENT).ok_or(ParseError::MissingHeader(EVENT))?;
    if !is_slug(name) {
        return Err(ParseError::MalformedHeader(EVENT));
    }
    let format = header("content-type").map_or(Ok(BodyFormat::Json), BodyFormat::from_content_type);
    let format = format.map_err(|_| ParseError::MalformedHeader("content-type"))?;
    let json = content::json_of(format, raw)?;
    let body = Object::parse(&json)?;
    let payload = Payload::read(&body);
    shape::check(name, &body, &payload)?;

    let r#type = event_type(name, &payload);
    let repository = payload.repository.as_ref().and_then(|given| repository(connection, given));
    let item = item(&payload);
    let number = item.as_ref().map(|item| item.key.clone()).or_else(|| pipeline_number(&payload));
    let label = payload.label.as_ref().map(|label| Untrusted::new(label.name.as_str()));
    let labeled = matches!(r#type, EventType::IssueLabeled | EventType::PullRequestLabeled);
    let is_dispatch = r#type == EventType::DispatchReceived;
    let run = payload.workflow_run.as_ref().or(payload.check_suite.as_ref());
    let mut event = Event {
        time: identity::time_of(&r#type, &payload),
        work_item: repository.as_ref().zip(number).map(|(repository, number)| {
            WorkItem(format!("{}:{}#{number}", repository.name.connection, repository.name.path))
        }),
        repository,
        actor: payload.sender.as_ref().and_then(actor),
        item,
        added_labels: label.iter().filter(|_| labeled).cloned().collect(),
        label,
        comment: comment(&payload),
        change: change(&payload),
        sender_id: header(DELIVERY).map(str::to_owned),
        conclusion: run.and_then(|run| run.conclusion.clone()),
        dispatch: payload.action.as_deref().filter(|_| is_dispatch).map(Untrusted::from),
        ..Event::new(delivery.id, SourceKind::Github, connection.clone(), r#type)
    };
    event.semantic_key = identity::semantic_key(&event, &payload);
    Ok(event)
}

/// The vocabulary's word for GitHub's event and action.
fn event_type(name: &str, payload: &Payload) -> EventType {
    use EventType as T;
    let action = payload.action.as_deref();
    match (name, action) {
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
            let merged = payload.pull_request.as_ref().and_then(|pull| pull.merged);
            if merged == Some(true) { T::PullRequestMerged } else { T::PullRequestClosed }
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
fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn repository(connection: &ConnectionName, given: &payload::Repository) -> Option<Repository> {
    let name = RepoRef::new(connection, given.full_name.as_deref()?).ok()?;
    Some(Repository { name, default_branch: given.default_branch.clone() })
}

fn actor(sender: &payload::Account) -> Option<Actor> {
    let (id, login) = (sender.id.clone()?, sender.login.clone()?);
    let kind = match sender.r#type.as_deref() {
        _ if login.ends_with("[bot]") => ActorKind::Bot,
        Some("Bot") => ActorKind::Bot,
        Some("User") | None => ActorKind::Human,
        // Organisations, mannequins and what comes later: not to be taken for a person.
        Some(_) => ActorKind::System,
    };
    Some(Actor { id, login, kind })
}

fn text(given: Option<&String>) -> Untrusted {
    Untrusted::new(given.map(String::as_str).unwrap_or_default())
}

fn item(payload: &Payload) -> Option<Item> {
    let pull = payload.pull_request.as_ref();
    let issue = pull.map(|pull| &pull.issue).or(payload.issue.as_ref())?;
    let label = |label: &Value| label.get("name").and_then(Value::as_str).map(Untrusted::from);
    Some(Item {
        key: issue.number.to_string(),
        title: text(issue.title.as_ref()),
        body: text(issue.body.as_ref()),
        url: issue.html_url.clone(),
        labels: issue.labels.iter().flatten().filter_map(label).collect(),
        author: issue.user.as_ref().and_then(|user| user.login.clone()),
        is_pull_request: pull.is_some() || issue.pull_request.as_ref().is_some_and(Value::is_object),
        draft: issue.draft.unwrap_or(false),
    })
}

/// The one pull request a pipeline belongs to; of several, none can be picked.
fn pipeline_number(payload: &Payload) -> Option<String> {
    let pipeline = payload.workflow_run.as_ref().or(payload.check_suite.as_ref())?;
    let here = payload.repository.as_ref()?.id.as_deref()?;
    // A fork's pipeline lists pull requests that were opened elsewhere.
    let is_here = |link: &&payload::PullRequestLink| {
        link.base.as_ref().and_then(|base| base.repo.as_ref()?.id.as_deref()) == Some(here)
    };
    let mut links = pipeline.pull_requests.iter().flatten().filter(is_here);
    let number = links.next()?.number;
    links.next().is_none().then(|| number.to_string())
}

fn comment(payload: &Payload) -> Option<Comment> {
    if let Some(given) = &payload.comment {
        return Some(Comment {
            id: given.id.clone()?,
            body: text(given.body.as_ref()),
            url: given.html_url.clone(),
            state: None,
            path: given.path.as_deref().map(Untrusted::from),
            line: given.line,
        });
    }
    let review = payload.review.as_ref()?;
    Some(Comment {
        id: review.id.clone()?,
        body: text(review.body.as_ref()),
        url: review.html_url.clone(),
        state: review.state.as_deref().map(str::to_ascii_lowercase),
        path: None,
        line: None,
    })
}

fn change(payload: &Payload) -> Option<Change> {
    let here = payload.repository.as_ref().and_then(|repository| repository.full_name.as_deref());
    if let Some(pull) = &payload.pull_request {
        let head = pull.head.as_ref()?;
        let base = pull.base.as_ref();
        let name_of = |end: &payload::End| end.repo.as_ref().and_then(|repo| repo.full_name.clone());
        let target = base.and_then(name_of).or_else(|| here.map(str::to_owned));
        return Some(Change {
            head_ref: head.r#ref.as_deref().map(Untrusted::from),
            head: head.sha.as_deref().and_then(|sha| sha.parse().ok()),
            base_ref: base.and_then(|base| base.r#ref.as_deref()).map(Untrusted::from),
            base: base.and_then(|base| base.sha.as_deref()?.parse().ok()),
            fork: !same_repository(name_of(head).as_deref(), target.as_deref()),
        });
    }
    if let Some(run) = payload.workflow_run.as_ref().or(payload.check_suite.as_ref()) {
        let head = run.head_repository.as_ref().and_then(|repo| repo.full_name.as_deref());
        // A check suite names no head repository; its branch is null when the commit came from a fork.
        let own = if payload.workflow_run.is_some() {
            same_repository(head, here)
        } else {
            run.head_branch.is_some()
        };
        return Some(Change {
            head_ref: run.head_branch.as_deref().map(Untrusted::from),
            head: run.head_sha.as_deref().and_then(|sha| sha.parse().ok()),
            fork: !own,
            ..Change::default()
        });
    }
    if let Some(release) = &payload.release {
        let base_ref = release.tag_name.as_ref().map(|tag| Untrusted::new(format!("refs/tags/{tag}")));
        return Some(Change { base_ref, ..Change::default() });
    }
    let (before, after) = (payload.before.as_deref()?, payload.after.as_deref()?);
    Some(Change {
        base_ref: payload.r#ref.as_deref().map(Untrusted::from),
        head: after.parse().ok(),
        base: before.parse().ok(),
        ..Change::default()
    })
}

/// A repository that is gone or unnamed is nobody's own.
fn same_repository(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
}
