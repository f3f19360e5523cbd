//! `run:` what the worker does.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Permission, Span};
use crate::id::{Pool, RepoRef};

/// What the worker does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunSpec {
    /// Shell commands, in order, in the sandbox; the first that fails ends the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// The coding agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What the agent is told; the operator's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// A file with what the agent is told, beside the automations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_file: Option<String>,
    /// Commands that are asked first: one that fails ends the run as `no_change` before anything
    /// costs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gate: Vec<String>,
    /// Who has to agree before it starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,

    /// The repository, where the event names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoRef>,
    /// The branch to start from; the repository's default branch unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Other repositories that are laid beside it, for reading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_repos: Vec<RepoRef>,
    /// Variables for the commands. Not for secrets: the sandbox holds none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The folder the commands start in, below the repository's root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,

    /// The container image; `host` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Hosts, or names of registries, that commands may reach.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<String>,
    /// The MCP servers that the agent may use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mcp: Vec<String>,
    /// The workers that take it; `default` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub pool: Option<Pool>,

    /// How long all commands together may take; 30 minutes unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What a failing `validate` command of the repository means; `required` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate: Option<Validate>,
    /// How often a failed validation goes back to the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_repairs: Option<u32>,
    /// Whether the agent goes on with the work item's conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<bool>,
    /// How often something is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

impl RunSpec {
    /// How long all commands together may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.map_or(Duration::from_secs(30 * 60), |span| span.0)
    }

    /// What a failing validation means.
    #[must_use]
    pub fn validate(&self) -> Validate {
        self.validate.unwrap_or_default()
    }
}

/// What a failing validation means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Who has to agree before a run starts. Whoever triggered it cannot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Approval {
    /// The least permission on the repository; `write` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// Only these logins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Only members of one of these teams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// After which time nobody can any more; 7 days unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Span>,
}

/// How often something is tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How often a run is given to another worker after one was lost; 1 unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_lost: Option<u32>,
    /// How often an agent that was lost is paid for again; 1 unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_lost: Option<u32>,
}
