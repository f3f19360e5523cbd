//! Projects: facts, branches, and the way for git.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gitlab::api::common::AccessLevel;
use gitlab::api::projects::repository::branches::Branch as GetBranch;
use gitlab::api::projects::{Project as GetProject, Projects};
use schemas::{ConnectionName, Oid, RepoRef};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::call::{Call, built};
use crate::git_http::GitEndpoint;
use crate::{ForgeError, RepositoryFacts};

#[derive(Deserialize)]
struct Project {
    /// Missing in a repository without commits.
    default_branch: Option<String>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    visibility: String,
    permissions: Option<Permissions>,
}

/// Our own access, from the project and from its group; the greater one counts.
#[derive(Deserialize)]
struct Permissions {
    project_access: Option<Access>,
    group_access: Option<Access>,
}

#[derive(Deserialize)]
struct Access {
    access_level: u64,
}

#[derive(Deserialize)]
struct Branch {
    commit: Commit,
}

#[derive(Deserialize)]
struct Commit {
    id: Oid,
}

/// The access level of developers, who may push.
const DEVELOPER: u64 = 30;

async fn project(call: &Call<'_>, repo: &RepoRef) -> Result<Project, ForgeError> {
    let endpoint = built(GetProject::builder().project(repo.path.as_str()).build())?;
    call.get(endpoint, &format!("the project {repo}")).await
}

pub(super) async fn facts(call: &Call<'_>, repo: &RepoRef) -> Result<RepositoryFacts, ForgeError> {
    let found = project(call, repo).await?;
    let level = |access: Option<Access>| access.map_or(0, |access| access.access_level);
    // Without both, an administrator or an inherited group: it cannot be told.
    let known = |p: &Permissions| p.project_access.is_some() || p.group_access.is_some();
    let can_push = found.permissions.filter(known).map(|permissions| {
        level(permissions.project_access).max(level(permissions.group_access)) >= DEVELOPER
    });
    Ok(RepositoryFacts {
        default_branch: found.default_branch.unwrap_or_else(|| "main".to_owned()),
        archived: found.archived,
        can_push,
    })
}

#[derive(Deserialize)]
struct Listed {
    path_with_namespace: String,
}

/// Every project that we are a member of and may push to.
pub(super) async fn list(call: &Call<'_>, connection: &ConnectionName) -> Result<Vec<RepoRef>, ForgeError> {
    let mut endpoint = Projects::builder();
    endpoint.membership(true).archived(false).min_access_level(AccessLevel::Developer).simple(true);
    let mut found = Vec::new();
    let keep = |listed: Listed| {
        found.extend(RepoRef::new(connection, &listed.path_with_namespace));
        None::<()>
    };
    call.find(built(endpoint.build())?, "the list of projects", keep).await?;
    Ok(found)
}

/// Whether everybody sees the project.
pub(super) async fn is_public(call: &Call<'_>, repo: &RepoRef) -> Result<bool, ForgeError> {
    Ok(project(call, repo).await?.visibility == "public")
}

pub(super) async fn branch_head(
    call: &Call<'_>,
    repo: &RepoRef,
    branch: &str,
) -> Result<Option<Oid>, ForgeError> {
    if !may_be_a_branch(branch) {
        return Ok(None);
    }
    let endpoint = built(GetBranch::builder().project(repo.path.as_str()).branch(branch).build())?;
    match call.get::<Branch>(endpoint, "the branch").await {
        Ok(found) => Ok(Some(found.commit.id)),
        // Either has no such branch, or the project is not there for us: the answers are alike.
        Err(ForgeError::NotFound { .. }) => project(call, repo).await.map(|_| None),
        Err(error) => Err(error),
    }
}

/// What git itself refuses (git check-ref-format) is no branch, and could mean another path.
fn may_be_a_branch(name: &str) -> bool {
    let odd = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    !name.is_empty()
        && name.len() <= 255
        && !name.contains("..")
        && !name.contains(odd)
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

pub(super) fn git(call: &Call<'_>, repo: &RepoRef) -> GitEndpoint {
    let shared = call.gitlab;
    // Any user name will do with a token; this is the one that GitLab documents.
    let pair = BASE64_STANDARD.encode(format!("oauth2:{}", shared.token.expose_secret()));
    GitEndpoint {
        url: format!("{}{}.git", shared.root, repo.path),
        authorization: SecretString::from(format!("Basic {pair}")),
        client: shared.git_client.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_branches() {
        for (name, expected) in [
            ("main", true),
            ("pullwright/1#ü", true),
            ("a..b", false),
            (".", false),
            ("..", false),
            ("a/../b", false),
            ("a\\..\\..\\b", false),
            ("a//b", false),
            ("a b", false),
            ("", false),
        ] {
            assert_eq!(may_be_a_branch(name), expected, "{name}");
        }
    }
}
