//! The only home of outbound HTTP to forges and trackers.
//!
//! [`Forge`] is what the dispatcher may ask; each implementation lives in its own folder. Nothing
//! is retried here: a call is made once, and its error says whether a write may have happened. (One
//! exception: what an App's stale token was refused for is sent again with a fresh one.)

pub mod deliveries;
mod directory;
pub mod error;
mod folder;
pub mod git_http;
pub mod github;
pub mod gitlab;
mod http_client;
pub mod jira;
mod lookups;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemas::automation::Permission;
use schemas::{ConnectionName, Oid, RepoRef, WebhookName};

pub use deliveries::HookDeliveries;
pub use directory::Directory;
pub use error::ForgeError;
pub use git_http::GitEndpoint;
pub use http_client::ClientError;
pub use lookups::{ChangeRange, MOST_PATHS, PullRequestFacts};

/// A forge as the dispatcher sees it. No call takes longer than 30 s.
#[async_trait]
pub trait Forge: Send + Sync + 'static {
    /// Who we are there, and what the credential may do.
    async fn identity(&self) -> Result<Identity, ForgeError>;

    /// What the forge says of a repository.
    async fn repository(&self, repo: &RepoRef) -> Result<RepositoryFacts, ForgeError>;

    /// The newest commit of a branch, `None` when there is no such branch.
    async fn branch_head(&self, repo: &RepoRef, branch: &str) -> Result<Option<Oid>, ForgeError>;

    /// What `login` may do; [`Permission::None`] when the forge does not know them there.
    async fn permission(&self, repo: &RepoRef, login: &str) -> Result<Permission, ForgeError>;

    /// The files of a change, those that were renamed by both names; at most [`MOST_PATHS`].
    async fn changed_paths(&self, repo: &RepoRef, of: &ChangeRange) -> Result<Vec<String>, ForgeError> {
        let _ = (repo, of);
        Err(ForgeError::Unsupported { what: "lists of changed files" })
    }

    /// What a pull request is like now.
    async fn pull_request(&self, repo: &RepoRef, number: u64) -> Result<PullRequestFacts, ForgeError> {
        let _ = (repo, number);
        Err(ForgeError::Unsupported { what: "pull requests" })
    }

    /// Whether `login` is in a team `org/team` or group `group/sub`, asked with the credential for
    /// `repo`. [`ForgeError::NotFound`] when we see no such team.
    async fn is_member(&self, repo: &RepoRef, team: &str, login: &str) -> Result<bool, ForgeError> {
        let _ = (repo, team, login);
        Err(ForgeError::Unsupported { what: "teams" })
    }

    /// Adds an "eyes" reaction. Idempotent.
    async fn react(&self, repo: &RepoRef, target: ReactionTarget) -> Result<(), ForgeError>;

    /// Takes a label off an issue or pull request. A label that is not there is fine.
    async fn remove_label(&self, repo: &RepoRef, number: u64, label: &str) -> Result<(), ForgeError>;

    /// Writes a comment. Not idempotent: after [`ForgeError::Unclear`] look with `find_comment`.
    async fn create_comment(&self, repo: &RepoRef, number: u64, body: &str)
    -> Result<CommentRef, ForgeError>;

    /// Like `create_comment`, seen only by those who see confidential things of the repository.
    async fn create_internal_comment(
        &self,
        repo: &RepoRef,
        number: u64,
        body: &str,
    ) -> Result<CommentRef, ForgeError> {
        let _ = (repo, number, body);
        Err(ForgeError::Unsupported { what: "internal comments" })
    }
    /// Replaces a comment's text. [`ForgeError::NotFound`] when a person deleted it.
    async fn edit_comment(&self, repo: &RepoRef, comment: &CommentRef, body: &str) -> Result<(), ForgeError>;

    /// The oldest comment written by us that contains `marker`, by listing every page (search
    /// lags). Others' comments do not count: anybody may quote a marker.
    async fn find_comment(
        &self,
        repo: &RepoRef,
        number: u64,
        marker: &str,
    ) -> Result<Option<CommentRef>, ForgeError>;

    /// Opens a pull request. [`ForgeError::AlreadyExists`] when the branch has one: read it back.
    async fn create_pull_request(
        &self,
        repo: &RepoRef,
        new: &NewPullRequest,
    ) -> Result<PullRequest, ForgeError>;

    /// The open pull request of a branch of this repository, by listing.
    async fn find_pull_request(&self, repo: &RepoRef, head: &str) -> Result<Option<PullRequest>, ForgeError>;

    /// Replaces the title and text of a pull request; a draft stays one. Idempotent.
    async fn edit_pull_request(
        &self,
        repo: &RepoRef,
        number: u64,
        title: &str,
        body: &str,
    ) -> Result<(), ForgeError> {
        let _ = (repo, number, title, body);
        Err(ForgeError::Unsupported { what: "edits of pull requests" })
    }
    /// Puts labels on a pull request, besides those it has. Idempotent.
    async fn label_pull_request(
        &self,
        repo: &RepoRef,
        number: u64,
        labels: &[String],
    ) -> Result<(), ForgeError> {
        let _ = (repo, number, labels);
        Err(ForgeError::Unsupported { what: "labels of pull requests" })
    }
    /// Asks people to review a pull request, besides those who were asked: logins, and teams as
    /// `org/team` where there are some. Idempotent.
    async fn request_reviews(
        &self,
        repo: &RepoRef,
        number: u64,
        reviewers: &[String],
    ) -> Result<(), ForgeError> {
        let _ = (repo, number, reviewers);
        Err(ForgeError::Unsupported { what: "requests for reviews" })
    }
    /// Sets the state of a named check on a commit: a check run for Apps, else a commit status.
    /// Idempotent by name.
    async fn set_check(&self, repo: &RepoRef, head: &Oid, check: &Check) -> Result<(), ForgeError>;

    /// Where git reaches the repository, with the credential to add. For the git gate alone.
    async fn git(&self, repo: &RepoRef) -> Result<GitEndpoint, ForgeError>;

    /// Every repository that our credential may work in and that takes writes, named by `connection`.
    async fn repositories(&self, connection: &ConnectionName) -> Result<Vec<RepoRef>, ForgeError> {
        let _ = connection;
        Err(ForgeError::Unsupported { what: "list of our repositories" })
    }

    /// The files below the folder `path` of a commit, by their paths from there. Symlinks and
    /// submodules are left out; more than 1,000 files or 4 MiB are refused.
    async fn files(
        &self,
        repo: &RepoRef,
        commit: &Oid,
        path: &str,
    ) -> Result<BTreeMap<String, Vec<u8>>, ForgeError> {
        let _ = (repo, commit, path);
        Err(ForgeError::Unsupported { what: "files to read" })
    }

    /// The same connection with item numbers read as those of merge requests, where issues and
    /// merge requests are numbered apart; `None` where they share one sequence.
    fn for_merge_requests(&self) -> Option<Arc<dyn Forge>> {
        None
    }

    /// What was delivered to webhooks, where the forge keeps that and repeats it when asked.
    fn hook_deliveries(&self) -> Option<&dyn HookDeliveries> {
        None
    }

    /// A sentence for each hook of a repository that leads to one of `webhooks` and is switched off
    /// by the forge. Forges that switch none off have none to tell.
    async fn hook_problems(
        &self,
        repo: &RepoRef,
        webhooks: &[WebhookName],
    ) -> Result<Vec<String>, ForgeError> {
        let _ = (repo, webhooks);
        Ok(Vec::new())
    }
}

