//! Controls of the GitLab side below `/_sim/gitlab/`; like the others they need no credential.
//!
//! | route | what |
//! |---|---|
//! | `POST /_sim/gitlab/projects` | `{path, owner, files: {path: text}, visibility}` |
//! | `POST /_sim/gitlab/users` | `{username, token, levels: {"group/project": 30}}` |
//! | `POST /_sim/gitlab/issues` | `{project, username, title, description, labels}` |
//! | `POST /_sim/gitlab/hooks` | `{project, url, alert_status, disabled_until}` |

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::arrange::GitLabSim;
use crate::answer::{ApiError, Input};
use crate::world::World;

type Answer = Result<(StatusCode, Json<Value>), ApiError>;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/_sim/gitlab/projects", post(projects))
        .route("/_sim/gitlab/users", post(users))
        .route("/_sim/gitlab/issues", post(issues))
        .route("/_sim/gitlab/hooks", post(hooks))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewProject {
    path: String,
    owner: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    visibility: Option<String>,
}

async fn projects(State(world): State<Arc<World>>, Input(new): Input<NewProject>) -> Answer {
    let files = new.files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    world.make_project(&new.path, &new.owner, files).await.map_err(bad)?;
    let sim = GitLabSim { world: &world };
    if let Some(visibility) = new.visibility {
        sim.change(&new.path, |project| project.visibility = visibility).map_err(bad)?;
    }
    Ok((StatusCode::CREATED, Json(json!(sim.project(&new.path)))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    username: String,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    levels: BTreeMap<String, u64>,
}

async fn users(State(world): State<Arc<World>>, Input(new): Input<NewUser>) -> Answer {
    let sim = GitLabSim { world: &world };
    for (project, level) in &new.levels {
        sim.set_member(project, &new.username, *level).map_err(bad)?;
    }
    if let Some(token) = &new.token {
        sim.add_token(&new.username, token);
    }
    let user = world.gitlab().user(&new.username);
    Ok((StatusCode::CREATED, Json(json!(user))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewIssue {
    project: String,
    username: String,
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    labels: Vec<String>,
}

async fn issues(State(world): State<Arc<World>>, Input(new): Input<NewIssue>) -> Answer {
    let author = world.gitlab().user(&new.username).id;
    let item = world.open_gitlab_issue(&new.project, author, &new.title, &new.description, &new.labels);
    Ok((StatusCode::CREATED, Json(json!(item.ok_or_else(ApiError::not_found)?))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewHook {
    project: String,
    url: String,
    #[serde(default = "executable")]
    alert_status: String,
    #[serde(default)]
    disabled_until: Option<DateTime<Utc>>,
}

fn executable() -> String {
    "executable".to_owned()
}

async fn hooks(State(world): State<Arc<World>>, Input(new): Input<NewHook>) -> Answer {
    let sim = GitLabSim { world: &world };
    let id = sim.add_hook(&new.project, &new.url, &new.alert_status, new.disabled_until).map_err(bad)?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

fn bad(error: crate::setup::SetupError) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
}
