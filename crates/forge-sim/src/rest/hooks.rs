//! Webhooks and what was delivered to them: a repository's for its admins, the App's for itself.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use schemas::automation::Permission;
use serde_json::{Value, json};

use super::apps::only_app;
use super::call::RepoPath;
use super::{Call, apps};
use crate::answer::{ApiError, Cursor, Paging};
use crate::deliver::Outgoing;
use crate::model::{Model, Webhook};
use crate::render::hooks::{delivery, hook_config};

pub(crate) async fn list(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut model = call.model();
    call.enter(&mut model, (&owner, &name), Permission::Admin)?;
    let all = call.render(&model, (&owner, &name), |render, repo| {
        let here = model.webhooks.iter().filter(|h| !h.app && h.is_of(&repo.full_name()));
        here.map(|h| render.hook(repo, h, model.deliveries.iter().rfind(|d| d.webhook == h.id))).collect()
    })?;
    Ok(paging.cut(&call.api, &uri, all.as_array().cloned().unwrap_or_default()))
}

pub(crate) async fn deliveries(
    call: Call,
    Path((owner, name, hook)): Path<(String, String, u64)>,
    Query(cursor): Query<Cursor>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let model = call.model();
    let hook = hook_of(&call, model, &owner, &name, hook)?;
    listed(&call, &hook, cursor, &uri)
}

pub(crate) async fn redeliver(
    call: Call,
    Path((owner, name, hook, delivery)): Path<(String, String, u64, u64)>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let model = call.model();
    let hook = hook_of(&call, model, &owner, &name, hook)?;
    again(&call, hook, delivery)
}

pub(crate) async fn app_config(call: Call) -> Result<Json<Value>, ApiError> {
    Ok(Json(hook_config(&app_hook(&call)?)))
}

pub(crate) async fn app_deliveries(
    call: Call,
    Query(cursor): Query<Cursor>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let hook = app_hook(&call)?;
    listed(&call, &hook, cursor, &uri)
}

pub(crate) async fn app_redeliver(
    call: Call,
    Path(delivery): Path<u64>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let hook = app_hook(&call)?;
    again(&call, hook, delivery)
}

fn hook_of(
    call: &Call,
    mut model: std::sync::MutexGuard<'_, Model>,
    owner: &str,
    name: &str,
    id: u64,
) -> Result<Webhook, ApiError> {
    let full_name = call.enter(&mut model, (owner, name), Permission::Admin)?.full_name();
    let mut hooks = model.webhooks.iter().filter(|h| !h.app && h.is_of(&full_name));
    hooks.find(|h| h.id == id).cloned().ok_or_else(ApiError::not_found)
}

fn app_hook(call: &Call) -> Result<Webhook, ApiError> {
    only_app(call)?;
    call.model().webhooks.iter().find(|h| h.app).cloned().ok_or_else(ApiError::not_found)
}

fn listed(call: &Call, hook: &Webhook, cursor: Cursor, uri: &Uri) -> Result<Response, ApiError> {
    let model = call.model();
    let installation = |record| hook.app.then(|| apps::installation_of(&model, record)).flatten();
    let records = model.deliveries.iter().rev().filter(|d| d.webhook == hook.id);
    let all = records.map(|d| (d.id, delivery(d, installation(d)))).collect();
    cursor.cut(&call.api, uri, all)
}

/// Sends the same bytes again under the same guid, signed anew. The answer does not wait for it.
fn again(call: &Call, hook: Webhook, id: u64) -> Result<(StatusCode, Json<Value>), ApiError> {
    let model = call.model();
    let record = model.deliveries.iter().find(|d| d.webhook == hook.id && d.id == id);
    let record = record.ok_or_else(ApiError::not_found)?;
    let outgoing = Outgoing {
        guid: record.guid.clone(),
        event: record.event.clone(),
        action: record.action.clone(),
        repository: record.repository,
        body: record.body.clone(),
        redelivery: true,
        webhook: hook,
        outcome: None,
    };
    call.world.post(outgoing);
    Ok((StatusCode::ACCEPTED, Json(json!({}))))
}
