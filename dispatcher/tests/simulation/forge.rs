//! A forge in memory whose writes go wrong in every way that a forge's can, and during one of which
//! the dispatcher may die.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use forge::{
    Check, CommentRef, Forge, ForgeError, GitEndpoint, Identity, NewPullRequest, PullRequest,
    PullRequestFacts, ReactionTarget, RepositoryFacts,
};
use schemas::automation::Permission;
use schemas::{ConnectionName, Oid, RepoRef};
use tokio::sync::Notify;

use crate::random::Random;

/// Faults of one write in a row; after them it is let through, so that no write is given up.
const IN_A_ROW: u32 = 2;

pub struct SimForge {
    state: Mutex<State>,
    /// Rung when the dispatcher is to die, in the middle of a call.
    pub crash: Notify,
}

struct State {
    random: Random,
    /// Writes of a hundred that go wrong.
    faulty: u64,
    in_a_row: HashMap<String, u32>,
    faults: u64,
    heads: BTreeMap<String, Oid>,
    comments: Vec<Comment>,
    pulls: Vec<NewPullRequest>,
    last: u64,
}

#[derive(Debug, Clone)]
pub struct Comment {
    pub number: u64,
    pub id: u64,
    pub body: String,
}

enum Fault {
    /// Nothing was done, and it says so.
    Refuses(ForgeError),
    /// It cannot be told from the answer.
    Unclear { done: bool },
    /// The dispatcher dies before it hears.
    Crash { done: bool },
}

