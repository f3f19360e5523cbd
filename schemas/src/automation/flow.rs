//! What holds a matching event up: repeats, bursts, other runs, money.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Span, Usd};

/// `dedupe:` what makes a match needless.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dedupe {
    /// No run while a pull request of ours for the same work item is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_if_open_pr: Option<bool>,
}

/// `debounce:` events of one work item within a window make one run, which lists them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Debounce {
    /// How long it has to be quiet.
    pub window: Span,
    /// When to start at the latest after the first; ten windows unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<Span>,
}

/// `concurrency:` how many runs at a time. One work item has one active run in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Concurrency {
    /// Which runs count together: `work_item`, `repo`, `automation`, or a name of one's own that
    /// several automations share. `automation` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How many of them at a time; 1 unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// What happens to one too many; `queue` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_full: Option<OnFull>,
}

/// What happens to a run that finds its group full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// It waits its turn; nothing is pushed out.
    #[default]
    Queue,
    /// It is not started.
    Skip,
    /// The group's other runs are cancelled; it waits for their end.
    CancelInProgress,
}

/// `budget:` money, reserved when a run is admitted. Days are UTC's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// What one run may spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_usd: Option<Usd>,
    /// What the automation's runs may spend in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_usd: Option<Usd>,
    /// What all runs of the repository may have spent in a day for this one to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_day_usd: Option<Usd>,
    /// What all runs of whoever triggers it may have spent in a day for this one to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_day_usd: Option<Usd>,
}
