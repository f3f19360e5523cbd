//! Pull requests between branches of one repository.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use schemas::automation::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::call::RepoPath;
use crate::answer::{ApiError, Input, Paging};
use crate::happenings::next_number;
use crate::model::{Item, Pull};

/// The filters of a list.
#[derive(Deserialize)]
pub(crate) struct Filter {
    state: Option<String>,
    head: Option<String>,
    base: Option<String>,
}

/// A pull request to open.
#[derive(Deserialize)]
pub(crate) struct NewPull {
    title: String,
    #[serde(default)]
    body: Option<String>,
    head: String,
    base: String,
    #[serde(default)]
    draft: bool,
}

/// What may change.
#[derive(Deserialize)]
pub(crate) struct Change {
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
}

pub(crate) async fn create(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
    Input(new): Input<NewPull>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    call.enter(&mut call.model(), (&owner, &name), Permission::Write)?;
    let invalid = |field, code, message| ApiError::invalid("PullRequest", field, code, message);
    let head = match new.head.split_once(':') {
        Some((of, branch)) if of.eq_ignore_ascii_case(&owner) => branch.to_owned(),
        Some(_) => return Err(invalid("head", "invalid", None)),
        None => new.head.clone(),
    };
    let bare = call.world.bare(&owner, &name);
    let branches = bare.branches().await?;
    let head_sha = branches.get(&head).ok_or_else(|| invalid("head", "invalid", None))?.clone();
    let base_sha = branches.get(&new.base).ok_or_else(|| invalid("base", "invalid", None))?.clone();
    if bare.commits_ahead(&base_sha, &head_sha).await? == 0 {
        let message = format!("No commits between {} and {head}", new.base);
        return Err(invalid("base", "custom", Some(message)));
    }
    let (born, at) = (call.world.clock.monotonic(), call.world.now());
    let mut model = call.model();
    let id = model.fresh_id();
    let repo = call.enter(&mut model, (&owner, &name), Permission::Write)?;
    let same = |p: &Pull| p.head == head && p.base == new.base;
    if repo.items.values().any(|i| i.state == "open" && i.pull.as_ref().is_some_and(same)) {
        let message = format!("A pull request already exists for {owner}:{head}.");
        return Err(invalid("base", "custom", Some(message)));
    }
    let number = next_number(repo);
    let pull = Pull { head, base: new.base, head_sha, base_sha, draft: new.draft, reviewers: Vec::new() };
    let item = Item {
        id,
        number,
        title: new.title,
        body: new.body,
        state: "open".into(),
        author: call.caller.login().to_owned(),
        labels: Vec::new(),
        comments: Vec::new(),
        reactions: Vec::new(),
        pull: Some(pull),
        created_at: at,
        updated_at: at,
        closed_at: None,
        born,
    };
    repo.items.insert(number, item.clone());
    let value = call.render(&model, (&owner, &name), |render, repo| render.pull(repo, &item))?;
    drop(model);
    call.world.tell(&owner, &name, number, "opened", call.caller.login());
    Ok((StatusCode::CREATED, Json(value)))
}

pub(crate) async fn list(
    call: Call,
    Path((owner, name)): Path<RepoPath>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    call.enter(&mut call.model(), (&owner, &name), Permission::Read)?;
    refresh_heads(&call, &owner, &name).await?;
    let model = call.model();
    let state = filter.state.unwrap_or_else(|| "open".into());
    let wanted = |item: &Item, pull: &Pull| {
        let label = format!("{owner}:{}", pull.head);
        (state == "all" || item.state == state)
            && filter.head.as_ref().is_none_or(|h| h.eq_ignore_ascii_case(&label))
            && filter.base.as_ref().is_none_or(|b| *b == pull.base)
    };
    let all = call.render(&model, (&owner, &name), |render, repo| {
        let pulls = repo.items.values().rev().filter(|i| i.pull.as_ref().is_some_and(|p| wanted(i, p)));
        pulls.filter(|i| call.shows(i.born)).map(|i| render.pull(repo, i)).collect()
    })?;
    Ok(paging.cut(&call.api, &uri, all.as_array().cloned().unwrap_or_default()))
}

/// As JSON, or as a patch when `Accept` names GitHub's diff media type.
pub(crate) async fn get(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (item, pull) = pull(&call, &owner, &name, number, Permission::Read).await?;
    let bare = call.world.bare(&owner, &name);
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if accept.starts_with("application/vnd.github") && accept.ends_with("diff") {
        let patch = bare.diff(&pull.base_sha, &pull.head_sha, None).await?;
        let media_type = "application/vnd.github.v3.diff; charset=utf-8";
        return Ok(([(header::CONTENT_TYPE, media_type)], patch).into_response());
    }
    let files = bare.changed_files(&pull.base_sha, &pull.head_sha).await?;
    let commits = bare.commits_ahead(&pull.base_sha, &pull.head_sha).await?;
    let model = call.model();
    let mut value = call.render(&model, (&owner, &name), |render, repo| render.pull(repo, &item))?;
    if let (Some(object), Some(more)) = (
        value.as_object_mut(),
        json!({
            "merged": false, "mergeable": true, "rebaseable": true, "mergeable_state": "clean",
            "merged_by": null, "maintainer_can_modify": false, "review_comments": 0,
            "comments": item.comments.len(),
            "commits": commits,
            "additions": files.iter().map(|f| f.additions).sum::<u64>(),
            "deletions": files.iter().map(|f| f.deletions).sum::<u64>(),
            "changed_files": files.len(),
        })
        .as_object(),
    ) {
        object.extend(more.clone());
    }
    Ok(Json(value).into_response())
}

