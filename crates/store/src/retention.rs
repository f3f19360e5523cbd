//! Letting go of what is old: deliveries with what was made of them, and logs; not what runs did.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::{decision, delivery, delivery_key, event, fact, run, run_event, run_log};
use crate::{Store, StoreError};

/// Since when things are kept; what is from before may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Deliveries with their events, decisions and facts, unless a run that is not done stands for them.
    pub deliveries: DateTime<Utc>,
    /// Logs of runs that ended.
    pub logs: DateTime<Utc>,
    /// What tells that a delivery was seen before.
    pub keys: DateTime<Utc>,
}

impl Store {
    /// Lets go of up to `batch` old deliveries, the logs of as many runs and as many keys, each in a
    /// transaction of its own; how many there were. Zero: nothing old is left.
    ///
    /// # Errors
    /// When the database does not answer; what was let go of by then is gone.
    pub async fn let_go(&self, kept: Kept, batch: u64) -> Result<u64, StoreError> {
        Ok(self.let_deliveries_go(kept.deliveries, batch).await?
            + self.let_logs_go(kept.logs, batch).await?
            + self.let_keys_go(kept.keys, batch).await?)
    }

    async fn let_deliveries_go(&self, since: DateTime<Utc>, batch: u64) -> Result<u64, StoreError> {
        let ids: Vec<Uuid> = delivery::Entity::find()
            .select_only()
            .column(delivery::Column::Id)
            .filter(delivery::Column::Id.lt(first_id(since)))
            .filter(delivery::Column::ReceivedAt.lt(since))
            .filter(delivery::Column::Id.not_in_subquery(started_unfinished()))
            .filter(delivery::Column::Id.not_in_subquery(joined_unfinished()))
            .order_by_asc(delivery::Column::Id)
            .limit(batch)
            .into_tuple()
            .all(&self.read)
            .await?;
        if ids.is_empty() {
            return Ok(0);
        }
        // In turn with decisions: a run that starts meanwhile may want what would go.
        let tx = self.begin().await?;
        delete::<event::Entity>(&tx.inner, event::Column::DeliveryId, &ids).await?;
        delete::<decision::Entity>(&tx.inner, decision::Column::DeliveryId, &ids).await?;
        delete::<fact::Entity>(&tx.inner, fact::Column::DeliveryId, &ids).await?;
        delete::<run_event::Entity>(&tx.inner, run_event::Column::DeliveryId, &ids).await?;
        let gone = delete::<delivery::Entity>(&tx.inner, delivery::Column::Id, &ids).await?;
        tx.commit().await?;
        Ok(gone)
    }

    async fn let_logs_go(&self, since: DateTime<Utc>, batch: u64) -> Result<u64, StoreError> {
        // No run ends before it is made.
        let oldest = first_id(since);
        let ended = Query::select()
            .column(run::Column::Id)
            .from(run::Entity)
            .and_where(run::Column::Id.lt(oldest))
            .and_where(run::Column::FinishedAt.lt(since))
            .to_owned();
        let ids: Vec<Uuid> = run_log::Entity::find()
            .select_only()
            .column(run_log::Column::RunId)
            .distinct()
            .filter(run_log::Column::RunId.lt(oldest))
            .filter(run_log::Column::RunId.in_subquery(ended))
            .order_by_asc(run_log::Column::RunId)
            .limit(batch)
            .into_tuple()
            .all(&self.read)
            .await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let tx = self.begin().await?;
        delete::<run_log::Entity>(&tx.inner, run_log::Column::RunId, &ids).await?;
        tx.commit().await?;
        Ok(ids.len() as u64)
    }

    async fn let_keys_go(&self, since: DateTime<Utc>, batch: u64) -> Result<u64, StoreError> {
        let keys: Vec<String> = delivery_key::Entity::find()
            .select_only()
            .column(delivery_key::Column::Key)
            .filter(delivery_key::Column::CreatedAt.lt(since))
            .limit(batch)
            .into_tuple()
            .all(&self.read)
            .await?;
        if keys.is_empty() {
            return Ok(0);
        }
        let tx = self.begin().await?;
        let old = delivery_key::Column::Key.is_in(keys);
        let gone = delivery_key::Entity::delete_many().filter(old).exec(&tx.inner).await?;
        tx.commit().await?;
        Ok(gone.rows_affected)
    }
}

async fn delete<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    column: E::Column,
    ids: &[Uuid],
) -> Result<u64, DbErr> {
    let gone = E::delete_many().filter(column.is_in(ids.iter().copied())).exec(connection).await?;
    Ok(gone.rows_affected)
}

/// Deliveries that started a run that is not done.
fn started_unfinished() -> SelectStatement {
    Query::select()
        .column(run::Column::DeliveryId)
        .from(run::Entity)
        .and_where(run::Column::State.ne("done"))
        .to_owned()
}

/// Deliveries that a run that is not done stands for, too.
fn joined_unfinished() -> SelectStatement {
    let unfinished = Query::select()
        .column(run::Column::Id)
        .from(run::Entity)
        .and_where(run::Column::State.ne("done"))
        .to_owned();
    Query::select()
        .column(run_event::Column::DeliveryId)
        .from(run_event::Entity)
        .and_where(run_event::Column::RunId.in_subquery(unfinished))
        .to_owned()
}

/// The first id of a moment: ids begin with the time they were made at, so that no index by time is needed.
fn first_id(moment: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(moment.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
