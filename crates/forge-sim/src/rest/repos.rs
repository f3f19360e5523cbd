//! Repositories, branches, refs and what collaborators may do.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use schemas::automation::Permission;
use serde_json::{Value, json};

use super::Call;
use super::call::RepoPath;
use crate::answer::{ApiError, Paging};
use crate::auth::Caller;
use crate::bare::BareRepository;

pub(crate) async fn get(call: Call, Path((owner, name)): Path<RepoPath>) -> Result<Json<Value>, ApiError> {
    let mut model = call.model();
    call.enter(&mut model, (&owner, &name), Permission::Read)?;
    let value = call.render(&model, (&owner, &name), |render, repo| {
        render.repository(repo, Some(call.caller.permission(repo)))
    })?;
    Ok(Json(value))
}

/// The repositories that the token's user has a part in.
pub(crate) async fn of_user(
    call: Call,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let Caller::User { login } = &call.caller else {
        return Err(ApiError::forbidden("Resource not accessible by integration"));
    };
    let model = call.model();
    let render = call.renderer(&model);
    let ours =
        model.repositories.values().filter(|repo| repo.permissions.contains_key(&login.to_lowercase()));
    let all = ours.map(|repo| render.repository(repo, Some(repo.permission(login)))).collect();
    Ok(paging.cut::<Value>(&call.api, &uri, all))
}

/// The repositories that an installation's token covers.
pub(crate) async fn of_installation(
    call: Call,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    if !matches!(call.caller, Caller::Installation { .. }) {
        return Err(ApiError::forbidden("Resource not accessible by personal access token"));
    }
    let model = call.model();
    let render = call.renderer(&model);
    let covered =
        model.repositories.values().filter(|repo| call.caller.permission(repo) >= Permission::Write);
    let all: Vec<Value> =
        covered.map(|repo| render.repository(repo, Some(call.caller.permission(repo)))).collect();
    Ok(paging.cut_named(&call.api, &uri, "repositories", all))
}

pub(crate) async fn branches(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let bare = readable(&call, &owner, &name)?;
    let url = format!("{}/repos/{owner}/{name}", call.api);
    let one = |(branch, sha): (String, String)| json!({ "name": branch, "commit": { "sha": sha, "url": format!("{url}/commits/{sha}") }, "protected": false });
    let all: Vec<Value> = bare.branches().await?.into_iter().map(one).collect();
    Ok(paging.cut(&call.api, &uri, all))
}

pub(crate) async fn branch(
    call: Call,
    Path((owner, name, branch)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let bare = readable(&call, &owner, &name)?;
    let missing = || ApiError::new(StatusCode::NOT_FOUND, "Branch not found");
    let sha = bare.branch(&branch).await?.ok_or_else(missing)?;
    let [author, email, date, message] = bare.commit(&sha).await?;
    let url = format!("{}/repos/{owner}/{name}", call.api);
    let person = json!({ "name": author, "email": email, "date": date });
    Ok(Json(json!({
        "name": branch,
        "commit": {
            "sha": sha,
            "node_id": crate::render::node("Commit", 0),
            "commit": { "author": person, "committer": person, "message": message, "comment_count": 0 },
            "url": format!("{url}/commits/{sha}"),
            "html_url": format!("{}/{owner}/{name}/commit/{sha}", call.world.url),
            "comments_url": format!("{url}/commits/{sha}/comments"),
            "author": null, "committer": null, "parents": [],
        },
        "_links": {
            "self": format!("{url}/branches/{branch}"),
            "html": format!("{}/{owner}/{name}/tree/{branch}", call.world.url),
        },
        "protected": false,
        "protection": { "enabled": false },
        "protection_url": format!("{url}/branches/{branch}/protection"),
    })))
}

pub(crate) async fn reference(
    call: Call,
    Path((owner, name, reference)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let bare = readable(&call, &owner, &name)?;
    let branch = reference.strip_prefix("heads/").ok_or_else(ApiError::not_found)?;
    let sha = bare.branch(branch).await?.ok_or_else(ApiError::not_found)?;
    let url = format!("{}/repos/{owner}/{name}/git", call.api);
    Ok(Json(json!({
        "ref": format!("refs/{reference}"),
        "node_id": crate::render::node("Ref", 0),
        "url": format!("{url}/refs/{reference}"),
        "object": { "type": "commit", "sha": sha, "url": format!("{url}/commits/{sha}") },
    })))
}

pub(crate) async fn permission(
    call: Call,
    Path((owner, name, login)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let mut model = call.model();
    call.enter(&mut model, (&owner, &name), Permission::Write)?;
    let missing = || ApiError::new(StatusCode::NOT_FOUND, format!("{login} is not a user"));
    let user = model.users.get(&login.to_lowercase()).ok_or_else(missing)?;
    let value = call.render(&model, (&owner, &name), |render, repo| {
        let role = repo.permission(&user.login);
        // The old field knows four words only: maintain reads as write, triage as read.
        let permission = match role {
            Permission::Maintain => Permission::Write,
            Permission::Triage => Permission::Read,
            other => other,
        };
        let mut account = render.account(user);
        account["role_name"] = role.to_string().into();
        json!({ "permission": permission.to_string(), "role_name": role.to_string(), "user": account })
    })?;
    Ok(Json(value))
}

/// The bare repository, for a caller who may read it.
fn readable(call: &Call, owner: &str, name: &str) -> Result<BareRepository, ApiError> {
    call.enter(&mut call.model(), (owner, name), Permission::Read)?;
    Ok(call.world.bare(owner, name))
}
