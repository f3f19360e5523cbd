//! Planned writes to forges.

mod claim;

use chrono::{DateTime, Utc};
use schemas::intent::{IntentState, Write};
use schemas::{Epoch, Intent, IntentId, RunId, WorkItem};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::intent;
use crate::error::{from_json, from_word};
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Plans a write under a unique key; false when that key is planned already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn plan(&self, new: &Intent, key: &str) -> Result<bool, StoreError> {
        let row = intent::ActiveModel {
            id: Set(new.id.0),
            run_id: Set(new.run.map(|run| run.0)),
            epoch: Set(new.epoch.0),
            key: Set(key.to_owned()),
            work_item: Set(new.work_item.0.clone()),
            repository: Set(new.repository.to_string()),
            kind: Set(new.write.kind().to_owned()),
            write: Set(serde_json::to_string(&new.write)?),
            state: Set(new.state.word().to_owned()),
            attempts: Set(0),
            looks: Set(0),
            not_before: Set(new.not_before),
            created_at: Set(new.created_at),
            finished_at: Set(None),
            result: Set(None),
            holder: Set(None),
            held_until: Set(None),
        };
        let inserted = intent::Entity::insert(row)
            .on_conflict(OnConflict::column(intent::Column::Key).do_nothing().to_owned())
            .exec_without_returning(&self.inner)
            .await?;
        Ok(inserted > 0)
    }

    /// Records how far an intent got.
    ///
    /// # Errors
    /// When the database does not answer or there is no such intent.
    pub async fn save_intent(&self, intent: &Intent, now: DateTime<Utc>) -> Result<(), StoreError> {
        let over = !matches!(intent.state, IntentState::Open | IntentState::Calling);
        let updated = intent::Entity::update_many()
            .col_expr(intent::Column::State, Expr::value(intent.state.word()))
            .col_expr(intent::Column::Attempts, Expr::value(i64::from(intent.attempts)))
            .col_expr(intent::Column::Looks, Expr::value(i64::from(intent.looks)))
            .col_expr(intent::Column::NotBefore, Expr::value(intent.not_before))
            .col_expr(intent::Column::Result, Expr::value(intent.result.clone()))
            .col_expr(intent::Column::FinishedAt, Expr::value(over.then_some(now)))
            .filter(intent::Column::Id.eq(intent.id.0))
            .exec(&self.inner)
            .await?;
        match updated.rows_affected {
            1 => Ok(()),
            _ => Err(StoreError::Missing { what: format!("intent {}", intent.id) }),
        }
    }

    /// The intents of a run, oldest first, as this transaction sees them.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn intents_of(&self, run: RunId) -> Result<Vec<Intent>, StoreError> {
        intents_of(&self.inner, run).await
    }
}

impl Store {
    /// The intents of a run, oldest first.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn intents_of(&self, run: RunId) -> Result<Vec<Intent>, StoreError> {
        intents_of(&self.read, run).await
    }
}

async fn intents_of(connection: &impl ConnectionTrait, run: RunId) -> Result<Vec<Intent>, StoreError> {
    intent::Entity::find()
        .filter(intent::Column::RunId.eq(run.0))
        .order_by_asc(intent::Column::CreatedAt)
        .order_by_asc(intent::Column::Id)
        .all(connection)
        .await?
        .into_iter()
        .map(read)
        .collect()
}

fn read(row: intent::Model) -> Result<Intent, StoreError> {
    let write: Write = from_json(&row.write, "intents", "write", &row.id)?;
    Ok(Intent {
        id: IntentId(row.id),
        run: row.run_id.map(RunId),
        epoch: Epoch(row.epoch),
        work_item: WorkItem(row.work_item),
        repository: row.repository.parse().map_err(|problem: schemas::id::InvalidId| {
            StoreError::Inconsistent {
                table: "intents",
                column: "repository",
                row: row.id.to_string(),
                problem: problem.to_string(),
            }
        })?,
        write,
        state: from_word(&row.state, "intents", "state", &row.id)?,
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        looks: u32::try_from(row.looks).unwrap_or_default(),
        not_before: row.not_before,
        created_at: row.created_at,
        result: row.result,
    })
}
