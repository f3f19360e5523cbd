//! Who we are, and what others may do: the token's user, members of a project.

use gitlab::api::personal_access_tokens::PersonalAccessTokenSelf;
use gitlab::api::projects::members::AllProjectMember;
use gitlab::api::users::{CurrentUser, Users};
use schemas::RepoRef;
use schemas::automation::Permission;
use serde::Deserialize;

use super::call::{Call, built};
use super::projects;
use crate::{ForgeError, Identity};

/// No user name is longer (`User::MAX_USERNAME_LENGTH`).
const MAX_LOGIN: usize = 255;

#[derive(Deserialize)]
struct User {
    id: u64,
    username: String,
    /// Missing before 16.0.
    #[serde(default)]
    bot: bool,
}

#[derive(Deserialize)]
struct Token {
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Member {
    access_level: u64,
    #[serde(default = "active")]
    state: String,
}

fn active() -> String {
    "active".to_owned()
}

pub(super) async fn identity(call: &Call<'_>) -> Result<Identity, ForgeError> {
    let user: User = me(call).await?;
    let clock = call.clock();
    // A token may lack the right to look at itself; that says nothing against it.
    let token: Option<Token> =
        call.get(built(PersonalAccessTokenSelf::builder().build())?, "our token").await.ok();
    Ok(Identity {
        id: user.id.to_string(),
        machine: user.bot || is_token_user(&user.username),
        login: user.username,
        grants: token.map(|token| token.scopes),
        clock,
    })
}

async fn me(call: &Call<'_>) -> Result<User, ForgeError> {
    call.get(built(CurrentUser::builder().build())?, "our account").await
}

/// The user that a project or group token makes for itself, `project_12_bot_0c62…`
/// (<https://docs.gitlab.com/user/project/settings/project_access_tokens/#bot-users-for-projects>).
fn is_token_user(username: &str) -> bool {
    let rest = username.strip_prefix("project_").or_else(|| username.strip_prefix("group_"));
    rest.and_then(|rest| rest.split_once("_bot"))
        .is_some_and(|(id, _)| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

/// Our account's id, asked for once.
pub(super) async fn id(call: &Call<'_>) -> Result<u64, ForgeError> {
    let id = call.gitlab.user_id.get_or_try_init(|| async { me(call).await.map(|user| user.id) });
    id.await.copied()
}

/// The account of that name, if there is one.
pub(super) async fn user_id(call: &Call<'_>, login: &str) -> Result<Option<u64>, ForgeError> {
    if login.is_empty() || login.len() > MAX_LOGIN {
        return Ok(None);
    }
    let users = built(Users::builder().username(login).build())?;
    let found: Vec<User> = call.get(users, "the account").await?;
    Ok(found.into_iter().find(|user| user.username.eq_ignore_ascii_case(login)).map(|user| user.id))
}

pub(super) async fn permission(
    call: &Call<'_>,
    repo: &RepoRef,
    login: &str,
) -> Result<Permission, ForgeError> {
    let Some(user) = user_id(call, login).await? else { return Ok(Permission::None) };
    let member = built(AllProjectMember::builder().project(repo.path.as_str()).user(user).build())?;
    match call.get::<Member>(member, "the member").await {
        Ok(member) if member.state == "active" => Ok(level(member.access_level)),
        Ok(_) => Ok(Permission::None),
        // Either no member, or a project that is not there for us: the answers are alike.
        Err(ForgeError::NotFound { .. }) => {
            let public = projects::is_public(call, repo).await?;
            Ok(if public { Permission::Read } else { Permission::None })
        }
        Err(error) => Err(error),
    }
}

/// Access levels after <https://docs.gitlab.com/api/members/#roles>. Planners and reporters label
/// and assign issues without pushing; custom roles have the level of the role they are based on.
fn level(access_level: u64) -> Permission {
    match access_level {
        50.. => Permission::Admin,
        40.. => Permission::Maintain,
        30.. => Permission::Write,
        15.. => Permission::Triage,
        10.. => Permission::Read,
        // "Minimal access" sees the group and no project.
        _ => Permission::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_tokens_are_known_by_their_name() {
        for (name, expected) in [
            ("project_12_bot_0c62a1", true),
            ("project_12_bot", true),
            ("group_7_bot_ff", true),
            ("project_bot", false),
            ("project_x_bot", false),
            ("project__bot", false),
            ("ana", false),
        ] {
            assert_eq!(is_token_user(name), expected, "{name}");
        }
    }
}
