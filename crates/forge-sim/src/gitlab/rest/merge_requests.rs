//! Merge requests between branches of one project.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::DEVELOPER;
use crate::gitlab::answer::{ApiError, Input, Paging};
use crate::gitlab::auth::Caller;
use crate::gitlab::model::{Change, Item};
use crate::gitlab::quick_actions;

/// A merge request to open.
#[derive(Deserialize)]
pub(crate) struct New {
    source_branch: String,
    target_branch: String,
    title: String,
    #[serde(default)]
    description: String,
}

/// The filters of a list.
#[derive(Deserialize)]
pub(crate) struct Filter {
    state: Option<String>,
    source_branch: Option<String>,
    target_branch: Option<String>,
}

pub(crate) async fn create(
    caller: Caller,
    Path(project): Path<String>,
    Input(new): Input<New>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let path = caller.enter(&mut caller.state(), &project, DEVELOPER)?.path.clone();
    let mut branches = caller.world.gitlab_bare(&path).branches().await?;
    if new.source_branch == new.target_branch {
        let problem = "You can't use same project/branch for source and target";
        return Err(ApiError::bad(json!([problem])));
    }
    if !branches.contains_key(&new.target_branch) {
        return Err(ApiError::bad(json!({ "validate_branches": ["Target branch does not exist"] })));
    }
    let sha = branches.remove(&new.source_branch);
    let missing = || ApiError::bad(json!({ "validate_branches": ["Source branch does not exist"] }));
    let sha = sha.ok_or_else(missing)?;
    let (born, at) = (caller.world.clock.monotonic(), caller.world.now());
    let mut state = caller.state();
    let id = state.fresh_id();
    let project = caller.enter(&mut state, &project, DEVELOPER)?;
    let same = |item: &&Item| {
        item.state == "opened" && item.change.as_ref().is_some_and(|c| c.source_branch == new.source_branch)
    };
    if let Some(other) = project.merge_requests.values().find(same) {
        let message =
            format!("Another open merge request already exists for this source branch: !{}", other.iid);
        return Err(ApiError::new(StatusCode::CONFLICT, json!([message])));
    }
    let iid = project.merge_requests.keys().next_back().map_or(1, |last| last + 1);
    let (source_project, target_branch) = (project.id, new.target_branch);
    let change = Change { source_branch: new.source_branch, source_project, target_branch, sha };
    let mut item = Item {
        id,
        iid,
        title: new.title,
        description: String::new(),
        state: "opened".to_owned(),
        author: caller.user.id,
        labels: Vec::new(),
        reviewers: Vec::new(),
        notes: Vec::new(),
        awards: Vec::new(),
        commands: Vec::new(),
        change: Some(change),
        created_at: at,
        born,
    };
    item.description = quick_actions::carry_out(&mut item, &new.description);
    project.merge_requests.insert(iid, item.clone());
    let project = project.clone();
    Ok((StatusCode::CREATED, Json(caller.render(&state).item(&project, &item))))
}

pub(crate) async fn list(
    caller: Caller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut state = caller.state();
    let project = caller.enter(&mut state, &project, 0)?.clone();
    let render = caller.render(&state);
    let wanted = |item: &&Item| {
        let state = filter.state.as_deref().is_none_or(|state| state == "all" || state == item.state);
        let branches = item.change.as_ref().is_some_and(|change| {
            filter.source_branch.as_ref().is_none_or(|b| *b == change.source_branch)
                && filter.target_branch.as_ref().is_none_or(|b| *b == change.target_branch)
        });
        state && branches && caller.shows(item.born)
    };
    let shown = project.merge_requests.values().rev().filter(wanted);
    let all = shown.map(|item| render.item(&project, item)).collect();
    Ok(paging.cut(&caller.world.url, &uri, all))
}
