//! Merge requests between branches of one project.

use std::borrow::Cow;

use gitlab::api::common::path_escaped;
use gitlab::api::projects::merge_requests::{
    CreateMergeRequest, MergeRequest as GetMergeRequest, MergeRequestState, MergeRequests,
};
use gitlab::api::{BodyError, Endpoint};
use http::Method;
use schemas::RepoRef;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::call::{Call, built};
use super::{account, quick_actions};
use crate::{ForgeError, NewPullRequest, PullRequest};

#[derive(Deserialize)]
struct MergeRequest {
    iid: u64,
    web_url: String,
    source_branch: String,
    source_project_id: Option<u64>,
    target_project_id: u64,
}

impl MergeRequest {
    fn reference(self) -> PullRequest {
        PullRequest { number: self.iid, url: self.web_url }
    }
}

pub(super) async fn create(
    call: &Call<'_>,
    repo: &RepoRef,
    new: &NewPullRequest,
) -> Result<PullRequest, ForgeError> {
    // A draft is one by its title (<https://docs.gitlab.com/user/project/merge_requests/drafts/>).
    let title = if new.draft { format!("Draft: {}", new.title) } else { new.title.clone() };
    let endpoint = CreateMergeRequest::builder()
        .project(repo.path.as_str())
        .source_branch(new.head.as_str())
        .target_branch(new.base.as_str())
        .title(title)
        .description(quick_actions::defused(&new.body))
        .build();
    let made: MergeRequest = call.write(built(endpoint)?, &format!("the project {repo}")).await?;
    Ok(made.reference())
}

pub(super) async fn find(
    call: &Call<'_>,
    repo: &RepoRef,
    head: &str,
) -> Result<Option<PullRequest>, ForgeError> {
    let endpoint = MergeRequests::builder()
        .project(repo.path.as_str())
        .state(MergeRequestState::Opened)
        .source_branch(head)
        .build();
    call.find(built(endpoint)?, &format!("the project {repo}"), |found: MergeRequest| {
        // A fork's branch of the same name passes the filter, too.
        let here = found.source_project_id == Some(found.target_project_id);
        (here && found.source_branch == head).then(|| found.reference())
    })
    .await
}

/// A change of a merge request, as JSON: forms cannot say what a list of no entries is.
struct Edit<'a> {
    repo: &'a RepoRef,
    number: u64,
    change: Value,
}

impl Endpoint for Edit<'_> {
    fn method(&self) -> Method {
        Method::PUT
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/merge_requests/{}", path_escaped(&self.repo.path), self.number).into()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        Ok(Some(("application/json", self.change.to_string().into_bytes())))
    }
}

async fn change(call: &Call<'_>, repo: &RepoRef, number: u64, change: Value) -> Result<(), ForgeError> {
    let edit = Edit { repo, number, change };
    call.write::<IgnoredAny>(edit, &format!("{repo}!{number}")).await.map(drop)
}

/// What is there already.
#[derive(Deserialize)]
struct Current {
    draft: bool,
    #[serde(default)]
    reviewers: Vec<Reviewer>,
}

#[derive(Deserialize)]
struct Reviewer {
    id: u64,
}

async fn current(call: &Call<'_>, repo: &RepoRef, number: u64) -> Result<Current, ForgeError> {
    let endpoint = GetMergeRequest::builder().project(repo.path.as_str()).merge_request(number).build();
    call.get(built(endpoint)?, &format!("{repo}!{number}")).await
}

pub(super) async fn edit(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    title: &str,
    body: &str,
) -> Result<(), ForgeError> {
    // The title says whether it is a draft; a person may have changed that.
    let prefix = if current(call, repo, number).await?.draft { "Draft: " } else { "" };
    let body = quick_actions::defused(body);
    change(call, repo, number, json!({ "title": format!("{prefix}{title}"), "description": body })).await
}

pub(super) async fn label(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    labels: &[String],
) -> Result<(), ForgeError> {
    change(call, repo, number, json!({ "add_labels": labels.join(",") })).await
}

pub(super) async fn request_reviews(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
    reviewers: &[String],
) -> Result<(), ForgeError> {
    let mut ids: Vec<u64> = current(call, repo, number).await?.reviewers.iter().map(|r| r.id).collect();
    for login in reviewers {
        let id = account::user_id(call, login).await?;
        let unknown = || ForgeError::Refused { status: 400, message: format!("there is no user `{login}`") };
        ids.push(id.ok_or_else(unknown)?);
    }
    ids.sort_unstable();
    ids.dedup();
    change(call, repo, number, json!({ "reviewer_ids": ids })).await
}
