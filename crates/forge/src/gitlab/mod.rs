//! GitLab, gitlab.com or self-managed, with a personal, project or group access token.
//!
//! `transport.rs` puts the `gitlab` crate's endpoints on our HTTP client, `call.rs` makes the calls
//! (one deadline, one error mapping), `outcome.rs` is that mapping, and each other file holds one
//! kind of thing: `account`, `projects`, `files`, `notes`, `merge_requests`, `statuses`, `hooks`.

mod account;
mod call;
mod files;
mod hooks;
mod lookups;
mod merge_requests;
mod notes;
mod outcome;
mod projects;
mod quick_actions;
mod settings;
mod statuses;
mod transport;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderValue;
use schemas::automation::Permission;
use schemas::{ConnectionName, Oid, RepoRef, WebhookName};
use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::git_http::GitEndpoint;
use crate::{
    ChangeRange, Check, CommentRef, Forge, ForgeError, Identity, NewPullRequest, PullRequest,
    PullRequestFacts, ReactionTarget, RepositoryFacts,
};

use call::Call;
use notes::{Items, Place, Seen};
pub use settings::{ConnectError, GitLabSettings};

/// One connection to a GitLab. Issues and merge requests are numbered apart there: item numbers are
/// those of issues, unless it came from [`Forge::for_merge_requests`].
#[derive(Debug, Clone)]
pub struct GitLab {
    shared: Arc<Shared>,
    items: Items,
}

/// What all calls need.
#[derive(Debug)]
struct Shared {
    /// `https://gitlab.com/`, with a slash at the end.
    root: reqwest::Url,
    token: SecretString,
    token_header: HeaderValue,
    client: reqwest::Client,
    git_client: reqwest::Client,
    /// Our account's id, once asked for.
    user_id: OnceCell<u64>,
}

impl GitLab {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// When the address, the token or the certificates are not usable.
    pub fn connect(settings: GitLabSettings) -> Result<Self, ConnectError> {
        let (root, token_header) = (settings.root()?, settings.header()?);
        let ca_file = settings.ca_file.as_deref();
        let client = crate::http_client::build(root.as_str(), ca_file, Some(call::LIMIT))?;
        let git_client = crate::http_client::build(root.as_str(), ca_file, None)?;
        let (token, user_id) = (settings.token, OnceCell::new());
        let shared = Shared { root, token, token_header, client, git_client, user_id };
        Ok(Self { shared: Arc::new(shared), items: Items::Issues })
    }

    fn place(&self, number: u64) -> Place {
        Place { items: self.items, number }
    }
}

#[async_trait]
impl Forge for GitLab {
    async fn identity(&self) -> Result<Identity, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(account::identity(&call)).await
    }

    async fn repository(&self, repo: &RepoRef) -> Result<RepositoryFacts, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(projects::facts(&call, repo)).await
    }

    async fn repositories(&self, connection: &ConnectionName) -> Result<Vec<RepoRef>, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(projects::list(&call, connection)).await
    }

    async fn files(
        &self,
        repo: &RepoRef,
        commit: &Oid,
        path: &str,
    ) -> Result<BTreeMap<String, Vec<u8>>, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(files::files(&call, repo, commit, path)).await
    }

    async fn branch_head(&self, repo: &RepoRef, branch: &str) -> Result<Option<Oid>, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(projects::branch_head(&call, repo, branch)).await
    }

    async fn permission(&self, repo: &RepoRef, login: &str) -> Result<Permission, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(account::permission(&call, repo, login)).await
    }

    async fn changed_paths(&self, repo: &RepoRef, of: &ChangeRange) -> Result<Vec<String>, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(lookups::changed_paths(&call, repo, of)).await
    }

    async fn pull_request(&self, repo: &RepoRef, number: u64) -> Result<PullRequestFacts, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(lookups::pull_request(&call, repo, number)).await
    }

    async fn is_member(&self, _: &RepoRef, team: &str, login: &str) -> Result<bool, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(lookups::is_member(&call, team, login)).await
    }

    async fn react(&self, repo: &RepoRef, target: ReactionTarget) -> Result<(), ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(notes::react(&call, repo, self.items, &target)).await
    }

    async fn remove_label(&self, repo: &RepoRef, number: u64, label: &str) -> Result<(), ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(notes::remove_label(&call, repo, self.place(number), label)).await
    }

    async fn create_comment(
        &self,
        repo: &RepoRef,
        number: u64,
        body: &str,
    ) -> Result<CommentRef, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(notes::create_comment(&call, repo, self.place(number), body, Seen::ByAll)).await
    }

    async fn create_internal_comment(
        &self,
        repo: &RepoRef,
        number: u64,
        body: &str,
    ) -> Result<CommentRef, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(notes::create_comment(&call, repo, self.place(number), body, Seen::ByMembers)).await
    }

    async fn edit_comment(&self, repo: &RepoRef, comment: &CommentRef, body: &str) -> Result<(), ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(notes::edit_comment(&call, repo, comment, body)).await
    }

    async fn find_comment(
        &self,
        repo: &RepoRef,
        number: u64,
        marker: &str,
    ) -> Result<Option<CommentRef>, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(notes::find_comment(&call, repo, self.place(number), marker)).await
    }

    async fn create_pull_request(
        &self,
        repo: &RepoRef,
        new: &NewPullRequest,
    ) -> Result<PullRequest, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(merge_requests::create(&call, repo, new)).await
    }

    async fn find_pull_request(&self, repo: &RepoRef, head: &str) -> Result<Option<PullRequest>, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(merge_requests::find(&call, repo, head)).await
    }

    async fn edit_pull_request(
        &self,
        repo: &RepoRef,
        number: u64,
        title: &str,
        body: &str,
    ) -> Result<(), ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(merge_requests::edit(&call, repo, number, title, body)).await
    }

    async fn label_pull_request(
        &self,
        repo: &RepoRef,
        number: u64,
        labels: &[String],
    ) -> Result<(), ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(merge_requests::label(&call, repo, number, labels)).await
    }

    async fn request_reviews(
        &self,
        repo: &RepoRef,
        number: u64,
        reviewers: &[String],
    ) -> Result<(), ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(merge_requests::request_reviews(&call, repo, number, reviewers)).await
    }

    async fn set_check(&self, repo: &RepoRef, head: &Oid, check: &Check) -> Result<(), ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(statuses::set(&call, repo, head, check)).await
    }

    async fn git(&self, repo: &RepoRef) -> Result<GitEndpoint, ForgeError> {
        Ok(projects::git(&Call::new(&self.shared), repo))
    }

    fn for_merge_requests(&self) -> Option<Arc<dyn Forge>> {
        Some(Arc::new(Self { shared: Arc::clone(&self.shared), items: Items::MergeRequests }))
    }

    async fn hook_problems(
        &self,
        repo: &RepoRef,
        webhooks: &[WebhookName],
    ) -> Result<Vec<String>, ForgeError> {
        let call = Call::new(&self.shared);
        call.limit(hooks::problems(&call, repo, webhooks)).await
    }
}
