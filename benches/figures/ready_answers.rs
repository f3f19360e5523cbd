//! A forge that has its answers ready: where a run starts, who somebody is, what he may do. It is
//! there where the stand-in, which has state and starts git, would be what is measured.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

/// A commit that nobody fetches.
const BASE: &str = "0123456789abcdef0123456789abcdef01234567";

/// Its routes.
pub fn router() -> Router {
    let answer = |body: Value| get(async move || Json(body));
    let routes = Router::new()
        .route("/user", answer(json!({ "login": "pullwright", "id": 1, "type": "User" })))
        .route(
            "/repos/{owner}/{name}",
            answer(json!({ "default_branch": "main", "permissions": { "push": true } })),
        )
        .route("/repos/{owner}/{name}/git/ref/heads/main", answer(json!({ "object": { "sha": BASE } })))
        .route(
            "/repos/{owner}/{name}/collaborators/{login}/permission",
            answer(json!({ "permission": "write", "role_name": "write" })),
        );
    // Where an Enterprise Server has them.
    Router::new().nest("/api/v3", routes)
}
