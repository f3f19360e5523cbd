//! Folders and files at a commit.

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::bare::BareRepository;
use crate::gitlab::answer::{ApiError, Paging};
use crate::gitlab::auth::Caller;

/// `ref`, `path`, `recursive`.
type Which = Query<BTreeMap<String, String>>;

pub(crate) async fn tree(
    caller: Caller,
    Path(project): Path<String>,
    Query(which): Which,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let (bare, commit) = at(&caller, &project, &which).await?;
    let path = which.get("path").map_or("", |path| path.trim_matches('/'));
    let recursive = which.get("recursive").is_some_and(|word| word == "true");
    let entries = bare.tree(&commit, path, recursive).await.ok_or_else(|| ApiError::not_found("Tree"))?;
    let one = |entry: &crate::bare::TreeEntry| {
        json!({
            "id": entry.id, "name": entry.path.rsplit('/').next(), "path": entry.path,
            "type": entry.kind, "mode": entry.mode,
        })
    };
    let all: Vec<Value> = entries.iter().map(one).collect();
    Ok(paging.cut(&caller.world.url, &uri, all))
}

pub(crate) async fn raw(
    caller: Caller,
    Path((project, path)): Path<(String, String)>,
    Query(which): Which,
) -> Result<Response, ApiError> {
    let (bare, commit) = at(&caller, &project, &which).await?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = bare.tree(&commit, folder, false).await.unwrap_or_default();
    let missing = || ApiError::not_found("File");
    let entry = beside.into_iter().find(|entry| entry.path == path && entry.kind == "blob");
    let content = bare.blob(&entry.ok_or_else(missing)?.id).await.ok_or_else(missing)?;
    Ok(([("content-type", "application/octet-stream")], content).into_response())
}

/// The bare repository and the commit, for a caller who may read it.
async fn at(
    caller: &Caller,
    project: &str,
    which: &BTreeMap<String, String>,
) -> Result<(BareRepository, String), ApiError> {
    let (path, default) = {
        let mut state = caller.state();
        let project = caller.enter(&mut state, project, 0)?;
        (project.path.clone(), project.default_branch.clone())
    };
    let bare = caller.world.gitlab_bare(&path);
    let commit = bare.resolve(which.get("ref").unwrap_or(&default)).await;
    Ok((bare, commit.ok_or_else(|| ApiError::not_found("Tree"))?))
}
