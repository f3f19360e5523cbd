//! Work items that are one problem: our own pull requests, closing references, remote links.
//!
//! Nothing is guessed. A link is what somebody wrote who passed the automation's `allow`, about an
//! item of their own, or a pull request that we opened.

mod references;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::event::SourceKind;
use schemas::{ConnectionName, Run, WorkItem};
use store::{LinkKind, PullRequestRef, StoreError, Tx};

use crate::Dispatcher;

pub use references::{Reference, references};

/// A tracker that texts may point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracker {
    /// Jira or Sentry.
    pub kind: SourceKind,
    /// Where its pages are.
    pub url: String,
}

/// The trackers that are configured, by connection.
pub type Trackers = BTreeMap<ConnectionName, Tracker>;

impl Dispatcher {
    /// Links what a new run's event names to what the run is about.
    pub(crate) async fn link_references(
        &self,
        tx: &Tx,
        run: &Run,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for reference in references(&run.input.event, &self.settings.trackers) {
            let (named, kind) = match reference {
                Reference::Closes(item) => (Some(item), LinkKind::ClosingReference),
                Reference::Remote(item) => (Some(item), LinkKind::RemoteLink),
                Reference::SentryIssue { connection, id } => {
                    (tx.only_item_ending(connection.as_str(), &format!("/{id}")).await?, LinkKind::RemoteLink)
                }
            };
            if let Some(named) = named
                && tx.link(&run.work_item, &named, kind, now).await?
            {
                tracing::info!(work_item = %run.work_item, %named, "one problem");
            }
        }
        Ok(())
    }

    /// The pull request that a run opened is about the run's problem.
    pub(crate) async fn link_pull_request(
        &self,
        tx: &Tx,
        run: &Run,
        opened: &PullRequestRef,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let repository = &run.repository;
        let forge = self.forge(&repository.connection).ok();
        let sign = if forge.and_then(|forge| forge.for_merge_requests()).is_some() { '!' } else { '#' };
        let item = WorkItem(format!("{}:{}{sign}{}", repository.connection, repository.path, opened.number));
        tx.link(&item, &run.root, LinkKind::OwnPullRequest, now).await?;
        Ok(())
    }
}
