//! Automations as people write them; the loader in `dispatcher` checks what types cannot say.
//!
//! Whatever is not written is not there: a file's `defaults` are put under each automation before
//! anything is filled in, and the accessors fill in the rest.

mod allow;
mod flow;
mod json_schema;
mod one_or_many;
mod output;
mod run_spec;
mod span;
mod trigger;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AutomationName, RepoRef};

pub use allow::{Allow, Permission};
pub use flow::{Budget, Concurrency, Debounce, Dedupe, OnFull};
pub use json_schema::json_schema;
pub use one_or_many::OneOrMany;
pub use output::{ChangeLimits, CommentOutput, IssueOutput, Output, PullRequestOutput};
pub use run_spec::{Approval, Retry, RunSpec, Validate};
pub use span::{InvalidSpan, Span, Usd};
pub use trigger::{CatchUp, LabelFilter, ReviewState, Trigger};

/// One file of automations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// What a file's automations have in common: any key of theirs but what makes each its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// How far they go; `live` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Repositories they may act on, as globs; `!` excludes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repos: Vec<String>,
    /// Who may start them; `permission: write` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Allow>,
    /// What makes a match needless.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<Dedupe>,
    /// How long to wait for more of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debounce: Option<Debounce>,
    /// How many runs at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// What may be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What the worker does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSpec>,
    /// What is written to forges and trackers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
}

/// When to act, for whom, what to run and what to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// A condition in CEL over the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#if: Option<String>,
    /// What makes a match needless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<Dedupe>,
    /// How long to wait for more of the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debounce: Option<Debounce>,
    /// How many runs at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// What may be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What the worker does.
    #[serde(default)]
    pub run: RunSpec,
    /// What is written to forges and trackers.
    #[serde(default)]
    pub output: Output,
    /// Deliveries and what it has to make of them, for `pullwright test`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<AutomationTest>,
}

impl Automation {
    /// The pull request's title, where the automation sets one.
    #[must_use]
    pub fn title(&self) -> Option<&String> {
        self.output.pull_request.as_ref()?.title.as_ref()
    }
}

/// How far an automation goes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, JsonSchema,
)]
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

/// A delivery and what the automation has to make of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutomationTest {
    /// A file with the body, beside the automations.
    pub payload: String,
    /// The webhook it arrives at, by its name in `pullwright.yaml`.
    pub webhook: String,
    /// The headers that tell what the body is, where the sender has some: `x-github-event: issues`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What the forge would say when asked.
    #[serde(default)]
    pub facts: TestFacts,
    /// What has to be decided.
    pub expect: Expectation,
}

/// What the forge would say when asked. Whatever is not given was not answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestFacts {
    /// What the actor may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// The teams, groups and roles that the actor is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// The changed files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    /// Whether the pull request is one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_pull_request: Option<bool>,
    /// The pull request that a comment is about; one of ours goes to `main` and is no draft unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<TestPullRequest>,
    /// Whether a pull request of ours for the work item is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_pull_request: Option<bool>,
}

/// A pull request, as far as an automation asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestPullRequest {
    /// The branch it goes to; `main` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether its change lies in a fork.
    pub fork: bool,
}

/// What has to be decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The decision's word: `matched`, `not_matched`, `denied`.
    pub decision: String,
    /// Which clause did not hold: `labels.none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Where a run would work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepoRef>,
}
