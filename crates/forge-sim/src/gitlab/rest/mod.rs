//! API version 4, as <https://docs.gitlab.com/api/api_resources/> describes it; one file per resource.

mod files;
mod items;
mod lookups;
mod merge_requests;
mod notes;
mod projects;
mod statuses;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post, put};

use super::answer::ApiError;
use super::auth::Caller;
use super::render::Render;
use crate::world::World;

/// The access level of guests, who see and say.
const GUEST: u64 = 10;
/// Of planners, who label.
const PLANNER: u64 = 15;
/// Of developers, who push.
const DEVELOPER: u64 = 30;
/// Of maintainers, who see hooks.
const MAINTAINER: u64 = 40;

/// All routes of the interface.
pub(crate) fn routes() -> Router<Arc<World>> {
    let project = "/api/v4/projects/{project}";
    let item = "/api/v4/projects/{project}/{kind}/{iid}";
    Router::new()
        .route("/api/v4/user", get(users::me))
        .route("/api/v4/users", get(users::list))
        .route("/api/v4/personal_access_tokens/self", get(users::token))
        .route("/api/v4/projects", get(projects::list))
        .route(project, get(projects::get))
        .route(&format!("{project}/repository/tree"), get(files::tree))
        .route(&format!("{project}/repository/files/{{path}}/raw"), get(files::raw))
        .route(&format!("{project}/repository/branches/{{branch}}"), get(projects::branch))
        .route(&format!("{project}/repository/compare"), get(lookups::compare))
        .route(&format!("{item}/diffs"), get(lookups::diffs))
        .route("/api/v4/groups/{group}", get(lookups::group))
        .route("/api/v4/groups/{group}/members/all/{user}", get(lookups::group_member))
        .route(&format!("{project}/members/all/{{user}}"), get(projects::member))
        .route(&format!("{project}/hooks"), get(projects::hooks))
        .route(&format!("{project}/issues"), get(items::list_issues).post(items::create_issue))
        .route(&format!("{project}/merge_requests"), get(merge_requests::list).post(merge_requests::create))
        .route(&format!("{project}/statuses/{{sha}}"), post(statuses::create))
        .route(&format!("{project}/repository/commits/{{sha}}/statuses"), get(statuses::list))
        .route(item, get(items::get).put(items::update))
        .route(&format!("{item}/notes"), get(notes::list).post(notes::create))
        .route(&format!("{item}/notes/{{note}}"), put(notes::update).get(notes::get).delete(notes::remove))
        .route(&format!("{item}/award_emoji"), get(notes::awards).post(notes::award))
        .route(&format!("{item}/notes/{{note}}/award_emoji"), post(notes::award_note))
        .route("/api/v4/{*rest}", get(unknown).post(unknown).put(unknown).delete(unknown))
}

async fn unknown(_: Caller) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "404 Not Found")
}

impl Caller {
    fn render<'a>(&'a self, state: &'a super::State) -> Render<'a> {
        Render { state, url: &self.world.url }
    }
}
