//! The REST interface, as <https://docs.github.com/en/rest> describes it; one file per resource.

mod account;
mod apps;
mod call;
mod checks;
mod comments;
mod contents;
mod hooks;
mod issues;
mod labels;
mod lookups;
mod pulls;
mod reactions;
mod repos;
mod statuses;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, patch, post};

use crate::world::World;

pub(crate) use call::Call;

/// All routes of the interface.
pub(crate) fn routes() -> Router<Arc<World>> {
    let issue = "/repos/{owner}/{name}/issues/{number}";
    let comment = "/repos/{owner}/{name}/issues/comments/{id}";
    Router::new()
        .route("/user", get(account::me))
        .route("/user/repos", get(repos::of_user))
        .route("/installation/repositories", get(repos::of_installation))
        .route("/users/{login}", get(account::user))
        .route("/rate_limit", get(account::rate_limit))
        .route("/app", get(apps::app))
        .route("/app/installations", get(apps::installations))
        .route("/app/installations/{id}/access_tokens", post(apps::access_token))
        .route("/repos/{owner}/{name}/installation", get(apps::installation))
        .route("/app/hook/config", get(hooks::app_config))
        .route("/app/hook/deliveries", get(hooks::app_deliveries))
        .route("/app/hook/deliveries/{delivery}/attempts", post(hooks::app_redeliver))
        .route("/repos/{owner}/{name}/hooks", get(hooks::list))
        .route("/repos/{owner}/{name}/hooks/{hook}/deliveries", get(hooks::deliveries))
        .route("/repos/{owner}/{name}/hooks/{hook}/deliveries/{delivery}/attempts", post(hooks::redeliver))
        .route("/repos/{owner}/{name}", get(repos::get))
        .route("/repos/{owner}/{name}/branches", get(repos::branches))
        .route("/repos/{owner}/{name}/branches/{*branch}", get(repos::branch))
        .route("/repos/{owner}/{name}/git/ref/{*reference}", get(repos::reference))
        .route("/repos/{owner}/{name}/git/blobs/{sha}", get(contents::blob))
        .route("/repos/{owner}/{name}/contents", get(contents::root))
        .route("/repos/{owner}/{name}/contents/{*path}", get(contents::get))
        .route("/repos/{owner}/{name}/collaborators/{login}/permission", get(repos::permission))
        .route("/repos/{owner}/{name}/compare/{range}", get(lookups::compare))
        .route("/orgs/{organisation}/teams/{slug}", get(lookups::team))
        .route("/orgs/{organisation}/teams/{slug}/memberships/{login}", get(lookups::membership))
        .route("/repos/{owner}/{name}/issues", get(issues::list).post(issues::create))
        .route(issue, get(issues::get).patch(issues::update))
        .route(&format!("{issue}/labels"), get(labels::list).post(labels::add))
        .route(&format!("{issue}/labels/{{label}}"), delete(labels::remove))
        .route(&format!("{issue}/comments"), get(comments::list).post(comments::create))
        .route(&format!("{issue}/reactions"), get(reactions::of_issue).post(reactions::on_issue))
        .route(comment, get(comments::get).patch(comments::update).delete(comments::remove))
        .route(&format!("{comment}/reactions"), get(reactions::of_comment).post(reactions::on_comment))
        .route("/repos/{owner}/{name}/pulls", get(pulls::list).post(pulls::create))
        .route("/repos/{owner}/{name}/pulls/{number}", get(pulls::get).patch(pulls::update))
        .route("/repos/{owner}/{name}/pulls/{number}/files", get(pulls::files))
        .route("/repos/{owner}/{name}/pulls/{number}/requested_reviewers", post(pulls::request_reviews))
        .route("/repos/{owner}/{name}/check-runs", post(checks::create))
        .route("/repos/{owner}/{name}/check-runs/{id}", patch(checks::update).get(checks::get))
        .route("/repos/{owner}/{name}/commits/{reference}/check-runs", get(checks::list))
        .route("/repos/{owner}/{name}/statuses/{sha}", post(statuses::create).get(statuses::list))
        .route("/repos/{owner}/{name}/commits/{sha}/statuses", get(statuses::list))
        .route("/repos/{owner}/{name}/commits/{sha}/status", get(statuses::combined))
}
