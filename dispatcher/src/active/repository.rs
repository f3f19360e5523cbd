//! Automations that lie in a repository: pulled at start, now and then, and when they are pushed to.
//!
//! The one branch that configuration names counts; what a pull request would make of it does not.
//! They are read through the forge's interface, at one commit, and taken whole or not at all.

use std::collections::BTreeMap;
use std::time::Duration;

use forge::ForgeError;
use schemas::event::EventType;
use schemas::{Event, Oid, RepoRef};
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::rules::load_texts;
use crate::{Dispatcher, short};

/// How often the branch is looked at when nobody tells of a push.
const PULL: Duration = Duration::from_secs(300);
/// After a look that failed.
const AGAIN: Duration = Duration::from_secs(30);

/// A folder of a branch of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomationsRepository {
    /// The repository.
    pub repository: RepoRef,
    /// The folder, with no slash at its ends; empty for the root.
    pub path: String,
    /// The branch; the default branch unless said.
    pub branch: Option<String>,
}

/// The commit that was looked at last, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    commit: Oid,
    mistakes: Option<String>,
}

/// Why it is not known what the branch holds.
#[derive(Debug, thiserror::Error)]
enum PullError {
    #[error("{repository} cannot be read: {error}")]
    Forge { repository: RepoRef, error: ForgeError },
    #[error("{repository} has no branch `{branch}`")]
    NoBranch { repository: RepoRef, branch: String },
    #[error("the database does not answer")]
    Store(#[from] StoreError),
}

impl Dispatcher {
    /// Pulls the automations until `stop`.
    pub async fn pull_automations(&self, stop: CancellationToken) {
        let Some(source) = self.settings.automations.clone() else { return };
        let mut last = None;
        loop {
            let wait = if self.pull(&source, &mut last).await { PULL } else { AGAIN };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.active.pushed.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Looks at the branch once, and puts in force what it holds; false when it could not be looked at.
    pub async fn pull(&self, source: &AutomationsRepository, last: &mut Option<Pulled>) -> bool {
        let looked = self.look_at_branch(source, last).await;
        let problem = match &looked {
            Ok(()) => last.as_ref().and_then(|last| last.mistakes.clone()),
            Err(error) => Some(error.to_string()),
        };
        self.note_rules_problem(problem);
        looked.is_ok()
    }

    async fn look_at_branch(
        &self,
        source: &AutomationsRepository,
        last: &mut Option<Pulled>,
    ) -> Result<(), PullError> {
        let repository = &source.repository;
        let unread = |error| PullError::Forge { repository: repository.clone(), error };
        let forge = self.forge(&repository.connection).map_err(unread)?;
        let branch = match &source.branch {
            Some(branch) => branch.clone(),
            None => forge.repository(repository).await.map_err(unread)?.default_branch,
        };
        let head = forge.branch_head(repository, &branch).await.map_err(unread)?;
        let commit = head.ok_or(PullError::NoBranch { repository: repository.clone(), branch })?;
        if last.as_ref().is_some_and(|last| last.commit == commit) {
            return Ok(());
        }
        let files = forge.files(repository, &commit, &source.path).await.map_err(unread)?;
        let mistakes = match load_texts(texts(files)) {
            Ok(set) => {
                let folder = if source.path.is_empty() { "" } else { ":" };
                let place = format!("{repository}@{}{folder}{}", short(commit.as_str()), source.path);
                self.offer(set, &place).await?;
                None
            }
            Err(error) => {
                Some(format!("commit {} of {repository}: {}", short(commit.as_str()), error.one_line()))
            }
        };
        *last = Some(Pulled { commit, mistakes });
        Ok(())
    }

    /// Has the automations pulled when their branch was pushed to.
    pub(crate) fn notice_push<'e>(&self, mut events: impl Iterator<Item = &'e Event>) {
        let Some(source) = &self.settings.automations else { return };
        let theirs = |event: &Event| {
            let at = event.repository.as_ref();
            event.r#type == EventType::Push && at.is_some_and(|at| at.name == source.repository)
        };
        if events.any(theirs) {
            self.active.pushed.notify_one();
        }
    }
}

/// The texts among the files: automations, and prompts that these name. What is hidden is not looked
/// at, as in a folder. A file of automations that is no text stays, to be refused as one.
fn texts(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    let hidden = |path: &str| path.split('/').any(|part| part.starts_with('.'));
    let yaml = |path: &str| path.ends_with(".yaml") || path.ends_with(".yml");
    files
        .into_iter()
        .filter(|(path, bytes)| !hidden(path) && (yaml(path) || std::str::from_utf8(bytes).is_ok()))
        .map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()))
        .collect()
}
