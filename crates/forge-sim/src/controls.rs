//! Controls for tests and demos below `/_sim/`; they need no credential.
//!
//! | route | what |
//! |---|---|
//! | `GET /_sim/state` | everything, as JSON, with the journal of writes |
//! | `POST /_sim/repos` | `{owner, name, files: {path: text}, private}` or `{owner, name, import: folder}` |
//! | `POST /_sim/users` | `{login, kind, token, permissions: {"owner/name": "write"}}` |
//! | `POST /_sim/issues` | `{repository, title, body, labels, login}` |
//! | `POST /_sim/labels` | `{repository, number, labels, login}`: puts labels on, webhooks follow |
//! | `POST /_sim/faults`, `DELETE /_sim/faults` | a [`FaultOrder`](crate::FaultOrder); forget all |
//! | `POST /_sim/webhooks` | `{url, secret, events, repository, app}` |
//! | `POST /_sim/deliver` | `{repository, number, label, action, sender, delivery, url, secret}` |

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{ApiError, Input};
use crate::faults::FaultOrder;
use crate::happenings::NewIssue;
use crate::model::{DeliveryRecord, Webhook};
use crate::setup::{Source, split};
use crate::world::World;

type Answer<T> = Result<(StatusCode, Json<T>), ApiError>;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/_sim/state", get(state))
        .route("/_sim/repos", post(repos))
        .route("/_sim/users", post(users))
        .route("/_sim/issues", post(issues))
        .route("/_sim/labels", post(labels))
        .route("/_sim/faults", post(faults).delete(no_faults))
        .route("/_sim/webhooks", post(webhooks))
        .route("/_sim/deliver", post(deliver))
}

async fn state(State(world): State<Arc<World>>) -> Result<Json<Value>, ApiError> {
    let mut state = {
        let model = world.model();
        serde_json::to_value(&*model).map_err(|error| bad(error.to_string()))?
    };
    if let Some(repositories) = state["repositories"].as_object_mut() {
        for (key, value) in repositories {
            let (owner, name) = split(key).map_err(bad)?;
            value["branches"] = json!(world.bare(owner, name).branches().await?);
        }
    }
    state["gitlab"] = json!(*world.gitlab());
    state["faults"] = world.faults().iter().map(|armed| json!(armed.order)).collect();
    Ok(Json(state))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRepository {
    owner: String,
    name: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    import: Option<PathBuf>,
    #[serde(default)]
    private: bool,
}

async fn repos(State(world): State<Arc<World>>, Input(new): Input<NewRepository>) -> Answer<Value> {
    let source = match new.import {
        Some(folder) => Source::Folder(folder),
        None => Source::Files(new.files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()),
    };
    world.make_repository(&new.owner, &new.name, source).await.map_err(|e| bad(e.to_string()))?;
    let mut model = world.model();
    if let Some(repository) = model.repository_mut(&new.owner, &new.name) {
        repository.private = new.private;
    }
    Ok((StatusCode::CREATED, Json(json!(model.repository(&new.owner, &new.name)))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    login: String,
    #[serde(default = "user_kind")]
    kind: String,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    permissions: BTreeMap<String, Permission>,
}

fn user_kind() -> String {
    "User".to_owned()
}

async fn users(State(world): State<Arc<World>>, Input(new): Input<NewUser>) -> Answer<Value> {
    for (repository, permission) in &new.permissions {
        let (owner, name) = split(repository).map_err(bad)?;
        world.grant(owner, name, &new.login, *permission).map_err(|e| bad(e.to_string()))?;
    }
    let user = world.make_user(&new.login, &new.kind, new.token);
    Ok((StatusCode::CREATED, Json(json!(user))))
}

#[derive(Deserialize)]
struct IssueOf {
    repository: String,
    login: String,
    #[serde(flatten)]
    issue: NewIssue,
}

async fn issues(State(world): State<Arc<World>>, Input(new): Input<IssueOf>) -> Answer<Value> {
    let (owner, name) = split(&new.repository).map_err(bad)?;
    let item = world.open_issue(owner, name, new.issue, &new.login).ok_or_else(ApiError::not_found)?;
    Ok((StatusCode::CREATED, Json(json!(item))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelsOf {
    repository: String,
    number: u64,
    labels: Vec<String>,
    login: String,
}

async fn labels(
    State(world): State<Arc<World>>,
    Input(new): Input<LabelsOf>,
) -> Result<StatusCode, ApiError> {
    let (owner, name) = split(&new.repository).map_err(bad)?;
    world.add_labels(owner, name, new.number, &new.labels, &new.login).ok_or_else(ApiError::not_found)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn faults(
    State(world): State<Arc<World>>,
    Input(order): Input<FaultOrder>,
) -> Result<StatusCode, ApiError> {
    world.arm(order).map_err(|error| bad(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn no_faults(State(world): State<Arc<World>>) -> StatusCode {
    world.faults().clear();
    StatusCode::NO_CONTENT
}

async fn webhooks(State(world): State<Arc<World>>, Input(webhook): Input<Webhook>) -> Answer<Value> {
    Ok((StatusCode::CREATED, Json(json!(world.register(webhook)))))
}

/// A delivery of `issues.labeled` (or another action on labels) without changing the issue.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivery {
    repository: String,
    number: u64,
    #[serde(default)]
    label: Option<String>,
    #[serde(default = "labeled")]
    action: String,
    sender: String,
    /// The `X-GitHub-Delivery` to use, to play a redelivery.
    #[serde(default)]
    delivery: Option<String>,
    /// The receiver, where no webhook is registered.
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    secret: String,
}

fn labeled() -> String {
    "labeled".to_owned()
}

async fn deliver(
    State(world): State<Arc<World>>,
    Input(wish): Input<Delivery>,
) -> Answer<Vec<DeliveryRecord>> {
    let (owner, name) = split(&wish.repository).map_err(bad)?;
    let payload = world
        .issues_payload(owner, name, wish.number, &wish.action, wish.label.as_deref(), &wish.sender)
        .ok_or_else(ApiError::not_found)?;
    let webhooks = match wish.url {
        Some(url) => vec![Webhook::to(url, wish.secret)],
        None => {
            let all = world.model().webhooks.clone();
            all.into_iter().filter(|w| w.wants("issues", &wish.repository)).collect()
        }
    };
    let guid = wish.delivery.unwrap_or_else(|| world.clock.fresh_id().to_string());
    let mut records = Vec::new();
    for webhook in webhooks {
        records.extend(world.deliver(webhook, guid.clone(), "issues", payload.clone()).await);
    }
    Ok((StatusCode::OK, Json(records)))
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}