/// Who we are on a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Account id.
    pub id: String,
    /// Login, or the App's slug with `[bot]`.
    pub login: String,
    /// Whether the account is an App or bot of ours, so that its doings are ours and no person's.
    pub machine: bool,
    /// The scopes of a classic token, or an App's permissions as `name:level`; `None` when the
    /// forge does not say.
    pub grants: Option<Vec<String>>,
    /// The forge's clock, from its `Date` header.
    pub clock: Option<DateTime<Utc>>,
}

/// What a forge says of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFacts {
    /// The branch that pull requests go to.
    pub default_branch: String,
    /// Whether it accepts no more writes.
    pub archived: bool,
    /// Whether our credential may push, where the forge says so.
    pub can_push: Option<bool>,
}

/// What a reaction goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReactionTarget {
    /// An issue or pull request, by number.
    Item(u64),
    /// A comment on one. GitLab finds it through its item.
    Comment {
        /// The item's number.
        number: u64,
        /// The comment's id.
        id: u64,
    },
}

/// A forge's id of a comment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CommentRef {
    /// The id.
    pub id: u64,
    /// Where a person reads it.
    pub url: String,
}

/// A pull request to open.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewPullRequest {
    /// Its title.
    pub title: String,
    /// Its text, Markdown.
    pub body: String,
    /// The branch that holds the change, in the same repository.
    pub head: String,
    /// The branch it goes to.
    pub base: String,
    /// Whether it is a draft.
    pub draft: bool,
}

/// A pull request that exists.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Where a person reads it.
    pub url: String,
}

/// The state of a named check.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Check {
    /// Its name; the status's context.
    pub name: String,
    /// Its state.
    pub state: CheckState,
    /// One line.
    pub summary: String,
}

/// States of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// Under way.
    Pending,
    /// Fine.
    Success,
    /// Not fine.
    Failure,
    /// Neither.
    Neutral,
}
