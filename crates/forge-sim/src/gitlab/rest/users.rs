//! Accounts and the caller's token.

use axum::Json;
use axum::extract::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gitlab::auth::Caller;

/// The filter of a list.
#[derive(Deserialize)]
pub(crate) struct Filter {
    username: Option<String>,
}

pub(crate) async fn me(caller: Caller) -> Json<Value> {
    let state = caller.state();
    Json(caller.render(&state).user(&caller.user))
}

pub(crate) async fn list(caller: Caller, Query(filter): Query<Filter>) -> Json<Value> {
    let state = caller.state();
    let render = caller.render(&state);
    let wanted = |name: &str| filter.username.as_ref().is_none_or(|u| u.eq_ignore_ascii_case(name));
    Json(state.users.values().filter(|u| wanted(&u.username)).map(|u| render.user(u)).collect())
}

pub(crate) async fn token(caller: Caller) -> Json<Value> {
    Json(json!({
        "id": caller.user.id, "name": "sim", "revoked": false, "active": true, "scopes": ["api"],
        "user_id": caller.user.id, "expires_at": null,
    }))
}
