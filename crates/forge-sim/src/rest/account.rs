//! `/user`, `/users/{login}`, `/rate_limit`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Call;
use crate::answer::ApiError;
use crate::auth::Caller;
use crate::world::World;

pub(crate) async fn me(call: Call) -> Result<Response, ApiError> {
    let Caller::User { login } = &call.caller else {
        return Err(ApiError::forbidden("Resource not accessible by integration"));
    };
    let model = call.model();
    let mut body = call.renderer(&model).user(login);
    if let Some(object) = body.as_object_mut() {
        object.insert("name".into(), Value::Null);
        object.insert("email".into(), Value::Null);
    }
    // The scopes of a classic token.
    let headers = [("x-oauth-scopes", "repo"), ("x-accepted-oauth-scopes", "")];
    Ok((headers, Json(body)).into_response())
}

pub(crate) async fn user(
    State(world): State<Arc<World>>,
    Path(login): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let bot = world.bot();
    let model = world.model();
    let login = if login.eq_ignore_ascii_case(&bot.login) { bot.login } else { login };
    match world.render(&model).user(&login) {
        Value::Null => Err(ApiError::not_found()),
        user => Ok(Json(user)),
    }
}

pub(crate) async fn rate_limit(call: Call) -> Json<Value> {
    let reset = call.world.now().timestamp() + 3600;
    let core = json!({ "limit": 5000, "used": 0, "remaining": 5000, "reset": reset });
    Json(json!({ "resources": { "core": core }, "rate": core }))
}
