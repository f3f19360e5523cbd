//! What is asked before something is decided: changed files, a merge request as it stands, groups.

use std::borrow::Cow;

use gitlab::api::Endpoint;
use gitlab::api::common::path_escaped;
use gitlab::api::groups::Group;
use gitlab::api::projects::merge_requests::{MergeRequest as GetMergeRequest, MergeRequestDiffs};
use gitlab::api::projects::repository::commits::CompareCommits;
use http::Method;
use schemas::{Oid, RepoRef};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::account;
use super::call::{Call, built};
use crate::{ChangeRange, ForgeError, MOST_PATHS, PullRequestFacts};

/// A comparison is cut at this many files unless an instance raised it
/// (<https://docs.gitlab.com/administration/diff_limits/>).
const MOST_COMPARED: usize = 1_000;

#[derive(Deserialize)]
struct File {
    new_path: String,
    old_path: String,
}

#[derive(Deserialize)]
struct Comparison {
    diffs: Vec<File>,
    #[serde(default)]
    compare_timeout: bool,
}

#[derive(Deserialize)]
struct MergeRequest {
    source_branch: String,
    target_branch: String,
    sha: Option<Oid>,
    #[serde(default)]
    draft: bool,
    state: String,
    /// Absent when the fork is gone.
    source_project_id: Option<u64>,
    target_project_id: u64,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    username: String,
}

#[derive(Deserialize)]
struct Member {
    #[serde(default)]
    state: String,
}

/// A member of a group, or of one above it; the crate has only the direct ones.
struct AllGroupMember<'a> {
    group: &'a str,
    user: u64,
}

impl Endpoint for AllGroupMember<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("groups/{}/members/all/{}", path_escaped(self.group), self.user).into()
    }
}

pub(super) async fn changed_paths(
    call: &Call<'_>,
    repo: &RepoRef,
    of: &ChangeRange,
) -> Result<Vec<String>, ForgeError> {
    let mut files = Vec::new();
    let (what, limit, words) = match of {
        ChangeRange::PullRequest(number) => {
            let what = format!("{repo}!{number}");
            let diffs =
                MergeRequestDiffs::builder().project(repo.path.as_str()).merge_request(*number).build();
            let keep = |file: File| {
                files.push(file);
                (files.len() > MOST_PATHS).then_some(())
            };
            call.find(built(diffs)?, &what, keep).await?;
            (format!("the list of files of {what}"), MOST_PATHS + 1, "3,000 files")
        }
        ChangeRange::Commits { base, head } => {
            let what = format!("the comparison of {base} and {head} in {repo}");
            let project = CompareCommits::builder()
                .project(repo.path.as_str())
                .from(base.as_str())
                .to(head.as_str())
                .build();
            let found: Comparison = call.get(built(project)?, &what).await?;
            if found.compare_timeout {
                return Err(ForgeError::TooLarge { what, limit: "what GitLab compares in time" });
            }
            files = found.diffs;
            (what, MOST_COMPARED, "1,000 files")
        }
    };
    // A full list may be one that was cut.
    if files.len() >= limit {
        return Err(ForgeError::TooLarge { what, limit: words });
    }
    let names = |file: File| {
        let before = Some(file.old_path).filter(|old| *old != file.new_path);
        [Some(file.new_path), before].into_iter().flatten()
    };
    Ok(files.into_iter().flat_map(names).collect())
}

pub(super) async fn pull_request(
    call: &Call<'_>,
    repo: &RepoRef,
    number: u64,
) -> Result<PullRequestFacts, ForgeError> {
    let endpoint = GetMergeRequest::builder().project(repo.path.as_str()).merge_request(number).build();
    let found: MergeRequest = call.get(built(endpoint)?, &format!("{repo}!{number}")).await?;
    Ok(PullRequestFacts {
        head_ref: found.source_branch,
        head: found.sha,
        base_ref: found.target_branch,
        draft: found.draft,
        fork: found.source_project_id != Some(found.target_project_id),
        open: found.state == "opened",
        author: found.author.map(|author| author.username),
    })
}

pub(super) async fn is_member(call: &Call<'_>, group: &str, login: &str) -> Result<bool, ForgeError> {
    let what = format!("the group `{group}`");
    let Some(user) = account::user_id(call, login).await? else { return Ok(false) };
    match call.get::<Member>(AllGroupMember { group, user }, &what).await {
        Ok(member) => Ok(member.state == "active"),
        // Either no member, or a group that is not there for us: the answers are alike.
        Err(ForgeError::NotFound { .. }) => {
            call.get::<IgnoredAny>(built(Group::builder().group(group).build())?, &what).await.map(|_| false)
        }
        Err(error) => Err(error),
    }
}
