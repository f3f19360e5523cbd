//! Automations as people write them; the loader in `dispatcher` checks what types cannot say.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::event::{EventType, SourceKind};
use crate::id::{AutomationName, RepoRef};

/// One file of automations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomationFile {
    /// The format's version: 1.
    pub version: u32,
    /// What the automations of this file have unless they say otherwise; maps merge, lists replace.
    #[serde(default)]
    pub defaults: Defaults,
    /// The automations.
    pub automations: Vec<Automation>,
}

/// What a file's automations have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// See [`Automation::mode`].
    pub mode: Option<Mode>,
    /// See [`Automation::allow`].
    pub allow: Option<Allow>,
}

/// When to act, for whom, what to run and what to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Automation {
    /// Its id, in every list and on every comment.
    pub name: AutomationName,
    /// An earlier name whose history it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<AutomationName>,
    /// How far it goes; `live` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What starts it; any entry is enough.
    pub on: Vec<Trigger>,
    /// Repositories it may act on, as globs; `!` excludes. Empty means every connected one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repos: Vec<String>,
    /// Who may start it; `permission: write` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Allow>,
    /// What the worker does.
    pub run: RunSpec,
    /// What is written to the forge.
    #[serde(default)]
    pub output: Output,
}

/// How far an automation goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Not considered.
    Disabled,
    /// Decide and record.
    Observe,
    /// Run, but write nothing to a forge.
    DryRun,
    /// Everything.
    #[default]
    Live,
}

/// One way to start an automation; every key that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The kind of sender.
    pub source: SourceKind,
    /// The event.
    pub event: EventType,
    /// The label that was just added, taken off again once the run is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_command: Option<String>,
    /// Labels the item carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelFilter>,
}

/// A condition on the labels an item carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelFilter {
    /// At least one of these, when not empty.
    #[serde(default)]
    pub any: Vec<String>,
    /// Each of these.
    #[serde(default)]
    pub all: Vec<String>,
    /// None of these.
    #[serde(default)]
    pub none: Vec<String>,
}

/// Who may start an automation. Asked of the forge, and refused when it cannot answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// The least permission on the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// Only these logins, when not empty; the permission must hold as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Bots and apps that may, by login; none unless named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bots: Vec<String>,
}

/// What somebody may do in a repository, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Nothing.
    None,
    /// See it.
    Read,
    /// Sort its issues.
    Triage,
    /// Push to it.
    Write,
    /// Push and manage.
    Maintain,
    /// Everything.
    Admin,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        })
    }
}

/// What the worker does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Shell commands, in order, in the sandbox; the first that fails ends the run.
    pub commands: Vec<String>,
    /// The repository, where the event names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoRef>,
    /// The branch to start from; the repository's default branch unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Variables for the commands. Not for secrets: the sandbox holds none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The folder the commands start in, below the repository's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// How long all commands together may take; 30 minutes unless said.
    #[serde(default = "RunSpec::default_timeout")]
    pub timeout: Span,
    /// What a failing `validate` command of the repository means; `required` unless said.
    #[serde(default)]
    pub validate: Validate,
}

impl RunSpec {
    fn default_timeout() -> Span {
        Span(Duration::from_secs(30 * 60))
    }
}

/// What a failing validation means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validate {
    /// Not run.
    Off,
    /// Reported, and published all the same.
    Advisory,
    /// Nothing is published.
    #[default]
    Required,
}

/// What is written to the forge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Open a pull request with the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestOutput>,
    /// Whether and how to comment.
    #[serde(default)]
    pub comment: CommentOutput,
    /// Set a check or commit status on the pushed commit.
    #[serde(default = "yes")]
    pub check: bool,
}

fn yes() -> bool {
    true
}

/// How the pull request looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRequestOutput {
    /// Its title; made from the automation's and the work item's name unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether it opens as a draft; true unless said.
    #[serde(default = "yes")]
    pub draft: bool,
    /// What its branch begins with; the only refs the run may push. `pullwright/` unless said.
    #[serde(default = "PullRequestOutput::default_prefix")]
    pub branch_prefix: String,
}

impl PullRequestOutput {
    fn default_prefix() -> String {
        "pullwright/".to_owned()
    }
}

impl Default for PullRequestOutput {
    fn default() -> Self {
        Self { title: None, draft: true, branch_prefix: Self::default_prefix() }
    }
}

/// Whether and how to comment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentOutput {
    /// Never.
    None,
    /// One status comment, edited in place.
    #[default]
    Update,
}

/// A length of time as people write it: `90s`, `45m`, `2h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time such as `90s`, `45m`, `2h` or `1d`")]
pub struct InvalidSpan(pub String);

impl std::str::FromStr for Span {
    type Err = InvalidSpan;
    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let invalid = || InvalidSpan(text.to_owned());
        let unit = text.chars().last().ok_or_else(invalid)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(invalid()),
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid());
        }
        let count: u64 = digits.parse().map_err(|_| invalid())?;
        count.checked_mul(seconds).map(|s| Self(Duration::from_secs(s))).ok_or_else(invalid)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => f.write_str("0s"),
            s if s % 86_400 == 0 => write!(f, "{}d", s / 86_400),
            s if s % 3600 == 0 => write!(f, "{}h", s / 3600),
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Automation {
    /// The pull request's title, where the automation sets one.
    #[must_use]
    pub fn title(&self) -> Option<&String> {
        self.output.pull_request.as_ref()?.title.as_ref()
    }
}
