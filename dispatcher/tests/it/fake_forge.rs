//! A stateful forge in memory, for what needs no HTTP.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use async_trait::async_trait;
use forge::{
    Check, CommentRef, Forge, ForgeError, GitEndpoint, Identity, NewPullRequest, PullRequest,
    PullRequestFacts, ReactionTarget, RepositoryFacts,
};
use schemas::automation::Permission;
use schemas::{ConnectionName, Oid, RepoRef};

#[derive(Default)]
pub struct FakeForge {
    state: Mutex<State>,
}

pub struct State {
    /// The repositories that the connection sees; its error is what pull requests answer, too.
    pub visible: Result<Vec<String>, ForgeError>,
    /// Files of every commit, by their paths.
    pub files: BTreeMap<String, String>,
    pub permissions: HashMap<String, Permission>,
    pub heads: HashMap<String, Oid>,
    pub comments: Vec<(u64, String)>,
    pub pulls: Vec<NewPullRequest>,
    /// Branches whose pull request was merged or closed.
    pub closed: Vec<String>,
    /// Number and text of each edit of a pull request.
    pub edits: Vec<(u64, String)>,
    /// What pull requests were given: labels and reviewers.
    pub given: Vec<String>,
    pub internal_comments: usize,
    pub labels_removed: Vec<String>,
    pub reactions: usize,
    pub checks: Vec<Check>,
    /// Errors that the next writes answer with; the flag says whether the write happens all the same.
    pub faults: Vec<(ForgeError, bool)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            visible: Ok(Vec::new()),
            files: BTreeMap::new(),
            permissions: HashMap::new(),
            heads: HashMap::new(),
            comments: Vec::new(),
            pulls: Vec::new(),
            closed: Vec::new(),
            edits: Vec::new(),
            given: Vec::new(),
            internal_comments: 0,
            labels_removed: Vec::new(),
            reactions: 0,
            checks: Vec::new(),
            faults: Vec::new(),
        }
    }
}

impl FakeForge {
    pub fn sees(&self, repositories: &[&str]) {
        let visible = repositories.iter().map(ToString::to_string).collect();
        self.with(|state| state.visible = Ok(visible));
    }

    pub fn allow(&self, login: &str, permission: Permission) {
        self.with(|state| state.permissions.insert(login.into(), permission));
    }

