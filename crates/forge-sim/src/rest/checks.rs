//! Check runs; only an App may write them.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::call::RepoPath;
use crate::answer::{ApiError, Input};
use crate::auth::Caller;
use crate::model::{CheckOutput, CheckRun};

/// A check run to write; a change has no `name` and `head_sha` of its own.
#[derive(Deserialize)]
pub(crate) struct Fields {
    name: Option<String>,
    head_sha: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    output: Option<CheckOutput>,
    details_url: Option<String>,
    external_id: Option<String>,
}

/// The filters of a list.
#[derive(Deserialize)]
pub(crate) struct Filter {
    check_name: Option<String>,
    filter: Option<String>,
}

pub(crate) async fn create(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
    Input(fields): Input<Fields>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    only_app(&call, &owner, &name)?;
    let missing = |field| ApiError::invalid("CheckRun", field, "missing_field", None);
    let check = fields.name.clone().ok_or_else(|| missing("name"))?;
    let sha = fields.head_sha.clone().ok_or_else(|| missing("head_sha"))?;
    if call.world.bare(&owner, &name).resolve(&sha).await.as_deref() != Some(&sha) {
        let message = format!("No commit found for SHA: {sha}");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let now = call.world.now();
    let mut model = call.model();
    let mut run = CheckRun {
        id: model.fresh_id(),
        head_sha: sha,
        name: check,
        status: "queued".into(),
        conclusion: None,
        output: None,
        details_url: None,
        external_id: None,
        started_at: now,
        completed_at: None,
    };
    change(&mut run, fields, now);
    call.enter(&mut model, (&owner, &name), Permission::Write)?.check_runs.push(run.clone());
    let value = call.render(&model, (&owner, &name), |render, repo| render.check_run(repo, &run))?;
    Ok((StatusCode::CREATED, Json(value)))
}

pub(crate) async fn update(
    call: Call,
    Path((owner, name, id)): Path<(String, String, u64)>,
    Input(fields): Input<Fields>,
) -> Result<Json<Value>, ApiError> {
    only_app(&call, &owner, &name)?;
    {
        let now = call.world.now();
        let mut model = call.model();
        let repo = call.enter(&mut model, (&owner, &name), Permission::Write)?;
        let run = repo.check_runs.iter_mut().find(|r| r.id == id).ok_or_else(ApiError::not_found)?;
        change(run, fields, now);
    }
    get(call, Path((owner, name, id))).await
}

pub(crate) async fn get(
    call: Call,
    Path((owner, name, id)): Path<(String, String, u64)>,
) -> Result<Json<Value>, ApiError> {
    let mut model = call.model();
    let repo = call.enter(&mut model, (&owner, &name), Permission::Read)?;
    let run = repo.check_runs.iter().find(|r| r.id == id).cloned().ok_or_else(ApiError::not_found)?;
    Ok(Json(call.render(&model, (&owner, &name), |render, repo| render.check_run(repo, &run))?))
}

pub(crate) async fn list(
    call: Call,
    Path((owner, name, reference)): Path<(String, String, String)>,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, ApiError> {
    call.enter(&mut call.model(), (&owner, &name), Permission::Read)?;
    let unknown = || {
        let message = format!("No commit found for SHA: {reference}");
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    };
    let sha = call.world.bare(&owner, &name).resolve(&reference).await.ok_or_else(unknown)?;
    let model = call.model();
    let repo = model.repository(&owner, &name).ok_or_else(ApiError::not_found)?;
    let mut runs: Vec<&CheckRun> = repo.check_runs.iter().rev().filter(|r| r.head_sha == sha).collect();
    runs.retain(|r| filter.check_name.as_ref().is_none_or(|n| *n == r.name));
    if filter.filter.as_deref() != Some("all") {
        // `latest`, the default: the newest run of each name.
        let mut seen = Vec::new();
        runs.retain(|r| {
            !seen.contains(&&r.name) && {
                seen.push(&r.name);
                true
            }
        });
    }
    let render = call.renderer(&model);
    let list: Vec<Value> = runs.iter().map(|run| render.check_run(repo, run)).collect();
    Ok(Json(json!({ "total_count": list.len(), "check_runs": list })))
}

fn only_app(call: &Call, owner: &str, name: &str) -> Result<(), ApiError> {
    call.enter(&mut call.model(), (owner, name), Permission::Write)?;
    match call.caller {
        Caller::Installation { .. } => Ok(()),
        _ => Err(ApiError::forbidden("You must authenticate via a GitHub App.")),
    }
}

fn change(run: &mut CheckRun, fields: Fields, now: chrono::DateTime<chrono::Utc>) {
    run.status = fields.status.unwrap_or_else(|| run.status.clone());
    if fields.conclusion.is_some() {
        // A conclusion completes the run, whatever the status says.
        run.status = "completed".into();
        run.conclusion = fields.conclusion;
    } else if run.status != "completed" {
        run.conclusion = None;
    }
    run.completed_at = (run.status == "completed").then_some(now);
    run.output = fields.output.or_else(|| run.output.clone());
    run.details_url = fields.details_url.or_else(|| run.details_url.clone());
    run.external_id = fields.external_id.or_else(|| run.external_id.clone());
}
