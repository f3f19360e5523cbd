//! Commit statuses and their sum.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use crate::answer::{ApiError, Input, Paging};
use crate::model::Status;

/// A status to set.
#[derive(Deserialize)]
pub(crate) struct NewStatus {
    state: String,
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    target_url: Option<String>,
}

pub(crate) async fn create(
    call: Call,
    Path((owner, name, sha)): Path<(String, String, String)>,
    Input(new): Input<NewStatus>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    call.enter(&mut call.model(), (&owner, &name), Permission::Write)?;
    if !["error", "failure", "pending", "success"].contains(&new.state.as_str()) {
        return Err(ApiError::invalid("Status", "state", "inclusion", None));
    }
    if new.description.as_ref().is_some_and(|d| d.chars().count() > 140) {
        let message = "description is too long (maximum is 140 characters)".to_owned();
        return Err(ApiError::invalid("Status", "description", "custom", Some(message)));
    }
    if call.world.bare(&owner, &name).resolve(&sha).await.as_deref() != Some(&sha) {
        let message = format!("No commit found for SHA: {sha}");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let created_at = call.world.now();
    let mut model = call.model();
    let status = Status {
        id: model.fresh_id(),
        sha,
        state: new.state,
        context: new.context.unwrap_or_else(|| "default".into()),
        description: new.description,
        target_url: new.target_url,
        login: call.caller.login().to_owned(),
        created_at,
    };
    call.enter(&mut model, (&owner, &name), Permission::Write)?.statuses.push(status.clone());
    let value = call.render(&model, (&owner, &name), |render, repo| render.status(repo, &status))?;
    Ok((StatusCode::CREATED, Json(value)))
}

pub(crate) async fn list(
    call: Call,
    Path((owner, name, reference)): Path<(String, String, String)>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let (_, statuses) = newest_first(&call, &owner, &name, &reference).await?;
    let model = call.model();
    let repo = model.repository(&owner, &name).ok_or_else(ApiError::not_found)?;
    let render = call.renderer(&model);
    let all: Vec<Value> = statuses.iter().map(|s| render.status(repo, s)).collect();
    Ok(paging.cut(&call.api, &uri, all))
}

/// The newest status of each context, and one word for all.
pub(crate) async fn combined(
    call: Call,
    Path((owner, name, reference)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let (sha, mut statuses) = newest_first(&call, &owner, &name, &reference).await?;
    let mut seen: Vec<String> = Vec::new();
    statuses.retain(|s| {
        !seen.contains(&s.context) && {
            seen.push(s.context.clone());
            true
        }
    });
    let any = |state: &str| statuses.iter().any(|s| s.state == state);
    let state = match () {
        () if any("failure") || any("error") => "failure",
        () if any("pending") || statuses.is_empty() => "pending",
        () => "success",
    };
    let model = call.model();
    let repo = model.repository(&owner, &name).ok_or_else(ApiError::not_found)?;
    let render = call.renderer(&model);
    let list: Vec<Value> = statuses.iter().map(|s| render.status(repo, s)).collect();
    Ok(Json(json!({
        "state": state,
        "statuses": list,
        "sha": sha,
        "total_count": list.len(),
        "repository": render.repository(repo, None),
        "commit_url": format!("{}/repos/{owner}/{name}/commits/{sha}", call.api),
        "url": format!("{}/repos/{owner}/{name}/commits/{sha}/status", call.api),
    })))
}

async fn newest_first(
    call: &Call,
    owner: &str,
    name: &str,
    reference: &str,
) -> Result<(String, Vec<Status>), ApiError> {
    call.enter(&mut call.model(), (owner, name), Permission::Read)?;
    let sha = call.world.bare(owner, name).resolve(reference).await.ok_or_else(ApiError::not_found)?;
    let model = call.model();
    let repo = model.repository(owner, name).ok_or_else(ApiError::not_found)?;
    let statuses = repo.statuses.iter().rev().filter(|s| s.sha == sha).cloned().collect();
    Ok((sha, statuses))
}
