//! `allow:` who may start an automation.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may start an automation. Asked of the forge or tracker, and refused when it cannot answer.
///
/// The permission must hold; where `users`, `teams`, `groups` or `roles` are given, one of them too.
/// What a tool does by itself (a schedule, an alert) needs none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// The least permission on the repository. Not asked about people of a tracker, who have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// People by login; of Jira by account id or name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// GitHub's teams `org/team` and GitLab's groups `group/sub`, of which one has to have them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// Jira's groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Jira's roles in the project.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Bots and apps that may, by login; none unless named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bots: Vec<String>,
    /// Whether a change that lies in a fork may start it; no unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forks: Option<bool>,
}

impl Allow {
    /// Whether people have to be in one of its lists.
    #[must_use]
    pub fn restricts_people(&self) -> bool {
        [&self.users, &self.teams, &self.groups, &self.roles].iter().any(|list| !list.is_empty())
    }
}

/// What somebody may do in a repository, weakest first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    JsonSchema,
)]
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
