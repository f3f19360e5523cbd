//! The events that a run stands for, where it waited for more of them.

use chrono::{DateTime, Utc};
use schemas::{DeliveryId, Event, RunId};
use sea_orm::sea_query::{OnConflict, Query, UnionType};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::{event, run, run_event};
use crate::error::from_json;
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Adds an event to those that a run stands for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_run_event(
        &self,
        run: RunId,
        delivery: DeliveryId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = run_event::ActiveModel { run_id: Set(run.0), delivery_id: Set(delivery.0), at: Set(now) };
        run_event::Entity::insert(row)
            .on_conflict(
                OnConflict::columns([run_event::Column::RunId, run_event::Column::DeliveryId])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(&self.inner)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Every event that a run stands for, in the order they arrived.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn events_of(&self, run: RunId) -> Result<Vec<Event>, StoreError> {
        let more = Query::select()
            .column(run_event::Column::DeliveryId)
            .from(run_event::Entity)
            .and_where(run_event::Column::RunId.eq(run.0))
            .to_owned();
        let all = Query::select()
            .column(run::Column::DeliveryId)
            .from(run::Entity)
            .and_where(run::Column::Id.eq(run.0))
            .union(UnionType::All, more)
            .to_owned();
        let rows = event::Entity::find()
            .filter(event::Column::DeliveryId.in_subquery(all))
            .order_by_asc(event::Column::DeliveryId)
            .all(&self.read)
            .await?;
        rows.iter().map(|row| from_json(&row.body, "events", "body", &row.delivery_id)).collect()
    }
}
