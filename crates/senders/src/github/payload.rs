//! The few fields of GitHub's bodies that are used (docs.github.com, "Webhook events and payloads").

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::lenient::{self, Object};

/// A body, read once; `None` is absent, null or of another type.
pub(super) struct Payload {
    /// Absent in `push`, `ping`, `create` and others.
    pub action: Option<String>,
    /// Absent in App and organisation events.
    pub repository: Option<Repository>,
    /// Absent in `security_advisory`.
    pub sender: Option<Account>,
    pub issue: Option<Issue>,
    pub pull_request: Option<PullRequest>,
    pub comment: Option<Comment>,
    pub review: Option<Review>,
    pub label: Option<Label>,
    pub assignee: Option<Account>,
    pub requested_reviewer: Option<Account>,
    pub requested_team: Option<Team>,
    pub check_suite: Option<Pipeline>,
    pub workflow_run: Option<Pipeline>,
    pub release: Option<Release>,
    pub r#ref: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Payload {
    pub(super) fn read(body: &Object<'_>) -> Self {
        Self {
            action: body.read("action"),
            repository: body.read("repository"),
            sender: body.read("sender"),
            issue: body.read("issue"),
            pull_request: body.read("pull_request"),
            comment: body.read("comment"),
            review: body.read("review"),
            label: body.read("label"),
            assignee: body.read("assignee"),
            requested_reviewer: body.read("requested_reviewer"),
            requested_team: body.read("requested_team"),
            check_suite: body.read("check_suite"),
            workflow_run: body.read("workflow_run"),
            release: body.read("release"),
            r#ref: body.read("ref"),
            before: body.read("before"),
            after: body.read("after"),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Repository {
    #[serde(default, deserialize_with = "lenient::id")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub full_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub default_branch: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub html_url: Option<String>,
    /// Seconds in `push`, text elsewhere.
    #[serde(default, deserialize_with = "lenient::time")]
    pub pushed_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
pub(super) struct Account {
    #[serde(default, deserialize_with = "lenient::id")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub login: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub r#type: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Team {
    #[serde(default, deserialize_with = "lenient::id")]
    pub id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Label {
    #[serde(default, deserialize_with = "lenient::id")]
    pub id: Option<String>,
    pub name: String,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    pub number: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub body: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub html_url: Option<String>,
    /// Absent on `pinned` and `unpinned`.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub labels: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "lenient::optional")]
    pub user: Option<Account>,
    #[serde(default, deserialize_with = "lenient::optional")]
    pub draft: Option<bool>,
    /// An object when the issue is a pull request.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub pull_request: Option<Value>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub updated_at: Option<DateTime<Utc>>,
}

/// Trimmed in review events: no `merged`, perhaps no `draft`.
#[derive(Deserialize)]
pub(super) struct PullRequest {
    #[serde(flatten)]
    pub issue: Issue,
    #[serde(default, deserialize_with = "lenient::optional")]
    pub merged: Option<bool>,
    #[serde(default, deserialize_with = "lenient::optional")]
    pub head: Option<End>,
    #[serde(default, deserialize_with = "lenient::optional")]
    pub base: Option<End>,
}

/// One end of a pull request.
#[derive(Deserialize)]
pub(super) struct End {
    #[serde(default, deserialize_with = "lenient::text")]
    pub r#ref: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub sha: Option<String>,
    /// Null when the fork was deleted.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub repo: Option<Repository>,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    #[serde(deserialize_with = "lenient::id")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub body: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub html_url: Option<String>,
    /// Review comments only.
    #[serde(default, deserialize_with = "lenient::text")]
    pub path: Option<String>,
    /// Null or absent when outdated.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub line: Option<u64>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub updated_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
pub(super) struct Review {
    #[serde(deserialize_with = "lenient::id")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub body: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub html_url: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub state: Option<String>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub submitted_at: Option<DateTime<Utc>>,
}

/// A check suite or a workflow run.
#[derive(Deserialize)]
pub(super) struct Pipeline {
    #[serde(default, deserialize_with = "lenient::id")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub head_branch: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub head_sha: Option<String>,
    /// Null until it is completed.
    #[serde(default, deserialize_with = "lenient::text")]
    pub conclusion: Option<String>,
    /// Workflow runs only.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub head_repository: Option<Repository>,
    /// Workflow runs only; a re-run keeps its id.
    #[serde(default, deserialize_with = "lenient::id")]
    pub run_attempt: Option<String>,
    /// Empty for forks.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub pull_requests: Option<Vec<PullRequestLink>>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub updated_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
pub(super) struct PullRequestLink {
    pub number: u64,
    #[serde(default, deserialize_with = "lenient::optional")]
    pub base: Option<End>,
}

#[derive(Deserialize)]
pub(super) struct Release {
    #[serde(default, deserialize_with = "lenient::id")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub tag_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub published_at: Option<DateTime<Utc>>,
}
