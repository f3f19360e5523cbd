//! Repositories: facts, branches, what people may do there, and the way for git.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemas::automation::Permission;
use schemas::{ConnectionName, Oid, RepoRef};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::Access;
use super::app::Installation;
use super::call::Call;
use super::route::Route;
use crate::git_http::GitEndpoint;
use crate::{ForgeError, RepositoryFacts};

#[derive(Deserialize)]
struct Repository {
    default_branch: String,
    #[serde(default)]
    archived: bool,
    permissions: Option<Flags>,
}

/// A repository in a list.
#[derive(Deserialize)]
struct Listed {
    full_name: String,
    #[serde(default)]
    archived: bool,
    /// Lists of an installation may have none.
    permissions: Option<Flags>,
}

#[derive(Deserialize)]
struct Flags {
    push: bool,
}

#[derive(Deserialize)]
struct Reference {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: Oid,
}

#[derive(Deserialize)]
struct Collaborator {
    permission: String,
    /// Missing before Enterprise Server 3.2.
    role_name: Option<String>,
}

pub(super) async fn facts(call: &Call<'_>, repo: &RepoRef) -> Result<RepositoryFacts, ForgeError> {
    let api = call.api(repo).await?;
    let what = format!("the repository {repo}");
    let found: Repository = call.get(&api, &Route::repo(repo)?, &what).await?;
    Ok(RepositoryFacts {
        default_branch: found.default_branch,
        archived: found.archived,
        can_push: found.permissions.map(|p| p.push),
    })
}

/// Every repository that we may push to.
pub(super) async fn list(call: &Call<'_>, connection: &ConnectionName) -> Result<Vec<RepoRef>, ForgeError> {
    const WHAT: &str = "the list of repositories";
    let mut found: Vec<Listed> = Vec::new();
    match &call.github.access {
        Access::Token { api, .. } => {
            found = call.list(api, &Route::fixed("/user/repos"), WHAT).await?;
        }
        Access::App { installations, .. } => {
            let all: Vec<Installation> =
                call.list(&installations.app, &Route::fixed("/app/installations"), WHAT).await?;
            for installation in all.into_iter().filter(|installation| installation.suspended_at.is_none()) {
                let api = installations.client(installation.id)?;
                found.extend(call.list(&api, &Route::fixed("/installation/repositories"), WHAT).await?);
            }
        }
    }
    let ours = |listed: &Listed| !listed.archived && listed.permissions.as_ref().is_none_or(|p| p.push);
    Ok(found
        .iter()
        .filter(|listed| ours(listed))
        .filter_map(|listed| RepoRef::new(connection, &listed.full_name).ok())
        .collect())
}

pub(super) async fn branch_head(
    call: &Call<'_>,
    repo: &RepoRef,
    branch: &str,
) -> Result<Option<Oid>, ForgeError> {
    let api = call.api(repo).await?;
    let mut route = Route::repo(repo)?.then("git/ref/heads");
    for part in branch.split('/') {
        // A name with an empty or dotted part is no branch (git check-ref-format).
        let Ok(longer) = route.with(part) else { return Ok(None) };
        route = longer;
    }
    match call.get::<Reference>(&api, &route, "the branch").await {
        Ok(found) => Ok(Some(found.object.sha)),
        // A repository without commits answers 409.
        Err(ForgeError::Refused { status: 409, .. }) => Ok(None),
        // Either has no such branch, or the repository is not there for us: the answers are alike.
        Err(ForgeError::NotFound { .. }) => facts(call, repo).await.map(|_| None),
        Err(error) => Err(error),
    }
}

pub(super) async fn permission(
    call: &Call<'_>,
    repo: &RepoRef,
    login: &str,
) -> Result<Permission, ForgeError> {
    let api = call.api(repo).await?;
    let Ok(route) = Route::repo(repo)?.then("collaborators").with(login) else { return Ok(Permission::None) };
    match call.get::<Collaborator>(&api, &route.then("permission"), "the collaborator").await {
        Ok(found) => {
            // A custom role has a name of its own; `permission` then says what it amounts to.
            let role = found.role_name.as_deref().and_then(word);
            Ok(role.or_else(|| word(&found.permission)).unwrap_or(Permission::None))
        }
        Err(ForgeError::NotFound { .. }) => Ok(Permission::None),
        Err(error) => Err(error),
    }
}

fn word(text: &str) -> Option<Permission> {
    Some(match text {
        "none" => Permission::None,
        "read" => Permission::Read,
        "triage" => Permission::Triage,
        "write" => Permission::Write,
        "maintain" => Permission::Maintain,
        "admin" => Permission::Admin,
        _ => return None,
    })
}

pub(super) async fn git(call: &Call<'_>, repo: &RepoRef) -> Result<GitEndpoint, ForgeError> {
    let token = match &call.github.access {
        Access::Token { token, .. } => token.clone(),
        Access::App { installations, .. } => installations.of(repo).await?.token,
    };
    // Any user name will do; this is the one that GitHub documents for installation tokens.
    let pair = BASE64_STANDARD.encode(format!("x-access-token:{}", token.expose_secret()));
    Ok(GitEndpoint {
        url: format!("{}/{}.git", call.github.git_root, repo.path),
        authorization: SecretString::from(format!("Basic {pair}")),
        client: call.github.git_client.clone(),
    })
}
