//! Commit statuses (<https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>).

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::DEVELOPER;
use crate::gitlab::answer::{ApiError, Input, Paging};
use crate::gitlab::auth::Caller;
use crate::gitlab::model::Status;

/// A status to set.
#[derive(Deserialize)]
pub(crate) struct New {
    state: String,
    name: Option<String>,
    description: Option<String>,
}

pub(crate) async fn create(
    caller: Caller,
    Path((project, sha)): Path<(String, String)>,
    Input(new): Input<New>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let path = caller.enter(&mut caller.state(), &project, DEVELOPER)?.path.clone();
    let sha = caller.world.gitlab_bare(&path).resolve(&sha).await;
    let sha = sha.ok_or_else(|| ApiError::not_found("Commit"))?;
    let event = match new.state.as_str() {
        "pending" => "enqueue",
        "running" => "run",
        "success" => "success",
        "failed" => "drop",
        "canceled" => "cancel",
        "skipped" => "skip",
        _ => return Err(ApiError::bad("state does not have a valid value")),
    };
    let mut state = caller.state();
    let id = state.fresh_id();
    let project = caller.enter(&mut state, &path, DEVELOPER)?;
    let name = new.name.unwrap_or_else(|| "default".to_owned());
    let open = |s: &&mut Status| {
        s.sha == sha && s.name == name && matches!(s.status.as_str(), "pending" | "running")
    };
    // One that ended is left alone: the next of its name is a new one.
    let status = match project.statuses.iter_mut().rfind(open) {
        Some(status) if status.status == new.state || new.state == "pending" => {
            let from = &status.status;
            return Err(ApiError::bad(format!(
                "Cannot transition status via :{event} from :{from} (Reason(s): Status cannot transition via \"{event}\")"
            )));
        }
        Some(status) => {
            status.status = new.state;
            status.description = new.description.or_else(|| status.description.clone());
            status.clone()
        }
        None => {
            let (status, description) = (new.state, new.description);
            let status = Status { id, sha, name, status, description, author: caller.user.id };
            project.statuses.push(status.clone());
            status
        }
    };
    Ok((StatusCode::CREATED, Json(caller.render(&state).status(&status))))
}

pub(crate) async fn list(
    caller: Caller,
    Path((project, sha)): Path<(String, String)>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut state = caller.state();
    let statuses = caller.enter(&mut state, &project, 0)?.statuses.clone();
    let render = caller.render(&state);
    let all = statuses.iter().filter(|s| s.sha == sha).map(|s| render.status(s)).collect();
    Ok(paging.cut(&caller.world.url, &uri, all))
}
