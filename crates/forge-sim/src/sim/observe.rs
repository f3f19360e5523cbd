//! What a test looks at.

use std::path::PathBuf;

use tokio::sync::oneshot;

use super::Sim;
use crate::deliver::Posting;
use crate::model::{CheckRun, DeliveryRecord, Item, JournalEntry, Repository, Status};

impl Sim {
    /// How many ordered faults have not met all their requests yet.
    #[must_use]
    pub fn pending_faults(&self) -> usize {
        self.world.faults().len()
    }

    /// An issue or pull request.
    #[must_use]
    pub fn issue(&self, owner: &str, name: &str, number: u64) -> Option<Item> {
        self.world.model().repository(owner, name)?.items.get(&number).cloned()
    }

    /// The pull requests, oldest first.
    #[must_use]
    pub fn pulls(&self, owner: &str, name: &str) -> Vec<Item> {
        self.of(owner, name, |r| r.items.values().filter(|i| i.pull.is_some()).cloned().collect())
    }

    /// The commit statuses, oldest first.
    #[must_use]
    pub fn statuses(&self, owner: &str, name: &str) -> Vec<Status> {
        self.of(owner, name, |r| r.statuses.clone())
    }

    /// The check runs, oldest first.
    #[must_use]
    pub fn check_runs(&self, owner: &str, name: &str) -> Vec<CheckRun> {
        self.of(owner, name, |r| r.check_runs.clone())
    }

    /// The newest commit of a branch.
    pub async fn branch(&self, owner: &str, name: &str, branch: &str) -> Option<String> {
        self.world.bare(owner, name).branch(branch).await.ok().flatten()
    }

    /// The bare repository's folder, for git commands of a test.
    #[must_use]
    pub fn bare_repo(&self, owner: &str, name: &str) -> PathBuf {
        self.world.bare(owner, name).folder().to_owned()
    }

    /// Every write request so far.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.world.model().journal.clone()
    }

    /// Waits until every webhook delivery that is due by now was attempted.
    pub async fn delivered(&self) {
        let (turn, come) = oneshot::channel();
        drop(self.world.outbox.send(Posting::Turn(turn)));
        // An error means that the sim has stopped, and nothing more comes.
        drop(come.await);
    }

    /// Every webhook delivery so far.
    #[must_use]
    pub fn deliveries(&self) -> Vec<DeliveryRecord> {
        self.world.model().deliveries.clone()
    }

    fn of<T: Default>(&self, owner: &str, name: &str, part: impl FnOnce(&Repository) -> T) -> T {
        self.world.model().repository(owner, name).map(part).unwrap_or_default()
    }
}
