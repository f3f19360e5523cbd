//! The App: who it is, where it is installed, and tokens for its installations.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::call::RepoPath;
use crate::answer::{ApiError, Input};
use crate::auth::Caller;
use crate::model::{DeliveryRecord, Model, Token, User};
use crate::render::{Render, app_permissions};

/// What an installation token is to be narrowed to.
#[derive(Deserialize)]
pub(crate) struct Narrowing {
    repositories: Option<Vec<String>>,
    permissions: Option<Value>,
}

pub(crate) async fn app(call: Call) -> Result<Json<Value>, ApiError> {
    only_app(&call)?;
    call.world.bot();
    let model = call.model();
    Ok(Json(call.renderer(&model).app()))
}

pub(crate) async fn installations(call: Call) -> Result<Json<Value>, ApiError> {
    only_app(&call)?;
    let model = call.model();
    let render = call.renderer(&model);
    Ok(Json(owners(&model).iter().map(|owner| describe(&render, owner)).collect()))
}

pub(crate) async fn installation(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
) -> Result<Json<Value>, ApiError> {
    only_app(&call)?;
    let model = call.model();
    let owner = model.repository(&owner, &name).and_then(|r| model.users.get(&r.owner.to_lowercase()));
    let owner = owner.ok_or_else(ApiError::not_found)?;
    Ok(Json(describe(&call.renderer(&model), owner)))
}

pub(crate) async fn access_token(
    call: Call,
    Path(id): Path<u64>,
    Input(narrowing): Input<Narrowing>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    only_app(&call)?;
    let expires_at = call.world.now() + chrono::Duration::hours(1);
    let secret = format!("ghs_{}", hex::encode(call.world.clock.secret_bytes()));
    let mut model = call.model();
    let owner = owners(&model).into_iter().find(|o| o.id == id).ok_or_else(ApiError::not_found)?;
    let names = narrowing.repositories;
    if let Some(unknown) = names.iter().flatten().find(|name| model.repository(&owner.login, name).is_none())
    {
        let message = format!(
            "There is at least one repository that does not exist or is not accessible to the parent installation: {unknown}."
        );
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let keys = names.map(|names| names.iter().map(|name| Model::key(&owner.login, name)).collect::<Vec<_>>());
    let mut body = json!({
        "token": secret,
        "expires_at": expires_at,
        "permissions": narrowing.permissions.unwrap_or_else(app_permissions),
        "repository_selection": if keys.is_some() { "selected" } else { "all" },
    });
    if let (Some(keys), Some(object)) = (&keys, body.as_object_mut()) {
        let render = call.renderer(&model);
        let repositories = keys.iter().filter_map(|key| model.repositories.get(key));
        let list = repositories.map(|r| render.repository(r, Some(Permission::Write))).collect();
        object.insert("repositories".into(), Value::Array(list));
    }
    let token = Token::Installation { owner: owner.login, repositories: keys, expires_at };
    model.tokens.insert(secret, token);
    Ok((StatusCode::CREATED, Json(body)))
}

pub(crate) fn only_app(call: &Call) -> Result<(), ApiError> {
    let message = "A JSON web token could not be decoded";
    matches!(call.caller, Caller::App)
        .then_some(())
        .ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, message))
}

/// The installation that covers the repository of a delivery.
pub(crate) fn installation_of(model: &Model, record: &DeliveryRecord) -> Option<u64> {
    let repo = model.repositories.values().find(|r| Some(r.id) == record.repository)?;
    model.users.get(&repo.owner.to_lowercase()).map(|owner| owner.id)
}

/// The accounts that own repositories; the App is installed on each, under the account's id.
fn owners(model: &Model) -> Vec<User> {
    let mut owners: Vec<User> = model
        .repositories
        .values()
        .filter_map(|r| model.users.get(&r.owner.to_lowercase()))
        .cloned()
        .collect();
    owners.sort_by_key(|o| o.id);
    owners.dedup_by_key(|o| o.id);
    owners
}

fn describe(render: &Render<'_>, owner: &User) -> Value {
    json!({
        "id": owner.id,
        "account": render.account(owner),
        "repository_selection": "all",
        "access_tokens_url": format!("{}/app/installations/{}/access_tokens", render.api, owner.id),
        "repositories_url": format!("{}/installation/repositories", render.api),
        "html_url": format!("{}/settings/installations/{}", render.html, owner.id),
        "app_id": render.app.id,
        "app_slug": render.app.slug,
        "target_id": owner.id,
        "target_type": owner.kind,
        "permissions": app_permissions(),
        "events": ["issues", "issue_comment"],
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "single_file_name": null,
        "suspended_at": null,
        "suspended_by": null,
    })
}
