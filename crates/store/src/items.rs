//! What is known of one work item.

use schemas::{DeliveryId, WorkItem};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{event, run};
use crate::runs::row;
use crate::{EventSummary, RunRecord, Store, StoreError};

impl Store {
    /// The newest events about a work item, with their deliveries.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_events(
        &self,
        item: &WorkItem,
        limit: u64,
    ) -> Result<Vec<(DeliveryId, EventSummary)>, StoreError> {
        let rows: Vec<(uuid::Uuid, String, Option<String>, Option<String>)> = event::Entity::find()
            .select_only()
            .columns([
                event::Column::DeliveryId,
                event::Column::Type,
                event::Column::WorkItem,
                event::Column::Actor,
            ])
            .filter(event::Column::WorkItem.eq(item.as_str()))
            .order_by_desc(event::Column::DeliveryId)
            .limit(limit)
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, r#type, work_item, actor)| (DeliveryId(id), EventSummary { r#type, work_item, actor }))
            .collect())
    }

    /// Runs that are not done and about a work item or one linked to it, oldest first.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn unfinished_runs_of(&self, item: &WorkItem) -> Result<Vec<RunRecord>, StoreError> {
        let roots = Query::select()
            .column(run::Column::Root)
            .from(run::Entity)
            .and_where(run::Column::WorkItem.eq(item.as_str()))
            .to_owned();
        run::Entity::find()
            .filter(run::Column::State.ne("done"))
            .filter(
                Condition::any()
                    .add(run::Column::Root.eq(item.as_str()))
                    .add(run::Column::Root.in_subquery(roots)),
            )
            .order_by_asc(run::Column::Id)
            .all(&self.read)
            .await?
            .into_iter()
            .map(row::read)
            .collect()
    }
}
