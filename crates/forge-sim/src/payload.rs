//! Webhook payloads, as full as GitHub's
//! (<https://docs.github.com/en/webhooks/webhook-events-and-payloads>).

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::model::{Item, Label, Model, Repository};
use crate::render::Render;
use crate::world::{AppOptions, World};

/// Which issue, and who did what to it.
#[derive(Debug, Clone)]
pub(crate) struct Subject<'a> {
    pub owner: &'a str,
    pub name: &'a str,
    pub number: u64,
    pub sender: &'a str,
}

/// `issues` with `opened`, `labeled` or `unlabeled`; `None` when there is no such issue.
pub(crate) fn issues(
    world: &World,
    model: &Model,
    subject: &Subject<'_>,
    action: &str,
    label: Option<&str>,
) -> Option<Value> {
    issues_with(&world.render(model), subject, action, label)
}

/// What happened to an issue or pull request, after the event's name; `None` when there is no such one.
pub(crate) fn item(
    world: &World,
    model: &Model,
    subject: &Subject<'_>,
    action: &str,
    label: Option<&str>,
) -> Option<(&'static str, Value)> {
    let render = world.render(model);
    let repo = model.repository(subject.owner, subject.name)?;
    let item = repo.items.get(&subject.number)?;
    if item.pull.is_none() {
        return Some(("issues", issues_with(&render, subject, action, label)?));
    }
    let mut payload = json!({
        "action": action,
        "number": item.number,
        "pull_request": render.pull(repo, item),
        "repository": render.repository(repo, None),
        "sender": render.user(subject.sender),
    });
    if let (Some(label), Some(object)) = (label, payload.as_object_mut()) {
        object.insert("label".into(), render.label(repo, label));
    }
    Some(("pull_request", payload))
}

/// A branch that was made, moved or taken away.
#[derive(Debug)]
pub(crate) struct Moved {
    pub branch: String,
    /// Forty zeros when it is new.
    pub before: String,
    /// Forty zeros when it is gone.
    pub after: String,
    /// What its newest commit says.
    pub message: Option<String>,
}

/// `push`; `None` when there is no such repository.
pub(crate) fn push(
    world: &World,
    model: &Model,
    (owner, name): (&str, &str),
    sender: &str,
    moved: &Moved,
) -> Option<Value> {
    let render = world.render(model);
    let mut repository = render.repository(model.repository(owner, name)?, None);
    // Seconds in this event alone.
    repository["pushed_at"] = json!(world.now().timestamp());
    let zero = |id: &str| id.bytes().all(|byte| byte == b'0');
    let head = moved.message.as_ref().map(|message| json!({ "id": moved.after, "message": message }));
    Some(json!({
        "ref": format!("refs/heads/{}", moved.branch),
        "before": moved.before,
        "after": moved.after,
        "created": zero(&moved.before),
        "deleted": zero(&moved.after),
        "head_commit": head,
        "repository": repository,
        "pusher": { "name": sender },
        "sender": render.user(sender),
    }))
}

fn issues_with(
    render: &Render<'_>,
    subject: &Subject<'_>,
    action: &str,
    label: Option<&str>,
) -> Option<Value> {
    let repo = render.model.repository(subject.owner, subject.name)?;
    let item = repo.items.get(&subject.number)?;
    let mut payload = json!({
        "action": action,
        "issue": render.issue(repo, item),
        "repository": render.repository(repo, None),
        "sender": render.user(subject.sender),
    });
    if let (Some(label), Some(object)) = (label, payload.as_object_mut()) {
        object.insert("label".into(), render.label(repo, label));
    }
    Some(payload)
}

/// `issue_comment` with `created` or `edited`; `None` when there is no such comment.
pub(crate) fn issue_comment(
    world: &World,
    model: &Model,
    subject: &Subject<'_>,
    action: &str,
    comment: u64,
) -> Option<(&'static str, Value)> {
    let render = world.render(model);
    let repo = model.repository(subject.owner, subject.name)?;
    let item = repo.items.get(&subject.number)?;
    let comment = item.comments.iter().find(|c| c.id == comment)?;
    let payload = json!({
        "action": action,
        "issue": render.issue(repo, item),
        "comment": render.comment(repo, item.number, comment),
        "repository": render.repository(repo, None),
        "sender": render.user(subject.sender),
    });
    Some(("issue_comment", payload))
}

/// What an `issues.labeled` payload tells, for tests that need one without a running sim.
#[derive(Debug, Clone)]
pub struct LabeledIssue {
    /// The repository's owner.
    pub owner: String,
    /// The repository's name.
    pub name: String,
    /// The issue's number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// All labels it carries now.
    pub labels: Vec<String>,
    /// The one that was just added.
    pub label: String,
    /// Who opened the issue.
    pub author: String,
    /// Who put the label on.
    pub sender: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The payload of `issues.labeled`, as full as GitHub's.
#[must_use]
pub fn issues_labeled(issue: &LabeledIssue) -> Value {
    let mut model = Model::default();
    for login in [&issue.owner, &issue.author, &issue.sender] {
        model.user(login, "User");
    }
    let labels = issue.labels.iter().chain([&issue.label]).map(|name| Label {
        id: model.fresh_id(),
        name: name.clone(),
        color: "ededed".to_owned(),
        description: None,
    });
    let labels = labels.collect();
    let item = Item {
        id: model.fresh_id(),
        number: issue.number,
        title: issue.title.clone(),
        body: Some(issue.body.clone()),
        state: "open".to_owned(),
        author: issue.author.clone(),
        labels: issue.labels.clone(),
        comments: Vec::new(),
        reactions: Vec::new(),
        pull: None,
        created_at: issue.at,
        updated_at: issue.at,
        closed_at: None,
        born: Duration::ZERO,
    };
    let repository = Repository {
        id: model.fresh_id(),
        owner: issue.owner.clone(),
        name: issue.name.clone(),
        default_branch: "main".to_owned(),
        private: true,
        archived: false,
        permissions: BTreeMap::new(),
        labels,
        items: BTreeMap::from([(issue.number, item)]),
        statuses: Vec::new(),
        check_runs: Vec::new(),
        created_at: issue.at,
    };
    model.repositories.insert(Model::key(&issue.owner, &issue.name), repository);
    let (app, html, api) = (AppOptions::default(), "https://forge.example", "https://forge.example/api/v3");
    let render = Render { model: &model, app: &app, html, api };
    let subject =
        Subject { owner: &issue.owner, name: &issue.name, number: issue.number, sender: &issue.sender };
    issues_with(&render, &subject, "labeled", Some(&issue.label)).unwrap_or_default()
}
