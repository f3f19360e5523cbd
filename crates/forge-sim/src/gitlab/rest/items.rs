//! Issues, and what issues and merge requests have in common.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::{GUEST, PLANNER};
use crate::gitlab::answer::{ApiError, Input, Paging};
use crate::gitlab::auth::Caller;

/// An issue to open.
#[derive(Deserialize)]
pub(crate) struct NewIssue {
    title: String,
    #[serde(default)]
    description: String,
    /// Separated by commas.
    #[serde(default)]
    labels: String,
}

/// What may change.
#[derive(Deserialize)]
pub(crate) struct Change {
    title: Option<String>,
    description: Option<String>,
    labels: Option<String>,
    add_labels: Option<String>,
    remove_labels: Option<String>,
    state_event: Option<String>,
    /// Only JSON can say it.
    reviewer_ids: Option<Vec<u64>>,
}

pub(crate) async fn list_issues(
    caller: Caller,
    Path(project): Path<String>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut state = caller.state();
    let project = caller.enter(&mut state, &project, 0)?.clone();
    let render = caller.render(&state);
    let shown = project.issues.values().rev().filter(|item| caller.shows(item.born));
    let all = shown.map(|item| render.item(&project, item)).collect();
    Ok(paging.cut(&caller.world.url, &uri, all))
}

pub(crate) async fn create_issue(
    caller: Caller,
    Path(project): Path<String>,
    Input(new): Input<NewIssue>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let path = caller.enter(&mut caller.state(), &project, GUEST)?.path.clone();
    let labels: Vec<String> = titles(&new.labels).collect();
    let (title, text) = (new.title, new.description);
    let item = caller.world.open_gitlab_issue(&path, caller.user.id, &title, &text, &labels);
    let item = item.ok_or_else(|| ApiError::not_found("Project"))?;
    let mut state = caller.state();
    let project = caller.enter(&mut state, &path, GUEST)?.clone();
    Ok((StatusCode::CREATED, Json(caller.render(&state).item(&project, &item))))
}

pub(crate) async fn get(
    caller: Caller,
    Path((project, kind, iid)): Path<(String, String, u64)>,
) -> Result<Json<Value>, ApiError> {
    let mut state = caller.state();
    let item = caller.item(&mut state, &project, &kind, iid, 0)?.clone();
    let project = caller.enter(&mut state, &project, 0)?.clone();
    Ok(Json(caller.render(&state).item(&project, &item)))
}

pub(crate) async fn update(
    caller: Caller,
    Path((project, kind, iid)): Path<(String, String, u64)>,
    Input(change): Input<Change>,
) -> Result<Json<Value>, ApiError> {
    {
        let mut state = caller.state();
        let item = caller.item(&mut state, &project, &kind, iid, PLANNER)?;
        item.title = change.title.unwrap_or_else(|| item.title.clone());
        item.description = change.description.unwrap_or_else(|| item.description.clone());
        if let Some(labels) = &change.labels {
            item.labels = titles(labels).collect();
        }
        for label in change.add_labels.iter().flat_map(|labels| titles(labels)) {
            if !item.labels.contains(&label) {
                item.labels.push(label);
            }
        }
        let gone: Vec<String> = change.remove_labels.iter().flat_map(|labels| titles(labels)).collect();
        item.labels.retain(|label| !gone.contains(label));
        if let Some(reviewers) = change.reviewer_ids {
            item.reviewers = reviewers;
        }
        match change.state_event.as_deref() {
            Some("close") => item.state = "closed".to_owned(),
            Some("reopen") => item.state = "opened".to_owned(),
            _ => {}
        }
    }
    get(caller, Path((project, kind, iid))).await
}

fn titles(list: &str) -> impl Iterator<Item = String> + '_ {
    list.split(',').map(str::trim).filter(|title| !title.is_empty()).map(str::to_owned)
}
