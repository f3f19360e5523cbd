//! Schedules: since when a timetable is in force, and the ticks that were handled.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use schemas::{AutomationId, DeliveryId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::entity::{tick, timetable};
use crate::error::{from_json, from_word, word};
use crate::{Store, StoreError, Tx};

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TickState {
    /// It was decided.
    Fired,
    /// It was missed, and is passed over.
    Skipped,
}

/// A tick that was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickRow {
    /// Whose.
    pub automation: AutomationId,
    /// Its nominal time.
    pub tick: DateTime<Utc>,
    /// What became of it.
    pub state: TickState,
    /// When.
    pub at: DateTime<Utc>,
    /// What it made happen, one for each repository.
    pub deliveries: Vec<DeliveryId>,
}

impl Tx {
    /// Puts these timetables in force and all others out of it; those that are in force already keep
    /// their time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_timetables(
        &self,
        wanted: &[(AutomationId, String)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let there = timetable::Entity::find().all(&self.inner).await?;
        let wanted: HashSet<(uuid::Uuid, &str)> =
            wanted.iter().map(|(id, text)| (id.0, text.as_str())).collect();
        for row in there.iter().filter(|row| !wanted.contains(&(row.automation_id, row.timetable.as_str()))) {
            timetable::Entity::delete_by_id((row.automation_id, row.timetable.clone()))
                .exec(&self.inner)
                .await?;
        }
        let there: HashSet<(uuid::Uuid, &str)> =
            there.iter().map(|row| (row.automation_id, row.timetable.as_str())).collect();
        let new: Vec<timetable::ActiveModel> = wanted
            .difference(&there)
            .map(|(id, text)| timetable::ActiveModel {
                automation_id: Set(*id),
                timetable: Set((*text).to_owned()),
                activated_at: Set(now),
            })
            .collect();
        for chunk in new.chunks(8_000) {
            timetable::Entity::insert_many(chunk.to_vec()).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }

    /// Records a tick; false when that was done before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record_tick(&self, row: &TickRow) -> Result<bool, StoreError> {
        let new = tick::ActiveModel {
            automation_id: Set(row.automation.0),
            tick: Set(row.tick),
            state: Set(word(&row.state)?),
            at: Set(row.at),
            deliveries: Set(serde_json::to_string(&row.deliveries)?),
        };
        let inserted = tick::Entity::insert(new)
            .on_conflict(
                OnConflict::columns([tick::Column::AutomationId, tick::Column::Tick]).do_nothing().to_owned(),
            )
            .exec_without_returning(&self.inner)
            .await?;
        Ok(inserted > 0)
    }

    /// The timetables of an automation, and since when each is in force.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn timetables_of(
        &self,
        automation: AutomationId,
    ) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let rows = timetable::Entity::find()
            .filter(timetable::Column::AutomationId.eq(automation.0))
            .all(&self.inner)
            .await?;
        Ok(rows.into_iter().map(|row| (row.timetable, row.activated_at)).collect())
    }

    /// The newest tick of an automation that is not later than `until`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_tick(
        &self,
        automation: AutomationId,
        until: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(tick::Entity::find()
            .select_only()
            .column(tick::Column::Tick)
            .filter(tick::Column::AutomationId.eq(automation.0))
            .filter(tick::Column::Tick.lte(until))
            .order_by_desc(tick::Column::Tick)
            .limit(1)
            .into_tuple()
            .one(&self.inner)
            .await?)
    }
}

impl Store {
    /// Every timetable that is in force, and since when, by automation.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn timetables(
        &self,
    ) -> Result<HashMap<AutomationId, HashMap<String, DateTime<Utc>>>, StoreError> {
        let mut all: HashMap<_, HashMap<_, _>> = HashMap::new();
        for row in timetable::Entity::find().all(&self.read).await? {
            let own = all.entry(AutomationId(row.automation_id)).or_default();
            own.insert(row.timetable, row.activated_at);
        }
        Ok(all)
    }

    /// Of every automation the newest tick that is not later than `until`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_ticks(
        &self,
        until: DateTime<Utc>,
    ) -> Result<HashMap<AutomationId, DateTime<Utc>>, StoreError> {
        let rows: Vec<(uuid::Uuid, DateTime<Utc>)> = tick::Entity::find()
            .select_only()
            .column(tick::Column::AutomationId)
            .column_as(tick::Column::Tick.max(), "newest")
            .filter(tick::Column::Tick.lte(until))
            .group_by(tick::Column::AutomationId)
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(rows.into_iter().map(|(id, newest)| (AutomationId(id), newest)).collect())
    }

    /// The tick of an automation that was handled last, whatever the clock said then.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn last_tick(&self, automation: AutomationId) -> Result<Option<TickRow>, StoreError> {
        let row = tick::Entity::find()
            .filter(tick::Column::AutomationId.eq(automation.0))
            .order_by_desc(tick::Column::Tick)
            .one(&self.read)
            .await?;
        row.map(|row| {
            Ok(TickRow {
                automation,
                tick: row.tick,
                state: from_word(&row.state, "ticks", "state", &row.tick)?,
                at: row.at,
                deliveries: from_json(&row.deliveries, "ticks", "deliveries", &row.tick)?,
            })
        })
        .transpose()
    }
}