pub(crate) async fn files(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Query(paging): Query<Paging>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let (_, pull) = pull(&call, &owner, &name, number, Permission::Read).await?;
    let bare = call.world.bare(&owner, &name);
    let mut all = Vec::new();
    for file in bare.changed_files(&pull.base_sha, &pull.head_sha).await? {
        let patch = bare.diff(&pull.base_sha, &pull.head_sha, Some(&file.path)).await?;
        let patch = String::from_utf8_lossy(&patch).into_owned();
        // GitHub's `patch` begins with the first hunk.
        let patch = patch.find("\n@@").and_then(|at| patch.get(at + 1..)).map(|p| p.trim_end().to_owned());
        let (repo, path, sha) = (format!("{owner}/{name}"), &file.path, &pull.head_sha);
        all.push(json!({
            "sha": file.blob,
            "filename": path,
            "status": file.status,
            "additions": file.additions,
            "deletions": file.deletions,
            "changes": file.additions + file.deletions,
            "blob_url": format!("{}/{repo}/blob/{sha}/{path}", call.world.url),
            "raw_url": format!("{}/{repo}/raw/{sha}/{path}", call.world.url),
            "contents_url": format!("{}/repos/{repo}/contents/{path}?ref={sha}", call.api),
            "patch": patch,
        }));
    }
    Ok(paging.cut(&call.api, &uri, all))
}

pub(crate) async fn update(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
    headers: HeaderMap,
    Input(change): Input<Change>,
) -> Result<Response, ApiError> {
    pull(&call, &owner, &name, number, Permission::Write).await?;
    let mut actions = Vec::new();
    {
        let now = call.world.now();
        let mut model = call.model();
        let item = call.item(&mut model, (&owner, &name), number, Permission::Write)?;
        actions.extend((change.title.is_some() || change.body.is_some()).then_some("edited"));
        item.title = change.title.unwrap_or_else(|| item.title.clone());
        item.body = change.body.or_else(|| item.body.clone());
        if let Some(state) = change.state.filter(|state| *state != item.state) {
            actions.push(if state == "closed" { "closed" } else { "reopened" });
            item.closed_at = (state == "closed").then_some(now);
            item.state = state;
        }
        item.updated_at = now;
    }
    for action in actions {
        call.world.tell(&owner, &name, number, action, call.caller.login());
    }
    get(call, Path((owner, name, number)), headers).await
}

/// Whom to ask.
#[derive(Deserialize)]
pub(crate) struct Reviewers {
    #[serde(default)]
    reviewers: Vec<String>,
    #[serde(default)]
    team_reviewers: Vec<String>,
}

/// All of them or none: only those who may push review, and there are no teams here.
pub(crate) async fn request_reviews(
    call: Call,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Input(wanted): Input<Reviewers>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    pull(&call, &owner, &name, number, Permission::Write).await?;
    let mut model = call.model();
    let repo = call.enter(&mut model, (&owner, &name), Permission::Write)?;
    let writes = |login: &String| repo.permissions.get(&login.to_lowercase()) >= Some(&Permission::Write);
    if !wanted.team_reviewers.is_empty() || !wanted.reviewers.iter().all(writes) {
        let message = "Reviews may only be requested from collaborators. One or more of the users or teams you \
                       specified is not a collaborator of the repository.";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let item = call.item(&mut model, (&owner, &name), number, Permission::Write)?;
    if let Some(pull) = &mut item.pull {
        pull.reviewers.extend(wanted.reviewers);
        pull.reviewers.sort_unstable();
        pull.reviewers.dedup();
    }
    let item = item.clone();
    let value = call.render(&model, (&owner, &name), |render, repo| render.pull(repo, &item))?;
    Ok((StatusCode::CREATED, Json(value)))
}

/// The pull request as it stands now, for a caller who may do `need`.
async fn pull(
    call: &Call,
    owner: &str,
    name: &str,
    number: u64,
    need: Permission,
) -> Result<(Item, Pull), ApiError> {
    call.item(&mut call.model(), (owner, name), number, need)?;
    refresh_heads(call, owner, name).await?;
    let mut model = call.model();
    let item = call.item(&mut model, (owner, name), number, need)?.clone();
    let pull = item.pull.clone().ok_or_else(ApiError::not_found)?;
    Ok((item, pull))
}

/// Pushes move branches; open pull requests follow theirs.
async fn refresh_heads(call: &Call, owner: &str, name: &str) -> Result<(), ApiError> {
    let branches: BTreeMap<String, String> = call.world.bare(owner, name).branches().await?;
    let mut model = call.model();
    let repo = model.repository_mut(owner, name).ok_or_else(ApiError::not_found)?;
    for item in repo.items.values_mut().filter(|i| i.state == "open") {
        if let Some(pull) = &mut item.pull
            && let Some(sha) = branches.get(&pull.head)
        {
            pull.head_sha.clone_from(sha);
        }
    }
    Ok(())
}
