//! Folders and files at a commit.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemas::automation::Permission;
use serde_json::{Value, json};

use super::Call;
use super::call::RepoPath;
use crate::answer::ApiError;
use crate::bare::{BareRepository, TreeEntry};

/// `ref`, a branch or commit; the default branch unless said.
type Reference = Query<BTreeMap<String, String>>;

pub(crate) async fn root(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
    reference: Reference,
) -> Result<Json<Value>, ApiError> {
    get(call, Path((owner, name, String::new())), reference).await
}

pub(crate) async fn get(
    call: Call,
    Path((owner, name, path)): Path<(String, String, String)>,
    Query(query): Reference,
) -> Result<Json<Value>, ApiError> {
    let (bare, default) = readable(&call, &owner, &name)?;
    let reference = query.get("ref").unwrap_or(&default);
    let commit = bare.resolve(reference).await.ok_or_else(ApiError::not_found)?;
    let url = format!("{}/repos/{owner}/{name}", call.api);
    let path = path.trim_matches('/');
    if let Some(entries) = bare.tree(&commit, path, false).await {
        return Ok(Json(entries.iter().map(|entry| describe(&url, reference, entry)).collect()));
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = bare.tree(&commit, folder, false).await.unwrap_or_default();
    let entry = beside.iter().find(|entry| entry.path == path).ok_or_else(ApiError::not_found)?;
    let content = bare.blob(&entry.id).await.ok_or_else(ApiError::not_found)?;
    let mut value = describe(&url, reference, entry);
    if let Some(object) = value.as_object_mut() {
        object.insert("encoding".into(), "base64".into());
        object.insert("content".into(), lines(&content).into());
    }
    Ok(Json(value))
}

pub(crate) async fn blob(
    call: Call,
    Path((owner, name, sha)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let (bare, _) = readable(&call, &owner, &name)?;
    let content = bare.blob(&sha).await.ok_or_else(ApiError::not_found)?;
    Ok(Json(json!({
        "sha": sha,
        "node_id": crate::render::node("Blob", 0),
        "url": format!("{}/repos/{owner}/{name}/git/blobs/{sha}", call.api),
        "size": content.len(),
        "encoding": "base64",
        "content": lines(&content),
    })))
}

fn describe(url: &str, reference: &str, entry: &TreeEntry) -> Value {
    let TreeEntry { path, id, size, .. } = entry;
    let kind = match (entry.mode.as_str(), entry.kind.as_str()) {
        ("120000", _) => "symlink",
        (_, "tree") => "dir",
        (_, "commit") => "submodule",
        _ => "file",
    };
    let (own, git) = (format!("{url}/contents/{path}?ref={reference}"), format!("{url}/git/blobs/{id}"));
    json!({
        "name": path.rsplit('/').next(),
        "path": path,
        "sha": id,
        "size": size,
        "type": kind,
        "url": own,
        "git_url": git,
        "html_url": null,
        "download_url": null,
        "_links": { "self": own, "git": git, "html": null },
    })
}

/// Base64 in lines, as GitHub breaks it.
fn lines(content: &[u8]) -> String {
    let mut text = String::new();
    for line in content.chunks(45) {
        text.push_str(&BASE64_STANDARD.encode(line));
        text.push('\n');
    }
    text
}

/// The bare repository and its default branch, for a caller who may read it.
fn readable(call: &Call, owner: &str, name: &str) -> Result<(BareRepository, String), ApiError> {
    let default = call.enter(&mut call.model(), (owner, name), Permission::Read)?.default_branch.clone();
    Ok((call.world.bare(owner, name), default))
}
