//! `output:` what is written to forges and trackers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::FileChange;

/// What is written to forges and trackers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Open a pull request with the result, or update the one that is open for the work item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestOutput>,
    /// Add the result as a commit to the pull request of ours that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commits: Option<bool>,
    /// Write a review of the pull request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<bool>,
    /// Open an issue with the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<IssueOutput>,
    /// Whether and how to comment; `update` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentOutput>,
    /// Set a check or commit status on the pushed commit; yes unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<bool>,
    /// Tell the tracker that the event came from where the pull request is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_back: Option<bool>,
    /// Move the tracker's issue to this status once the pull request is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<String>,
}

impl Output {
    /// Whether and how to comment.
    #[must_use]
    pub fn comment(&self) -> CommentOutput {
        self.comment.unwrap_or_default()
    }

    /// Whether a check is set on the pushed commit.
    #[must_use]
    pub fn check(&self) -> bool {
        self.check.unwrap_or(true)
    }

    /// What a result may not exceed.
    #[must_use]
    pub fn limits(&self) -> ChangeLimits {
        self.pull_request.as_ref().and_then(|pull_request| pull_request.limits.clone()).unwrap_or_default()
    }

    /// Whether the result is a commit on top of a pull request that is open.
    #[must_use]
    pub fn adds_commits(&self) -> bool {
        self.commits == Some(true)
    }

    /// Whether the result is pushed at all.
    #[must_use]
    pub fn pushes(&self) -> bool {
        self.pull_request.is_some() || self.adds_commits()
    }
}

/// How the pull request looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PullRequestOutput {
    /// Its title; made from the automation's and the work item's name unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether it opens as a draft; true unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// What its branch begins with; the only refs the run may push. `pullwright/` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_prefix: Option<String>,
    /// Labels it gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Who is asked to review it, by login.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<String>,
    /// What a result may not exceed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<ChangeLimits>,
}

impl PullRequestOutput {
    /// Whether it opens as a draft.
    #[must_use]
    pub fn draft(&self) -> bool {
        self.draft.unwrap_or(true)
    }

    /// What its branch begins with.
    #[must_use]
    pub fn branch_prefix(&self) -> &str {
        self.branch_prefix.as_deref().unwrap_or("pullwright/")
    }
}

/// What a result may not exceed; beyond it nothing is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeLimits {
    /// Changed files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Lines added and removed together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
}

impl ChangeLimits {
    /// What a change has too much of, if anything. A binary file has no lines.
    #[must_use]
    pub fn exceeded_by(&self, files: &[FileChange]) -> Option<String> {
        let lines: u64 = files.iter().map(|file| file.added.unwrap_or(0) + file.removed.unwrap_or(0)).sum();
        let count = files.len() as u64;
        let over = |limit: Option<u64>, has: u64, what: &str| {
            let limit = limit.filter(|limit| has > *limit)?;
            Some(format!("it changes {has} {what}, and `limits` allows {limit}"))
        };
        over(self.files, count, "files").or_else(|| over(self.lines, lines, "lines"))
    }
}

/// How the issue looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IssueOutput {
    /// Its title; made from the automation's name unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Labels it gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// Whether and how to comment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommentOutput {
    /// Never.
    None,
    /// One status comment of the work item and automation, edited in place.
    #[default]
    Update,
    /// One comment a run, edited in place: an answer to who asked.
    Reply,
    /// The status comment, and only once a run did not succeed.
    OnFailure,
}
