//! GitHub, github.com or Enterprise Server, as a personal token or as an App.
//!
//! `call.rs` makes the calls (one deadline, one error mapping), `outcome.rs` is that mapping, and
//! each other file holds one kind of thing: `account`, `repos`, `files`, `issues`, `pulls`, `checks`, `hooks`.

mod account;
mod app;
mod call;
mod checks;
mod files;
mod hooks;
mod issues;
mod lookups;
mod outcome;
mod pulls;
mod repos;
mod route;
mod settings;
mod transport;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use octocrab::Octocrab;
use schemas::automation::Permission;
use schemas::{ConnectionName, Oid, RepoRef};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::deliveries::HookDeliveries;
use crate::git_http::GitEndpoint;
use crate::{
    ChangeRange, Check, CommentRef, Forge, ForgeError, Identity, NewPullRequest, PullRequest,
    PullRequestFacts, ReactionTarget, RepositoryFacts,
};

use app::Installations;
use call::Call;
pub(crate) use outcome::wait;
pub use settings::{ConnectError, GitHubAuth, GitHubSettings};

/// One connection to a GitHub.
#[derive(Debug)]
pub struct GitHub {
    access: Access,
    /// `https://github.com`, without a slash at the end.
    git_root: String,
    git_client: reqwest::Client,
    /// Our login, once asked for.
    login: OnceCell<String>,
}

/// As whom we call.
#[derive(Debug)]
enum Access {
    /// With one token for everything.
    Token { api: Arc<Octocrab>, token: SecretString },
    /// As an App, with a token of its own for each repository.
    App { id: u64, installations: Box<Installations> },
}

impl GitHub {
    /// Prepares a connection; nothing is sent yet. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the address, the private key or the certificates are not usable.
    pub fn connect(settings: GitHubSettings) -> Result<Self, ConnectError> {
        let addresses = settings.addresses()?;
        let ca_file = settings.ca_file.as_deref();
        // Of the API's scheme is the git side too.
        let base = addresses.api.to_string();
        let client = crate::http_client::build(&base, ca_file, Some(call::LIMIT))?;
        let git_client = crate::http_client::build(&base, ca_file, None)?;
        let access = match settings.auth {
            GitHubAuth::Token(token) => {
                let state = octocrab::AuthState::AccessToken { token: token.clone() };
                Access::Token { api: Arc::new(transport::octocrab(&addresses.api, client, state)), token }
            }
            GitHubAuth::App { id, private_key } => {
                let key = octocrab::auth::EncodingKey::from_rsa_pem(private_key.expose_secret().as_bytes())
                    .map_err(|_| ConnectError::PrivateKey)?;
                let auth = octocrab::auth::AppAuth { app_id: id.into(), key };
                let api = transport::octocrab(&addresses.api, client, octocrab::AuthState::App(auth));
                Access::App { id, installations: Box::new(Installations::new(api)) }
            }
        };
        Ok(Self { access, git_root: addresses.git, git_client, login: OnceCell::new() })
    }

    /// The App's id, where we are one.
    fn app_id(&self) -> Option<u64> {
        match &self.access {
            Access::Token { .. } => None,
            Access::App { id, .. } => Some(*id),
        }
    }
}

#[async_trait]
impl Forge for GitHub {
    async fn identity(&self) -> Result<Identity, ForgeError> {
        let call = Call::new(self);
        call.limit(account::identity(&call)).await
    }

    async fn repository(&self, repo: &RepoRef) -> Result<RepositoryFacts, ForgeError> {
        let call = Call::new(self);
        call.limit(repos::facts(&call, repo)).await
    }

    async fn repositories(&self, connection: &ConnectionName) -> Result<Vec<RepoRef>, ForgeError> {
        let call = Call::new(self);
        call.limit(repos::list(&call, connection)).await
    }

    async fn files(
        &self,
        repo: &RepoRef,
        commit: &Oid,
        path: &str,
    ) -> Result<BTreeMap<String, Vec<u8>>, ForgeError> {
        let call = Call::new(self);
        call.limit(files::files(&call, repo, commit, path)).await
    }

