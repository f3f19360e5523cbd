//! Comparisons and teams.

use axum::Json;
use axum::extract::Path;
use schemas::automation::Permission;
use serde_json::{Value, json};

use super::Call;
use crate::answer::ApiError;

/// GitHub lists no more files of a comparison.
const MOST_FILES: usize = 300;

pub(crate) async fn compare(
    call: Call,
    Path((owner, name, range)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    call.enter(&mut call.model(), (&owner, &name), Permission::Read)?;
    let bare = call.world.bare(&owner, &name);
    let (base, head) = range.split_once("...").ok_or_else(ApiError::not_found)?;
    let base = bare.resolve(base).await.ok_or_else(ApiError::not_found)?;
    let head = bare.resolve(head).await.ok_or_else(ApiError::not_found)?;
    let ahead = bare.commits_ahead(&base, &head).await?;
    let files: Vec<Value> = bare
        .changed_files(&base, &head)
        .await?
        .into_iter()
        .take(MOST_FILES)
        .map(|file| json!({ "sha": file.blob, "filename": file.path, "status": file.status }))
        .collect();
    let status = if ahead == 0 { "identical" } else { "ahead" };
    Ok(Json(json!({ "status": status, "ahead_by": ahead, "total_commits": ahead, "files": files })))
}

pub(crate) async fn team(
    call: Call,
    Path((organisation, slug)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    members(&call, &organisation, &slug)?;
    Ok(Json(json!({ "name": slug, "slug": slug, "privacy": "closed" })))
}

pub(crate) async fn membership(
    call: Call,
    Path((organisation, slug, login)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let members = members(&call, &organisation, &slug)?;
    if !members.iter().any(|member| member.eq_ignore_ascii_case(&login)) {
        return Err(ApiError::not_found());
    }
    Ok(Json(json!({ "role": "member", "state": "active" })))
}

fn members(call: &Call, organisation: &str, slug: &str) -> Result<Vec<String>, ApiError> {
    let team = format!("{organisation}/{slug}").to_lowercase();
    call.model().teams.get(&team).cloned().ok_or_else(ApiError::not_found)
}
