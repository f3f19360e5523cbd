//! Groups of an account, and roles in a project.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Jira;
use crate::ForgeError;

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    groups: Groups,
}

#[derive(Default, Deserialize)]
struct Groups {
    #[serde(default)]
    size: usize,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
}

#[derive(Deserialize)]
struct Role {
    #[serde(default)]
    actors: Vec<RoleActor>,
}

/// An account or a group that has a role.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleActor {
    /// Of a group its name, of an account on Data Center too.
    #[serde(default)]
    name: String,
    r#type: String,
    actor_user: Option<ActorUser>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActorUser {
    account_id: Option<String>,
}

pub(super) async fn in_group(jira: &Jira, group: &str, account: &str) -> Result<bool, ForgeError> {
    Ok(groups(jira, account).await?.iter().any(|name| name.eq_ignore_ascii_case(group)))
}

/// The groups of an account; none for one that is not known.
async fn groups(jira: &Jira, account: &str) -> Result<Vec<String>, ForgeError> {
    let what = format!("the account `{account}`");
    let query = [(jira.account_key, account), ("expand", "groups")];
    let found = match jira.get::<User>(&["user"], &query, &what).await {
        Ok(user) => user.groups,
        Err(ForgeError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    if found.size > found.items.len() {
        return Err(ForgeError::TooLarge {
            what: format!("the list of groups of {what}"),
            limit: "one page",
        });
    }
    Ok(found.items.into_iter().map(|group| group.name).collect())
}

pub(super) async fn in_role(
    jira: &Jira,
    project: &str,
    role: &str,
    account: &str,
) -> Result<bool, ForgeError> {
    let what = format!("the role `{role}` in the project `{project}`");
    // By name, with addresses whose last part is the role's id.
    let roles: BTreeMap<String, String> = jira.get(&["project", project, "role"], &[], &what).await?;
    let address = roles.iter().find(|(name, _)| name.eq_ignore_ascii_case(role)).map(|(_, address)| address);
    let id = address.and_then(|address| address.rsplit('/').next());
    let id = id.ok_or_else(|| ForgeError::NotFound { what: what.clone() })?;
    let found: Role = jira.get(&["project", project, "role", id], &[], &what).await?;
    let (of_groups, of_accounts): (Vec<_>, Vec<_>) =
        found.actors.into_iter().partition(|actor| actor.r#type == "atlassian-group-role-actor");
    let is_account = |actor: &RoleActor| match &actor.actor_user {
        Some(ActorUser { account_id: Some(id) }) => id == account,
        _ => actor.name == account,
    };
    if of_accounts.iter().any(is_account) {
        return Ok(true);
    }
    if of_groups.is_empty() {
        return Ok(false);
    }
    let own = groups(jira, account).await?;
    Ok(of_groups.iter().any(|actor| own.iter().any(|name| name.eq_ignore_ascii_case(&actor.name))))
}
