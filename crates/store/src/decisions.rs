//! Decisions, one row for every candidate automation of a delivery.

use schemas::{AutomationName, Decision, DeliveryId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::decision;
use crate::error::from_json;
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Records decisions.
    ///
    /// # Errors
    /// When the database does not answer, or one is recorded already.
    pub async fn insert_decisions(&self, decisions: &[Decision]) -> Result<(), StoreError> {
        let rows = decisions
            .iter()
            .map(|decision| {
                Ok(decision::ActiveModel {
                    delivery_id: Set(decision.delivery.0),
                    automation: Set(decision.automation.0.clone()),
                    verdict: Set(decision.verdict.word().to_owned()),
                    detail: Set(serde_json::to_string(&decision.verdict)?),
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        // SQLite binds at most 32,766 values to a statement.
        for chunk in rows.chunks(8_000) {
            decision::Entity::insert_many(chunk.to_vec()).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The decisions of one delivery, by automation.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn decisions(&self, delivery: DeliveryId) -> Result<Vec<Decision>, StoreError> {
        decision::Entity::find()
            .filter(decision::Column::DeliveryId.eq(delivery.0))
            .order_by_asc(decision::Column::Automation)
            .all(&self.read)
            .await?
            .into_iter()
            .map(|row| {
                let verdict = from_json(&row.detail, "decisions", "detail", &delivery)?;
                Ok(Decision { delivery, automation: AutomationName(row.automation), verdict })
            })
            .collect()
    }
}
