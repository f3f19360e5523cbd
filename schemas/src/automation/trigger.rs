//! `on:` what starts an automation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, Span};
use crate::event::{EventType, SourceKind};
use crate::id::ConnectionName;

/// One way to start an automation; every key that is set must hold. Either `source` and `event`, or
/// `schedule`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trigger {
    /// The kind of sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceKind>,
    /// Only events of this connection, where several are of one kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionName>,
    /// What happened.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub event: OneOrMany<EventType>,

    /// The label that was just put on, taken off again once the run is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_command: Option<String>,
    /// The label that was just put on or taken off; it stays as it is.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub label: OneOrMany<String>,
    /// Labels the item carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelFilter>,
    /// Globs: the branch a pull request goes to, that was pushed to, or that a pipeline ran on.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub branches: OneOrMany<String>,
    /// Globs over the changed files, of which one has to match; `!` excludes. The forge is asked.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub paths: OneOrMany<String>,
    /// Whether the pull request is a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// Whether the change lies in a fork.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fork: Option<bool>,
    /// Whether the pull request is one that we opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_pull_request: Option<bool>,
    /// The verdict of a review.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub state: OneOrMany<ReviewState>,
    /// A line of a comment that begins with this word, not in a quote or in code: `/agent`.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub command: OneOrMany<String>,
    /// A name that the text mentions, not in a quote or in code: `@pullwright`.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub mention: OneOrMany<String>,
    /// The tracker's project: Jira's key `PAY`, Sentry's slug `api`.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub project: OneOrMany<String>,
    /// The severity of an alert or error.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub level: OneOrMany<String>,
    /// Where an error happened, as its sender calls it: `production`.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub environment: OneOrMany<String>,
    /// How a pipeline ended.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub conclusion: OneOrMany<String>,
    /// The status an issue moved to, in any case of letters.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub to: OneOrMany<String>,
    /// The caller's name for what it dispatched.
    #[serde(skip_serializing_if = "OneOrMany::is_unset")]
    pub dispatch: OneOrMany<String>,

    /// When: standard cron, `0 6 * * MON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// By whose clocks, `Europe/Berlin`; UTC unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What happens to times that nobody was there for; `latest` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<CatchUp>,
    /// How many of them, with `catch_up: all`; 10 unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catch_up_limit: Option<u32>,
    /// Spreads the repositories' runs over this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Span>,
}

/// A condition on the labels an item carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LabelFilter {
    /// At least one of these, when not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<String>,
    /// Each of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<String>,
    /// None of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub none: Vec<String>,
}

/// The verdict of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// It may be merged.
    Approved,
    /// It may not yet.
    ChangesRequested,
    /// Neither.
    Commented,
}

impl ReviewState {
    /// The word, as an event has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::ChangesRequested => "changes_requested",
            Self::Commented => "commented",
        }
    }
}

/// What happens to ticks of a schedule that nobody was there for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// They do not fire.
    Skip,
    /// The newest fires.
    #[default]
    Latest,
    /// The newest fire, up to a limit.
    All,
}
