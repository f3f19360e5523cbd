//! Runs: the truth about who owns what, and how it ended.

mod admission;
mod branches;
mod budget;
mod claim;
mod events;
mod list;
pub(crate) mod row;
mod standing;

use chrono::{DateTime, Utc};
use schemas::report::{ChangeReport, Report};
use schemas::run::Reason;
use schemas::{Epoch, Oid, Run, RunId, WorkerName};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::entity::run;
use crate::{StoreError, Tx};

pub use admission::{Candidate, Near};
pub(crate) use budget::total;
pub use budget::{Account, DaySum, Payer};
pub use claim::{LeaseView, Pulse};
pub use standing::Standing;

/// A run with what only the control plane needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The run.
    pub run: Run,
    /// The highest epoch it ever had.
    pub epoch: Epoch,
    /// Why its end was asked for, where that was no person's wish.
    pub cancel_reason: Option<Reason>,
    /// The claim's nonce.
    pub nonce: Option<String>,
    /// Who claimed it last.
    pub worker: Option<WorkerName>,
    /// The branch it started from.
    pub base_branch: Option<String>,
    /// The commit that its branch held when it was claimed, where it goes on with one.
    pub branch_head: Option<Oid>,
    /// What it changed, once a push was granted.
    pub change: Option<ChangeReport>,
    /// What the worker said at the end.
    pub report: Option<Report>,
    /// The pull request it opened, or goes on with.
    pub pull_request: Option<PullRequestRef>,
}

/// A pull request that a run opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestRef {
    /// Its number.
    pub number: u64,
    /// Where a person reads it.
    pub url: String,
}

impl RunRecord {
    /// A run as it is before anybody claimed it.
    #[must_use]
    pub fn new(run: Run) -> Self {
        Self {
            run,
            epoch: Epoch(0),
            cancel_reason: None,
            nonce: None,
            worker: None,
            base_branch: None,
            branch_head: None,
            change: None,
            report: None,
            pull_request: None,
        }
    }
}

impl Tx {
    /// Stores new runs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_runs(&self, runs: &[Run]) -> Result<(), StoreError> {
        // SQLite binds at most 32,766 values to a statement.
        for chunk in runs.chunks(500) {
            let rows = chunk
                .iter()
                .map(|run| row::write(&RunRecord::new(run.clone())))
                .collect::<Result<Vec<_>, _>>()?;
            run::Entity::insert_many(rows).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }

    /// The run, its row locked until this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn lock_run(&self, id: RunId) -> Result<Option<RunRecord>, StoreError> {
        let found = run::Entity::find_by_id(id.0).lock_exclusive().one(&self.inner).await?;
        found.map(row::read).transpose()
    }

    /// Writes how far a run that [`Tx::lock_run`] gave back is. What it was made of stays.
    ///
    /// # Errors
    /// When the database does not answer or the run is not there.
    pub async fn save_run(&self, record: &RunRecord) -> Result<(), StoreError> {
        self.update(record.run.id, row::changes(record)?).await
    }

    /// Writes all of a run: also what it is made of, which an event that joined it or an approval changed.
    ///
    /// # Errors
    /// When the database does not answer or the run is not there.
    pub async fn save_whole_run(&self, record: &RunRecord) -> Result<(), StoreError> {
        self.update(record.run.id, row::write(record)?).await
    }

    async fn update(&self, id: RunId, row: run::ActiveModel) -> Result<(), StoreError> {
        // Without reading back what was written.
        let update = run::Entity::update_many().set(row).filter(run::Column::Id.eq(id.0));
        match update.exec(&self.inner).await?.rows_affected {
            0 => Err(StoreError::Missing { what: format!("the run {id}") }),
            _ => Ok(()),
        }
    }
}

/// When a run may be claimed, for a sweep.
pub(crate) fn due(now: DateTime<Utc>) -> sea_orm::Condition {
    sea_orm::Condition::all().add(run::Column::State.eq("queued")).add(run::Column::WakeAt.lte(now))
}
