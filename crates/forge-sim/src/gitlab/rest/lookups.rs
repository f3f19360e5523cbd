//! Files of changes, and groups.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GUEST;
use crate::bare::ChangedFile;
use crate::gitlab::answer::{ApiError, Paging};
use crate::gitlab::auth::Caller;

/// What is compared.
#[derive(Deserialize)]
pub(crate) struct Range {
    from: String,
    to: String,
}

fn diff(file: &ChangedFile) -> Value {
    json!({
        "old_path": file.path, "new_path": file.path, "diff": "",
        "new_file": file.status == "added", "deleted_file": file.status == "removed", "renamed_file": false,
    })
}

pub(crate) async fn diffs(
    caller: Caller,
    Path((project, kind, iid)): Path<(String, String, u64)>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let (path, change) = {
        let mut state = caller.state();
        let change = caller.item(&mut state, &project, &kind, iid, 0)?.change.clone();
        (caller.enter(&mut state, &project, 0)?.path.clone(), change)
    };
    let change = change.ok_or_else(|| ApiError::not_found("Merge Request"))?;
    let bare = caller.world.gitlab_bare(&path);
    let files = bare.changed_files(&change.target_branch, &change.source_branch).await?;
    Ok(paging.cut(&caller.world.url, &uri, files.iter().map(diff).collect()))
}

pub(crate) async fn compare(
    caller: Caller,
    Path(project): Path<String>,
    Query(range): Query<Range>,
) -> Result<Json<Value>, ApiError> {
    let path = caller.enter(&mut caller.state(), &project, 0)?.path.clone();
    let bare = caller.world.gitlab_bare(&path);
    let missing = || ApiError::new(StatusCode::NOT_FOUND, "404 Ref Not Found");
    let from = bare.resolve(&range.from).await.ok_or_else(missing)?;
    let to = bare.resolve(&range.to).await.ok_or_else(missing)?;
    let files = bare.changed_files(&from, &to).await?;
    let diffs: Vec<Value> = files.iter().map(diff).collect();
    Ok(Json(json!({ "diffs": diffs, "compare_timeout": false, "compare_same_ref": from == to })))
}

pub(crate) async fn group(caller: Caller, Path(group): Path<String>) -> Result<Json<Value>, ApiError> {
    let state = caller.state();
    let path = group.to_lowercase();
    if !state.groups.contains_key(&path) {
        return Err(ApiError::not_found("Group"));
    }
    Ok(Json(json!({ "id": 1, "name": group, "full_path": path })))
}

pub(crate) async fn group_member(
    caller: Caller,
    Path((group, user)): Path<(String, u64)>,
) -> Result<Json<Value>, ApiError> {
    let state = caller.state();
    let members = state.groups.get(&group.to_lowercase()).ok_or_else(|| ApiError::not_found("Group"))?;
    let member = state.users.get(&user).filter(|_| members.contains(&user));
    let member = member.ok_or_else(|| ApiError::not_found("Member"))?;
    Ok(Json(caller.render(&state).member(member, GUEST)))
}
