//! Bitbucket Cloud's bodies (support.atlassian.com, "Event payloads").

use schemas::Untrusted;
use schemas::event::{Actor, ActorKind, Change, Comment, EventType, Item};

use crate::naming::host_of;
use crate::node::Node;

use super::parse::{Because, Said, oid, shape};

pub(super) fn read(key: &str, body: Node<'_>) -> Result<Said, Because> {
    check(key, body)?;
    let url = |at: Node<'_>| at.at("links.html.href").text();
    let repository = body.at("repository");
    let item = item(body);
    let mut said = Said {
        r#type: event_type(key, body),
        repository: repository.at("full_name").text(),
        host: url(repository).as_deref().and_then(host_of).map(str::to_owned),
        actor: actor(body.at("actor")),
        item,
        change: change(body),
        ..Said::default()
    };
    let part = |path: &str| body.at(path).id().unwrap_or_default();
    let pull_head = || part("pullrequest.source.commit.hash");
    use EventType as T;
    (said.time, said.object) = match &said.r#type {
        Some(T::CommentCreated | T::CommentEdited | T::ReviewCommentCreated) => {
            said.comment = comment(body.at("comment"));
            (body.at("comment.updated_on").time(), part("comment.id"))
        }
        Some(T::ReviewSubmitted) => {
            let verdict = if body.at("approval").is_there() { "approval" } else { "changes_request" };
            let state = if verdict == "approval" { "approved" } else { "changes_requested" };
            said.comment = Some(Comment { state: Some(state.to_owned()), ..Comment::default() });
            (body.at(verdict).at("date").time(), state.to_owned())
        }
        Some(T::Push) => {
            let change = newest_change(body);
            let end = |end: &str| change.at(end).at("target.hash").text().unwrap_or_default();
            let name =
                said.change.as_ref().and_then(|change| change.base_ref.as_ref()).map(Untrusted::expose);
            let object = format!("{} {} {}", end("old"), end("new"), name.unwrap_or_default());
            // A commit's date is its author's, not the push's.
            (None, object)
        }
        Some(T::PipelineCompleted) => {
            said.conclusion = conclusion(body).map(str::to_owned);
            let state = part("commit_status.state");
            (body.at("commit_status.updated_on").time(), part("commit_status.key") + " " + &state)
        }
        Some(T::IssueClosed | T::IssueReopened | T::IssueTransitioned) => {
            said.status = body.at("changes.status.new").untrusted();
            (body.at("issue.updated_on").time(), part("changes.status.new"))
        }
        Some(T::IssueOpened | T::IssueEdited | T::IssueAssigned) => {
            (body.at("issue.updated_on").time(), String::new())
        }
        Some(_) => (body.at("pullrequest.updated_on").time(), pull_head()),
        None => (None, String::new()),
    };
    Ok(said)
}

fn event_type(key: &str, body: Node<'_>) -> Option<EventType> {
    use EventType as T;
    Some(match key {
        "repo:push" => T::Push,
        "repo:commit_status_created" | "repo:commit_status_updated" if conclusion(body).is_some() => {
            T::PipelineCompleted
        }
        "issue:created" => T::IssueOpened,
        "issue:updated" => issue_change(body),
        "issue:comment_created" => T::CommentCreated,
        "pullrequest:created" => T::PullRequestOpened,
        // New commits, another title, another target: Cloud has one word for all.
        "pullrequest:updated" => T::PullRequestUpdated,
        "pullrequest:approved" | "pullrequest:changes_request_created" => T::ReviewSubmitted,
        "pullrequest:fulfilled" => T::PullRequestMerged,
        "pullrequest:rejected" => T::PullRequestClosed,
        "pullrequest:comment_created" if body.at("comment.inline").is_object() => T::ReviewCommentCreated,
        "pullrequest:comment_created" => T::CommentCreated,
        "pullrequest:comment_updated" => T::CommentEdited,
        _ => return None,
    })
}

/// What an issue's update is for: its state counts more than its assignee, that more than its text.
fn issue_change(body: Node<'_>) -> EventType {
    let is_done = |state: &str| matches!(state, "resolved" | "invalid" | "duplicate" | "wontfix" | "closed");
    let (old, new) = (body.at("changes.status.old").text(), body.at("changes.status.new").text());
    match (old.as_deref(), new.as_deref()) {
        (old, Some(new)) if is_done(new) && !old.is_some_and(is_done) => EventType::IssueClosed,
        (Some(old), Some(new)) if is_done(old) && !is_done(new) => EventType::IssueReopened,
        (_, Some(_)) => EventType::IssueTransitioned,
        (_, None) if body.at("changes.assignee.new").is_there() => EventType::IssueAssigned,
        (_, None) => EventType::IssueEdited,
    }
}

