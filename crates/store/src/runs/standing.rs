//! Where runs stand, in one word: their outcome, or their state where they have none yet.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{AutomationName, DeliveryId, RunId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::run;
use crate::{Store, StoreError};

/// A run, in few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
    pub id: RunId,
    /// Its outcome's word, or that of its state.
    pub standing: String,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// How many of the runs that these deliveries started stand where.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn standing_of(&self, deliveries: &[DeliveryId]) -> Result<BTreeMap<String, u32>, StoreError> {
        let mut counts = BTreeMap::new();
        for chunk in deliveries.chunks(10_000) {
            let rows: Vec<(String, Option<String>)> = run::Entity::find()
                .select_only()
                .columns([run::Column::State, run::Column::Outcome])
                .filter(run::Column::DeliveryId.is_in(chunk.iter().map(|id| id.0)))
                .into_tuple()
                .all(&self.read)
                .await?;
            for (state, outcome) in rows {
                *counts.entry(outcome.unwrap_or(state)).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// The run that an automation started last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_run_of(&self, automation: &AutomationName) -> Result<Option<Standing>, StoreError> {
        let row: Option<(uuid::Uuid, String, Option<String>, DateTime<Utc>)> = run::Entity::find()
            .select_only()
            .columns([run::Column::Id, run::Column::State, run::Column::Outcome, run::Column::CreatedAt])
            .filter(run::Column::Automation.eq(automation.as_str()))
            .order_by_desc(run::Column::CreatedAt)
            .limit(1)
            .into_tuple()
            .one(&self.read)
            .await?;
        Ok(row.map(|(id, state, outcome, created_at)| Standing {
            id: RunId(id),
            standing: outcome.unwrap_or(state),
            created_at,
        }))
    }
}
