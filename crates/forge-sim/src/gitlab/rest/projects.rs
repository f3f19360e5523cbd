//! Projects, their branches, members and hooks.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{GUEST, MAINTAINER};
use crate::gitlab::answer::{ApiError, Paging};
use crate::gitlab::auth::Caller;
use crate::gitlab::model::Project;

pub(crate) async fn get(caller: Caller, Path(project): Path<String>) -> Result<Json<Value>, ApiError> {
    let mut state = caller.state();
    let project = caller.enter(&mut state, &project, 0)?.clone();
    Ok(Json(caller.render(&state).project(&project, &caller.user)))
}

/// Which projects of a list.
#[derive(Deserialize)]
pub(crate) struct Filter {
    membership: Option<bool>,
    archived: Option<bool>,
    min_access_level: Option<u64>,
}

pub(crate) async fn list(
    caller: Caller,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let state = caller.state();
    let render = caller.render(&state);
    let wanted = |project: &&Project| {
        let level = project.members.get(&caller.user.id).copied();
        let open = filter.membership != Some(true) && project.visibility == "public";
        (level.is_some() || open)
            && filter.archived.is_none_or(|archived| archived == project.archived)
            && filter.min_access_level.is_none_or(|least| level.unwrap_or(0) >= least)
    };
    let all = state.projects.values().filter(wanted).map(|p| render.project(p, &caller.user)).collect();
    Ok(paging.cut(&caller.world.url, &uri, all))
}

pub(crate) async fn branch(
    caller: Caller,
    Path((project, branch)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let (path, default) = {
        let mut state = caller.state();
        let project = caller.enter(&mut state, &project, 0)?;
        (project.path.clone(), project.default_branch.clone())
    };
    let head = caller.world.gitlab_bare(&path).branch(&branch).await?;
    let head = head.ok_or_else(|| ApiError::not_found("Branch"))?;
    Ok(Json(json!({
        "name": branch,
        "merged": false,
        "protected": branch == default,
        "default": branch == default,
        "can_push": true,
        "commit": { "id": head, "short_id": head.get(..8) },
    })))
}

pub(crate) async fn member(
    caller: Caller,
    Path((project, user)): Path<(String, u64)>,
) -> Result<Json<Value>, ApiError> {
    let mut state = caller.state();
    let level = caller.enter(&mut state, &project, GUEST)?.members.get(&user).copied();
    let found = level.and_then(|level| Some((state.users.get(&user)?, level)));
    let (user, level) = found.ok_or_else(|| ApiError::not_found("Member"))?;
    Ok(Json(caller.render(&state).member(user, level)))
}

pub(crate) async fn hooks(
    caller: Caller,
    Path(project): Path<String>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut state = caller.state();
    let project = caller.enter(&mut state, &project, MAINTAINER)?.clone();
    let render = caller.render(&state);
    let all = project.hooks.iter().map(|hook| render.hook(&project, hook)).collect();
    Ok(paging.cut(&caller.world.url, &uri, all))
}