/// A state that is final; `INPROGRESS` is none.
fn conclusion(body: Node<'_>) -> Option<&'static str> {
    match body.at("commit_status.state").word() {
        Some("SUCCESSFUL") => Some("success"),
        Some("FAILED") => Some("failure"),
        Some("STOPPED") => Some("cancelled"),
        _ => None,
    }
}

fn check(key: &str, body: Node<'_>) -> Result<(), Because> {
    let verdicts = ["comment", "approval", "changes_request", "issue", "push"];
    let state = body.at("pullrequest.state").word();
    let known = ["OPEN", "MERGED", "DECLINED", "SUPERSEDED"];
    let fits = |states: &[&str]| match state {
        Some(state) if known.contains(&state) && !states.contains(&state) => Err("is about something else"),
        _ => Ok(()),
    };
    match key {
        "repo:push" => shape(body, &["push", "repository"], &["pullrequest", "issue", "comment"]),
        "repo:commit_status_created" | "repo:commit_status_updated" => {
            shape(body, &["commit_status", "repository"], &["pullrequest", "issue", "comment"])
        }
        "issue:created" => shape(body, &["issue.id"], &["pullrequest", "comment", "changes"]),
        "issue:updated" => shape(body, &["issue.id"], &["pullrequest"]),
        "issue:comment_created" => shape(body, &["issue.id", "comment.id"], &["pullrequest", "changes"]),
        "pullrequest:created" | "pullrequest:updated" => {
            fits(&["OPEN"])?;
            shape(body, &["pullrequest.id"], &verdicts)
        }
        "pullrequest:fulfilled" => {
            fits(&["MERGED"])?;
            shape(body, &["pullrequest.id"], &verdicts)
        }
        "pullrequest:rejected" => {
            fits(&["DECLINED", "SUPERSEDED"])?;
            shape(body, &["pullrequest.id"], &verdicts)
        }
        "pullrequest:approved" => {
            shape(body, &["pullrequest.id", "approval"], &["comment", "changes_request"])
        }
        "pullrequest:changes_request_created" => {
            shape(body, &["pullrequest.id", "changes_request"], &["comment", "approval"])
        }
        "pullrequest:comment_created" | "pullrequest:comment_updated" => {
            shape(body, &["pullrequest.id", "comment.id"], &["approval", "changes_request", "issue"])
        }
        _ => Ok(()),
    }
}

/// People have an Atlassian account id; teams and apps may have a UUID alone.
fn actor(given: Node<'_>) -> Option<Actor> {
    let id = given.at("account_id").id().or_else(|| given.at("uuid").id())?;
    let names = ["nickname", "username", "display_name"];
    let login = names.iter().find_map(|key| given.at(key).text()).unwrap_or_else(|| id.clone());
    let kind = match given.at("type").word().map(str::to_ascii_lowercase).as_deref() {
        Some("user") | None => ActorKind::Human,
        Some("appuser" | "app_user") => ActorKind::App,
        Some(_) => ActorKind::System,
    };
    Some(Actor { id, login, kind })
}

fn item(body: Node<'_>) -> Option<Item> {
    let pull = body.at("pullrequest");
    let is_pull_request = pull.is_object();
    let given = if is_pull_request { pull } else { body.at("issue") };
    // The text of a pull request is a plain field, or rendered like an issue's.
    let texts = ["content.raw", "description", "summary.raw", "rendered.description.raw"];
    let author = if is_pull_request { given.at("author") } else { given.at("reporter") };
    Some(Item {
        key: given.at("id").number()?.to_string(),
        title: given.at("title").untrusted().unwrap_or_default(),
        body: texts.iter().find_map(|key| given.at(key).untrusted()).unwrap_or_default(),
        url: given.at("links.html.href").text(),
        labels: Vec::new(),
        author: actor(author).map(|author| author.login),
        is_pull_request,
        draft: given.at("draft").flag().unwrap_or(false),
    })
}

fn comment(given: Node<'_>) -> Option<Comment> {
    let line = ["inline.to", "inline.from"].iter().find_map(|key| given.at(key).number());
    Some(Comment {
        id: given.at("id").id()?,
        body: given.at("content.raw").untrusted().unwrap_or_default(),
        url: given.at("links.html.href").text(),
        state: None,
        path: given.at("inline.path").untrusted(),
        line,
    })
}

/// A push may move several refs; the last that still exists stands for it.
fn newest_change(body: Node<'_>) -> Node<'_> {
    let alive = |change: &Node<'_>| change.at("new").is_object();
    let changes = || body.at("push.changes").items().rev();
    changes().find(alive).or_else(|| changes().next()).unwrap_or(body.at("push.changes"))
}

fn change(body: Node<'_>) -> Option<Change> {
    let pull = body.at("pullrequest");
    if pull.is_object() {
        let (source, target) = (pull.at("source"), pull.at("destination"));
        let name = |end: Node<'_>| end.at("repository.full_name").text();
        let own = matches!((name(source), name(target)), (Some(one), Some(other)) if one.eq_ignore_ascii_case(&other));
        return Some(Change {
            head_ref: source.at("branch.name").untrusted(),
            head: oid(source.at("commit.hash")),
            base_ref: target.at("branch.name").untrusted(),
            base: oid(target.at("commit.hash")),
            fork: !own,
            message: None,
        });
    }
    if body.at("push").is_there() {
        let change = newest_change(body);
        let (old, new) = (change.at("old"), change.at("new"));
        let named = if new.is_object() { new } else { old };
        let folder = if named.at("type").word() == Some("tag") { "tags" } else { "heads" };
        // A ref that is made or removed has one end only.
        let end = |end: Node<'_>| {
            if end.is_object() { oid(end.at("target.hash")) } else { Some(schemas::Oid::zero()) }
        };
        return Some(Change {
            base_ref: named.at("name").text().map(|name| Untrusted::new(format!("refs/{folder}/{name}"))),
            head: end(new),
            base: end(old),
            message: new.at("target.message").untrusted(),
            ..Change::default()
        });
    }
    let status = body.at("commit_status");
    let commit = || {
        let link = status.at("links.commit.href").text()?;
        link.rsplit('/').next()?.parse().ok()
    };
    status.is_object().then(|| Change {
        head_ref: status.at("refname").untrusted(),
        head: oid(status.at("commit.hash")).or_else(commit),
        ..Change::default()
    })
}
