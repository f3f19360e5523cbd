//! Merge requests between branches of one project.

use gitlab::api::projects::merge_requests::{CreateMergeRequest, MergeRequestState, MergeRequests};
use schemas::RepoRef;
use serde::Deserialize;

use super::call::{Call, built};
use super::quick_actions;
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
