//! All routes, and what every request passes through.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::world::World;
use crate::{answer, controls, faults, git, gitlab, jira, journal, pages, rest};

/// REST and git misbehave on order and are journaled; pages and controls do neither.
pub(crate) fn router(world: &Arc<World>) -> Router {
    let git = Router::new()
        .route("/{owner}/{name}/info/refs", get(git::info_refs))
        .route("/{owner}/{name}/git-upload-pack", post(git::upload_pack))
        .route("/{owner}/{name}/git-receive-pack", post(git::receive_pack))
        // A GitLab project in a group of a group.
        .route("/{owner}/{name}/{project}/info/refs", get(git::nested_info_refs))
        .route("/{owner}/{name}/{project}/git-upload-pack", post(git::nested_upload_pack))
        .route("/{owner}/{name}/{project}/git-receive-pack", post(git::nested_receive_pack))
        // Packs are as large as they are.
        .layer(DefaultBodyLimit::disable());
    let misbehaving = rest::routes()
        .merge(git)
        .layer(from_fn_with_state(Arc::clone(world), faults::apply))
        .layer(from_fn_with_state(Arc::clone(world), journal::record))
        .layer(from_fn_with_state(Arc::clone(world), answer::standard_headers));
    let gitlab = gitlab::routes()
        .layer(from_fn_with_state(Arc::clone(world), faults::apply))
        .layer(from_fn_with_state(Arc::clone(world), journal::record))
        .layer(from_fn_with_state(Arc::clone(world), gitlab::standard_headers));
    let jira = jira::routes()
        .layer(from_fn_with_state(Arc::clone(world), faults::apply))
        .layer(from_fn_with_state(Arc::clone(world), journal::record));
    let pages = Router::new()
        .route("/{owner}/{name}", get(pages::repository))
        .route("/{owner}/{name}/issues/{number}", get(pages::item))
        .route("/{owner}/{name}/pull/{number}", get(pages::item));
    misbehaving
        .merge(gitlab)
        .merge(jira)
        .merge(pages)
        .merge(controls::routes())
        .merge(gitlab::controls())
        .fallback(not_found)
        .with_state(Arc::clone(world))
}

async fn not_found() -> Response {
    answer::ApiError::not_found().into_response()
}