    async fn branch_head(&self, repo: &RepoRef, branch: &str) -> Result<Option<Oid>, ForgeError> {
        let call = Call::new(self);
        call.limit(repos::branch_head(&call, repo, branch)).await
    }

    async fn permission(&self, repo: &RepoRef, login: &str) -> Result<Permission, ForgeError> {
        let call = Call::new(self);
        call.limit(repos::permission(&call, repo, login)).await
    }

    async fn changed_paths(&self, repo: &RepoRef, of: &ChangeRange) -> Result<Vec<String>, ForgeError> {
        let call = Call::new(self);
        call.limit(lookups::changed_paths(&call, repo, of)).await
    }

    async fn pull_request(&self, repo: &RepoRef, number: u64) -> Result<PullRequestFacts, ForgeError> {
        let call = Call::new(self);
        call.limit(lookups::pull_request(&call, repo, number)).await
    }

    async fn is_member(&self, repo: &RepoRef, team: &str, login: &str) -> Result<bool, ForgeError> {
        let call = Call::new(self);
        call.limit(lookups::is_member(&call, repo, team, login)).await
    }

    async fn react(&self, repo: &RepoRef, target: ReactionTarget) -> Result<(), ForgeError> {
        let call = Call::new(self);
        call.limit(issues::react(&call, repo, &target)).await
    }

    async fn remove_label(&self, repo: &RepoRef, number: u64, label: &str) -> Result<(), ForgeError> {
        let call = Call::new(self);
        call.limit(issues::remove_label(&call, repo, number, label)).await
    }

    async fn create_comment(
        &self,
        repo: &RepoRef,
        number: u64,
        body: &str,
    ) -> Result<CommentRef, ForgeError> {
        let call = Call::new(self);
        call.limit(issues::create_comment(&call, repo, number, body)).await
    }

    async fn edit_comment(&self, repo: &RepoRef, comment: &CommentRef, body: &str) -> Result<(), ForgeError> {
        let call = Call::new(self);
        call.limit(issues::edit_comment(&call, repo, comment, body)).await
    }

    async fn find_comment(
        &self,
        repo: &RepoRef,
        number: u64,
        marker: &str,
    ) -> Result<Option<CommentRef>, ForgeError> {
        let call = Call::new(self);
        call.limit(issues::find_comment(&call, repo, number, marker)).await
    }

    async fn create_pull_request(
        &self,
        repo: &RepoRef,
        new: &NewPullRequest,
    ) -> Result<PullRequest, ForgeError> {
        let call = Call::new(self);
        call.limit(pulls::create(&call, repo, new)).await
    }

    async fn find_pull_request(&self, repo: &RepoRef, head: &str) -> Result<Option<PullRequest>, ForgeError> {
        let call = Call::new(self);
        call.limit(pulls::find(&call, repo, head)).await
    }

    async fn edit_pull_request(
        &self,
        repo: &RepoRef,
        number: u64,
        title: &str,
        body: &str,
    ) -> Result<(), ForgeError> {
        let call = Call::new(self);
        call.limit(pulls::edit(&call, repo, number, title, body)).await
    }

    async fn label_pull_request(
        &self,
        repo: &RepoRef,
        number: u64,
        labels: &[String],
    ) -> Result<(), ForgeError> {
        let call = Call::new(self);
        call.limit(issues::add_labels(&call, repo, number, labels)).await
    }

    async fn request_reviews(
        &self,
        repo: &RepoRef,
        number: u64,
        reviewers: &[String],
    ) -> Result<(), ForgeError> {
        let call = Call::new(self);
        call.limit(pulls::request_reviews(&call, repo, number, reviewers)).await
    }

    async fn set_check(&self, repo: &RepoRef, head: &Oid, check: &Check) -> Result<(), ForgeError> {
        let call = Call::new(self);
        call.limit(checks::set(&call, repo, head, check)).await
    }

    async fn git(&self, repo: &RepoRef) -> Result<GitEndpoint, ForgeError> {
        let call = Call::new(self);
        call.limit(repos::git(&call, repo)).await
    }

    fn hook_deliveries(&self) -> Option<&dyn HookDeliveries> {
        Some(self)
    }
}
