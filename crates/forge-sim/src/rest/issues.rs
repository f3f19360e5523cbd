//! Issues: list, open, read, change.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::Value;

use super::Call;
use super::call::RepoPath;
use crate::answer::{ApiError, Input, Paging};
use crate::happenings::NewIssue;

/// The filters of a list.
#[derive(Deserialize)]
pub(crate) struct Filter {
    state: Option<String>,
    labels: Option<String>,
}

/// What may change.
#[derive(Deserialize)]
pub(crate) struct Change {
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
    labels: Option<Vec<String>>,
}

pub(crate) async fn list(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut model = call.model();
    call.enter(&mut model, (&owner, &name), Permission::Read)?;
    let state = filter.state.unwrap_or_else(|| "open".into());
    let wanted: Vec<String> = filter
        .labels
        .unwrap_or_default()
        .split(',')
        .filter(|l| !l.is_empty())
        .map(str::to_lowercase)
        .collect();
    let all = call.render(&model, (&owner, &name), |render, repo| {
        let items = repo.items.values().rev().filter(|i| state == "all" || i.state == state);
        let labelled =
            items.filter(|i| wanted.iter().all(|w| i.labels.iter().any(|l| l.to_lowercase() == *w)));
        labelled.filter(|i| call.shows(i.born)).map(|i| render.issue(repo, i)).collect()
    })?;
    let all = all.as_array().cloned().unwrap_or_default();
    Ok(paging.cut(&call.api, &uri, all))
}

pub(crate) async fn create(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
    Input(new): Input<NewIssue>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    call.enter(&mut call.model(), (&owner, &name), Permission::Read)?;
    let item =
        call.world.open_issue(&owner, &name, new, call.caller.login()).ok_or_else(ApiError::not_found)?;
    let model = call.model();
    let value = call.render(&model, (&owner, &name), |render, repo| render.issue(repo, &item))?;
    Ok((StatusCode::CREATED, Json(value)))
}

pub(crate) async fn get(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Result<Json<Value>, ApiError> {
    let mut model = call.model();
    let item = call.item(&mut model, (&owner, &name), number, Permission::Read)?.clone();
    Ok(Json(call.render(&model, (&owner, &name), |render, repo| render.issue(repo, &item))?))
}

pub(crate) async fn update(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Input(change): Input<Change>,
) -> Result<Json<Value>, ApiError> {
    let now = call.world.now();
    {
        let mut model = call.model();
        let item = call.item(&mut model, (&owner, &name), number, Permission::Triage)?;
        item.title = change.title.unwrap_or_else(|| item.title.clone());
        item.body = change.body.or_else(|| item.body.clone());
        if let Some(state) = change.state {
            if state != "open" && state != "closed" {
                return Err(ApiError::invalid("Issue", "state", "invalid", None));
            }
            item.closed_at = (state == "closed").then_some(now);
            item.state = state;
        }
        item.updated_at = now;
    }
    if let Some(labels) = change.labels {
        let before =
            call.item(&mut call.model(), (&owner, &name), number, Permission::Triage)?.labels.clone();
        for label in before.iter().filter(|b| !labels.iter().any(|l| l.eq_ignore_ascii_case(b))) {
            call.world.remove_label(&owner, &name, number, label, call.caller.login());
        }
        call.world.add_labels(&owner, &name, number, &labels, call.caller.login());
    }
    get(call, Path((owner, name, number))).await
}
