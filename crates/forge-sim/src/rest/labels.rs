//! The labels of an issue or pull request.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::Value;

use super::Call;
use crate::answer::{ApiError, Input};

type IssuePath = (String, String, u64);

/// GitHub takes an object and, for old callers, a bare list.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Names {
    Object { labels: Vec<String> },
    List(Vec<String>),
}

pub(crate) async fn list(call: Call, Path(path): Path<IssuePath>) -> Result<Json<Value>, ApiError> {
    labels(&call, &path)
}

pub(crate) async fn add(
    call: Call,
    Path(path): Path<IssuePath>,
    Input(names): Input<Names>,
) -> Result<Json<Value>, ApiError> {
    let (owner, name, number) = &path;
    call.item(&mut call.model(), (owner, name), *number, Permission::Triage)?;
    let (Names::Object { labels: names } | Names::List(names)) = names;
    call.world
        .add_labels(owner, name, *number, &names, call.caller.login())
        .ok_or_else(ApiError::not_found)?;
    labels(&call, &path)
}

pub(crate) async fn remove(
    call: Call,
    Path((owner, name, number, label)): Path<(String, String, u64, String)>,
) -> Result<Json<Value>, ApiError> {
    call.item(&mut call.model(), (&owner, &name), number, Permission::Triage)?;
    call.world
        .remove_label(&owner, &name, number, &label, call.caller.login())
        .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "Label does not exist"))?;
    labels(&call, &(owner, name, number))
}

fn labels(call: &Call, (owner, name, number): &IssuePath) -> Result<Json<Value>, ApiError> {
    let mut model = call.model();
    let item = call.item(&mut model, (owner, name), *number, Permission::Read)?.clone();
    Ok(Json(call.render(&model, (owner, name), |render, repo| render.labels(repo, &item).into())?))
}