impl SimForge {
    pub fn new(random: Random) -> Self {
        let heads = BTreeMap::from([("main".to_owned(), oid(0xa))]);
        let state = State {
            random,
            faulty: 0,
            in_a_row: HashMap::new(),
            faults: 0,
            heads,
            comments: Vec::new(),
            pulls: Vec::new(),
            last: 0,
        };
        Self { state: Mutex::new(state), crash: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on so many of a hundred writes go wrong.
    pub fn set_faulty(&self, of_a_hundred: u64) {
        self.state().faulty = of_a_hundred;
    }

    pub fn faults(&self) -> u64 {
        self.state().faults
    }

    pub fn comments(&self) -> Vec<Comment> {
        self.state().comments.clone()
    }

    pub fn pulls(&self) -> Vec<NewPullRequest> {
        self.state().pulls.clone()
    }

    pub fn head(&self, branch: &str) -> Option<Oid> {
        self.state().heads.get(branch).cloned()
    }

    /// A push with a lease: false when the branch is not at `old`.
    pub fn push(&self, branch: &str, old: &Oid, new: &Oid) -> bool {
        let mut state = self.state();
        let there = state.heads.get(branch).cloned().unwrap_or_else(Oid::zero);
        if there == *old {
            state.heads.insert(branch.to_owned(), new.clone());
        }
        there == *old
    }

    /// A person takes one of our comments away; false when there is none.
    pub fn delete_a_comment(&self) -> bool {
        let mut state = self.state();
        let count = state.comments.len() as u64;
        if count > 0 {
            let place = usize::try_from(state.random.below(count)).unwrap();
            state.comments.remove(place);
        }
        count > 0
    }

    async fn write<T>(&self, what: String, act: impl FnOnce(&mut State) -> T) -> Result<T, ForgeError> {
        let dies = {
            let mut state = self.state();
            match state.fault(what) {
                None => return Ok(act(&mut state)),
                Some(Fault::Refuses(error)) => return Err(error),
                Some(Fault::Unclear { done }) => {
                    if done {
                        act(&mut state);
                    }
                    return Err(ForgeError::Unclear { message: "502".to_owned() });
                }
                Some(Fault::Crash { done }) => {
                    if done {
                        act(&mut state);
                    }
                    true
                }
            }
        };
        assert!(dies);
        self.crash.notify_one();
        std::future::pending().await
    }
}

impl State {
    fn fault(&mut self, what: String) -> Option<Fault> {
        let row = self.in_a_row.entry(what).or_default();
        if *row >= IN_A_ROW || !self.random.percent(self.faulty) {
            *row = 0;
            return None;
        }
        *row += 1;
        self.faults += 1;
        let done = self.random.percent(50);
        Some(match self.random.below(5) {
            0 => Fault::Refuses(ForgeError::Unavailable { message: "no connection".to_owned() }),
            1 => Fault::Refuses(ForgeError::RateLimited { retry_after: None }),
            2 => Fault::Crash { done },
            _ => Fault::Unclear { done },
        })
    }

    fn fresh(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// A commit's or tree's id, made of a number.
pub fn oid(number: u64) -> Oid {
    format!("{number:040x}").parse().unwrap()
}

fn comment_ref(id: u64) -> CommentRef {
    CommentRef { id, url: format!("https://forge.example/comment/{id}") }
}

fn pull_request(place: usize) -> PullRequest {
    PullRequest { number: 1_000 + place as u64, url: "https://forge.example/pull".to_owned() }
}

#[async_trait]
impl Forge for SimForge {
    async fn identity(&self) -> Result<Identity, ForgeError> {
        Ok(Identity { id: "99".into(), login: "bot".into(), machine: true, grants: None, clock: None })
    }
    async fn repository(&self, _: &RepoRef) -> Result<RepositoryFacts, ForgeError> {
        Ok(RepositoryFacts { default_branch: "main".into(), archived: false, can_push: Some(true) })
    }
    async fn repositories(&self, _: &ConnectionName) -> Result<Vec<RepoRef>, ForgeError> {
        Ok(Vec::new())
    }
    async fn branch_head(&self, _: &RepoRef, branch: &str) -> Result<Option<Oid>, ForgeError> {
        Ok(self.head(branch))
    }
    async fn permission(&self, _: &RepoRef, _: &str) -> Result<Permission, ForgeError> {
        Ok(Permission::Write)
    }
    async fn pull_request(&self, _: &RepoRef, number: u64) -> Result<PullRequestFacts, ForgeError> {
        let state = self.state();
        let place = number.checked_sub(1_000).and_then(|place| usize::try_from(place).ok());
        let missing = || ForgeError::NotFound { what: format!("pull request {number}") };
        let pull = place.and_then(|place| state.pulls.get(place)).ok_or_else(missing)?;
        Ok(PullRequestFacts {
            head_ref: pull.head.clone(),
            head: state.heads.get(&pull.head).cloned(),
            base_ref: pull.base.clone(),
            draft: pull.draft,
            fork: false,
            open: true,
            author: None,
        })
    }
    async fn react(&self, _: &RepoRef, target: ReactionTarget) -> Result<(), ForgeError> {
        self.write(format!("react {target:?}"), |_| ()).await
    }
    async fn remove_label(&self, _: &RepoRef, number: u64, label: &str) -> Result<(), ForgeError> {
        self.write(format!("remove {label} {number}"), |_| ()).await
    }
    async fn create_comment(&self, _: &RepoRef, number: u64, body: &str) -> Result<CommentRef, ForgeError> {
        let act = |state: &mut State| {
            let id = state.fresh();
            state.comments.push(Comment { number, id, body: body.to_owned() });
            comment_ref(id)
        };
        self.write(format!("comment {number}"), act).await
    }
    async fn edit_comment(&self, _: &RepoRef, target: &CommentRef, body: &str) -> Result<(), ForgeError> {
        let act = |state: &mut State| match state.comments.iter_mut().find(|found| found.id == target.id) {
            Some(found) => {
                found.body = body.to_owned();
                Ok(())
            }
            None => Err(ForgeError::NotFound { what: "the comment".to_owned() }),
        };
        self.write(format!("edit {}", target.id), act).await?
    }
    async fn find_comment(
        &self,
        _: &RepoRef,
        number: u64,
        marker: &str,
    ) -> Result<Option<CommentRef>, ForgeError> {
        let state = self.state();
        let mut there = state.comments.iter().filter(|comment| comment.number == number);
        Ok(there.find(|comment| comment.body.contains(marker)).map(|comment| comment_ref(comment.id)))
    }
    async fn create_pull_request(
        &self,
        _: &RepoRef,
        new: &NewPullRequest,
    ) -> Result<PullRequest, ForgeError> {
        let act = |state: &mut State| {
            if state.pulls.iter().any(|pull| pull.head == new.head) {
                return Err(ForgeError::AlreadyExists);
            }
            state.pulls.push(new.clone());
            Ok(pull_request(state.pulls.len() - 1))
        };
        self.write(format!("open {}", new.head), act).await?
    }
    async fn find_pull_request(&self, _: &RepoRef, head: &str) -> Result<Option<PullRequest>, ForgeError> {
        Ok(self.state().pulls.iter().position(|pull| pull.head == head).map(pull_request))
    }
    async fn edit_pull_request(&self, _: &RepoRef, number: u64, _: &str, _: &str) -> Result<(), ForgeError> {
        self.write(format!("edit pull request {number}"), |_| ()).await
    }
    async fn label_pull_request(&self, _: &RepoRef, number: u64, _: &[String]) -> Result<(), ForgeError> {
        self.write(format!("label {number}"), |_| ()).await
    }
    async fn set_check(&self, _: &RepoRef, head: &Oid, _: &Check) -> Result<(), ForgeError> {
        self.write(format!("check {head}"), |_| ()).await
    }
    async fn git(&self, _: &RepoRef) -> Result<GitEndpoint, ForgeError> {
        Err(ForgeError::NotFound { what: "git".to_owned() })
    }
}