    pub fn set_head(&self, branch: &str, oid: &str) {
        self.with(|state| state.heads.insert(branch.into(), oid.parse().unwrap()));
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    fn write<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, ForgeError> {
        self.with(|state| {
            if state.faults.is_empty() {
                return Ok(act(state));
            }
            let (error, happens) = state.faults.remove(0);
            if happens {
                act(state);
            }
            Err(error)
        })
    }
}

fn comment(id: u64) -> CommentRef {
    CommentRef { id, url: format!("https://forge/comment/{id}") }
}

#[async_trait]
impl Forge for FakeForge {
    async fn identity(&self) -> Result<Identity, ForgeError> {
        Ok(Identity { id: "99".into(), login: "bot".into(), machine: true, grants: None, clock: None })
    }
    async fn repository(&self, _: &RepoRef) -> Result<RepositoryFacts, ForgeError> {
        Ok(RepositoryFacts { default_branch: "main".into(), archived: false, can_push: Some(true) })
    }
    async fn repositories(&self, connection: &ConnectionName) -> Result<Vec<RepoRef>, ForgeError> {
        let visible = self.with(|state| state.visible.clone())?;
        Ok(visible.iter().map(|path| RepoRef::new(connection, path).unwrap()).collect())
    }
    async fn files(&self, _: &RepoRef, _: &Oid, _: &str) -> Result<BTreeMap<String, Vec<u8>>, ForgeError> {
        Ok(self.with(|state| {
            state.files.iter().map(|(path, text)| (path.clone(), text.clone().into())).collect()
        }))
    }
    async fn branch_head(&self, _: &RepoRef, branch: &str) -> Result<Option<Oid>, ForgeError> {
        Ok(self.with(|state| state.heads.get(branch).cloned()))
    }
    async fn permission(&self, _: &RepoRef, login: &str) -> Result<Permission, ForgeError> {
        Ok(self.with(|state| state.permissions.get(login).copied()).unwrap_or(Permission::None))
    }
    async fn react(&self, _: &RepoRef, _: ReactionTarget) -> Result<(), ForgeError> {
        self.write(|state| state.reactions += 1)
    }
    async fn remove_label(&self, _: &RepoRef, _: u64, label: &str) -> Result<(), ForgeError> {
        self.write(|state| state.labels_removed.push(label.into()))
    }
    async fn create_comment(&self, _: &RepoRef, _: u64, body: &str) -> Result<CommentRef, ForgeError> {
        self.write(|state| {
            let id = state.comments.len() as u64 + 1;
            state.comments.push((id, body.into()));
            comment(id)
        })
    }
    async fn edit_comment(&self, _: &RepoRef, target: &CommentRef, body: &str) -> Result<(), ForgeError> {
        self.write(|state| match state.comments.iter_mut().find(|(id, _)| *id == target.id) {
            Some(found) => {
                found.1 = body.into();
                Ok(())
            }
            None => Err(ForgeError::NotFound { what: "the comment".into() }),
        })?
    }
    async fn find_comment(
        &self,
        _: &RepoRef,
        _: u64,
        marker: &str,
    ) -> Result<Option<CommentRef>, ForgeError> {
        Ok(self.with(|state| {
            state.comments.iter().find(|(_, body)| body.contains(marker)).map(|c| comment(c.0))
        }))
    }
    async fn create_pull_request(
        &self,
        _: &RepoRef,
        new: &NewPullRequest,
    ) -> Result<PullRequest, ForgeError> {
        self.write(|state| {
            if state.pulls.iter().any(|pull| pull.head == new.head) {
                return Err(ForgeError::AlreadyExists);
            }
            state.pulls.push(new.clone());
            Ok(PullRequest { number: 100 + state.pulls.len() as u64, url: "https://forge/pull".into() })
        })?
    }
    async fn find_pull_request(&self, _: &RepoRef, head: &str) -> Result<Option<PullRequest>, ForgeError> {
        Ok(self.with(|state| {
            let found = state.pulls.iter().position(|pull| pull.head == head)?;
            if state.closed.contains(&state.pulls[found].head) {
                return None;
            }
            Some(PullRequest { number: 101 + found as u64, url: "https://forge/pull".into() })
        }))
    }
    async fn pull_request(&self, _: &RepoRef, number: u64) -> Result<PullRequestFacts, ForgeError> {
        self.with(|state| {
            state.visible.as_ref().map_err(Clone::clone)?;
            let missing = || ForgeError::NotFound { what: format!("pull request {number}") };
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(101));
            let pull = place.and_then(|place| state.pulls.get(place)).ok_or_else(missing)?;
            Ok(PullRequestFacts {
                head_ref: pull.head.clone(),
                head: state.heads.get(&pull.head).cloned(),
                base_ref: pull.base.clone(),
                draft: pull.draft,
                fork: false,
                open: !state.closed.contains(&pull.head),
                author: None,
            })
        })
    }
    async fn create_internal_comment(
        &self,
        repo: &RepoRef,
        number: u64,
        body: &str,
    ) -> Result<CommentRef, ForgeError> {
        self.with(|state| state.internal_comments += 1);
        self.create_comment(repo, number, body).await
    }
    async fn edit_pull_request(
        &self,
        _: &RepoRef,
        number: u64,
        _: &str,
        body: &str,
    ) -> Result<(), ForgeError> {
        self.write(|state| state.edits.push((number, body.into())))
    }
    async fn label_pull_request(&self, _: &RepoRef, _: u64, labels: &[String]) -> Result<(), ForgeError> {
        self.write(|state| state.given.extend_from_slice(labels))
    }
    async fn request_reviews(&self, _: &RepoRef, _: u64, reviewers: &[String]) -> Result<(), ForgeError> {
        if reviewers.iter().any(|reviewer| reviewer == "nobody") {
            return Err(ForgeError::Refused { status: 422, message: "no collaborator: @nobody".into() });
        }
        self.write(|state| state.given.extend_from_slice(reviewers))
    }
    async fn set_check(&self, _: &RepoRef, _: &Oid, check: &Check) -> Result<(), ForgeError> {
        self.write(|state| state.checks.push(check.clone()))
    }
    async fn git(&self, _: &RepoRef) -> Result<GitEndpoint, ForgeError> {
        Err(ForgeError::NotFound { what: "git".into() })
    }
}
