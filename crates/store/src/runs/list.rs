//! Runs as the API lists them.

use schemas::{DeliveryId, RunId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{RunRecord, row};
use crate::entity::run;
use crate::{Page, Store, StoreError};

impl Store {
    /// One run.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn run(&self, id: RunId) -> Result<Option<RunRecord>, StoreError> {
        run::Entity::find_by_id(id.0).one(&self.read).await?.map(row::read).transpose()
    }

    /// Runs, newest first, before the one named; `state` is a state's word.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn runs(
        &self,
        limit: u64,
        before: Option<uuid::Uuid>,
        state: Option<&str>,
    ) -> Result<Page<RunRecord>, StoreError> {
        let mut query = run::Entity::find().order_by_desc(run::Column::Id).limit(limit + 1);
        if let Some(before) = before {
            query = query.filter(run::Column::Id.lt(before));
        }
        if let Some(state) = state {
            query = query.filter(run::Column::State.eq(state));
        }
        let items = query.all(&self.read).await?.into_iter().map(row::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(items, usize::try_from(limit).unwrap_or(usize::MAX), |record| record.run.id.0))
    }

    /// The runs that a delivery started.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runs_of(&self, delivery: DeliveryId) -> Result<Vec<RunId>, StoreError> {
        let ids: Vec<uuid::Uuid> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .filter(run::Column::DeliveryId.eq(delivery.0))
            .order_by_asc(run::Column::Id)
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(ids.into_iter().map(RunId).collect())
    }
}
