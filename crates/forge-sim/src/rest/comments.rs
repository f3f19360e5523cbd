//! Comments on issues and pull requests.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::Value;

use super::Call;
use crate::answer::{ApiError, Input, Paging};

/// In characters; GitHub's limit, observed
/// (<https://github.com/orgs/community/discussions/27190>).
const MAX_BODY: usize = 65_536;

/// The text of a comment.
#[derive(Deserialize)]
pub(crate) struct Text {
    body: String,
}

impl Text {
    fn checked(self) -> Result<String, ApiError> {
        let problem = if self.body.chars().count() > MAX_BODY {
            "body is too long (maximum is 65536 characters)"
        } else if self.body.trim().is_empty() {
            "body cannot be blank"
        } else {
            return Ok(self.body);
        };
        Err(ApiError::invalid("IssueComment", "data", "unprocessable", Some(problem.to_owned())))
    }
}

pub(crate) async fn list(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut model = call.model();
    let item = call.item(&mut model, (&owner, &name), number, Permission::Read)?.clone();
    let all = call.render(&model, (&owner, &name), |render, repo| {
        let shown = item.comments.iter().filter(|c| call.shows(c.born));
        shown.map(|c| render.comment(repo, number, c)).collect()
    })?;
    Ok(paging.cut(&call.api, &uri, all.as_array().cloned().unwrap_or_default()))
}

pub(crate) async fn create(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Input(text): Input<Text>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    call.enter(&mut call.model(), (&owner, &name), Permission::Read)?;
    if call.model().repository(&owner, &name).is_some_and(|r| r.archived) {
        return Err(ApiError::forbidden("Repository was archived so is read-only."));
    }
    let body = text.checked()?;
    let comment = call
        .world
        .add_comment(&owner, &name, number, &body, call.caller.login())
        .ok_or_else(ApiError::not_found)?;
    let model = call.model();
    let value = call.render(&model, (&owner, &name), |r, repo| r.comment(repo, number, &comment))?;
    Ok((StatusCode::CREATED, Json(value)))
}

pub(crate) async fn get(
    call: Call,
    Path((owner, name, id)): Path<(String, String, u64)>,
) -> Result<Json<Value>, ApiError> {
    let mut model = call.model();
    let repo = call.enter(&mut model, (&owner, &name), Permission::Read)?;
    let (item, comment) = repo.comment(id).map(|(i, c)| (i, c.clone())).ok_or_else(ApiError::not_found)?;
    Ok(Json(call.render(&model, (&owner, &name), |r, repo| r.comment(repo, item, &comment))?))
}

pub(crate) async fn update(
    call: Call,
    Path((owner, name, id)): Path<(String, String, u64)>,
    Input(text): Input<Text>,
) -> Result<Json<Value>, ApiError> {
    may_change(&call, &mut call.model(), &owner, &name, id)?;
    let body = text.checked()?;
    call.world.edit_comment(&owner, &name, id, body, call.caller.login()).ok_or_else(ApiError::not_found)?;
    get(call, Path((owner, name, id))).await
}

pub(crate) async fn remove(
    call: Call,
    Path((owner, name, id)): Path<(String, String, u64)>,
) -> Result<StatusCode, ApiError> {
    let mut model = call.model();
    let repo = may_change(&call, &mut model, &owner, &name, id)?;
    for item in repo.items.values_mut() {
        item.comments.retain(|c| c.id != id);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The repository, when the caller wrote the comment or may write to the repository.
fn may_change<'m>(
    call: &Call,
    model: &'m mut crate::model::Model,
    owner: &str,
    name: &str,
    id: u64,
) -> Result<&'m mut crate::model::Repository, ApiError> {
    let repo = call.enter(model, (owner, name), Permission::Read)?;
    let (_, comment) = repo.comment(id).ok_or_else(ApiError::not_found)?;
    let own = comment.author.eq_ignore_ascii_case(call.caller.login());
    let need = if own { Permission::Read } else { Permission::Write };
    call.enter(model, (owner, name), need)
}
