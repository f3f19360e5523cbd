//! What runs about one problem left on the forge: what a new run goes on with.

use std::collections::HashSet;

use schemas::{Oid, RepoRef, WorkItem};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{RunRecord, row};
use crate::entity::run;
use crate::{Store, StoreError};

/// Runs that are looked through for pull requests.
const LOOK: u64 = 50;

impl Store {
    /// The newest runs about a root that have a pull request in `repository`, one for each pull
    /// request.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn pull_requests_of(
        &self,
        root: &WorkItem,
        repository: &RepoRef,
    ) -> Result<Vec<RunRecord>, StoreError> {
        let rows = run::Entity::find()
            .filter(run::Column::Root.eq(root.as_str()))
            .filter(run::Column::Repository.eq(repository.to_string()))
            .filter(run::Column::PullRequest.is_not_null())
            .order_by_desc(run::Column::Id)
            .limit(LOOK)
            .all(&self.read)
            .await?;
        let records = rows.into_iter().map(row::read).collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        let number = |record: &RunRecord| record.pull_request.as_ref().map(|opened| opened.number);
        Ok(records.into_iter().filter(|record| seen.insert(number(record))).collect())
    }

    /// The run about a root that made the commit `head`.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn run_that_made(&self, root: &WorkItem, head: &Oid) -> Result<Option<RunRecord>, StoreError> {
        run::Entity::find()
            .filter(run::Column::Root.eq(root.as_str()))
            .filter(run::Column::Head.eq(head.as_str()))
            .one(&self.read)
            .await?
            .map(row::read)
            .transpose()
    }
}
