//! Deliveries, the events parsed from them, and the keys that show repeats.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use schemas::delivery::{Body, Replay};
use schemas::trace::TraceContext;
use schemas::{Delivery, DeliveryId, Event, RepoRef, WebhookName};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};

use crate::entity::{decision, delivery, delivery_key, event};
use crate::error::{from_json, from_word, word};
use crate::{Page, Store, StoreError, Tx};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Parsed, and every candidate automation has a decision.
    Decided,
    /// The same happening was decided before.
    Duplicate,
    /// It could not be parsed or decided; kept with its bytes, its neighbours unharmed.
    Quarantined,
}

/// A delivery to store, with what was made of it.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// What became of it.
    pub status: DeliveryStatus,
    /// The delivery it repeats.
    pub duplicate_of: Option<DeliveryId>,
    /// Why it is quarantined.
    pub error: Option<String>,
    /// The rule set it was decided by.
    pub rule_set: Option<String>,
    /// The event, where it could be parsed.
    pub event: Option<Event>,
    /// Its dedupe keys.
    pub keys: Vec<String>,
}

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySummary {
    /// Its id.
    pub id: DeliveryId,
    /// The webhook it came by.
    pub webhook: WebhookName,
    /// When.
    pub received_at: DateTime<Utc>,
    /// What became of it.
    pub status: DeliveryStatus,
    /// The event's type, work item and actor, where it could be parsed.
    pub event: Option<EventSummary>,
    /// How many decisions of each kind it has.
    pub decisions: HashMap<String, u32>,
}

/// An event in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSummary {
    /// Its type.
    pub r#type: String,
    /// What it is about.
    pub work_item: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
}

/// Everything that is stored of one delivery.
#[derive(Debug, Clone)]
pub struct DeliveryDetail {
    /// The delivery with its bytes.
    pub delivery: Delivery,
    /// What became of it.
    pub status: DeliveryStatus,
    /// The delivery it repeats.
    pub duplicate_of: Option<DeliveryId>,
    /// Why it is quarantined.
    pub error: Option<String>,
    /// The rule set it was decided by.
    pub rule_set: Option<String>,
    /// The event, where it could be parsed.
    pub event: Option<Event>,
}

impl Tx {
    /// Which of `ids` are stored already: a batch whose acknowledgement was lost comes again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stored_deliveries(&self, ids: &[DeliveryId]) -> Result<HashSet<DeliveryId>, StoreError> {
        let found: Vec<uuid::Uuid> = delivery::Entity::find()
            .select_only()
            .column(delivery::Column::Id)
            .filter(delivery::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .into_tuple()
            .all(&self.inner)
            .await?;
        Ok(found.into_iter().map(DeliveryId).collect())
    }

    /// Which of `keys` were seen, and with which delivery.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn known_keys(&self, keys: &[String]) -> Result<HashMap<String, DeliveryId>, StoreError> {
        known_keys(&self.inner, keys).await
    }

    /// Stores deliveries with their events and keys.
    ///
    /// # Errors
    /// When the database does not answer, or an id is there already.
    pub async fn insert_deliveries(&self, new: &[NewDelivery], now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(new.len());
        let mut events = Vec::new();
        let mut keys = Vec::new();
        for item in new {
            rows.push(row(item)?);
            if let Some(parsed) = &item.event {
                events.push(event_row(parsed)?);
            }
            keys.extend(item.keys.iter().map(|key| delivery_key::ActiveModel {
                key: Set(key.clone()),
                delivery_id: Set(item.delivery.id.0),
                created_at: Set(now),
            }));
        }
        if !rows.is_empty() {
            delivery::Entity::insert_many(rows).exec_without_returning(&self.inner).await?;
        }
        if !events.is_empty() {
            event::Entity::insert_many(events).exec_without_returning(&self.inner).await?;
        }
        if !keys.is_empty() {
            delivery_key::Entity::insert_many(keys)
                .on_conflict(OnConflict::column(delivery_key::Column::Key).do_nothing().to_owned())
                .exec_without_returning(&self.inner)
                .await?;
        }
        Ok(())
    }
}

async fn known_keys(
    connection: &impl ConnectionTrait,
    keys: &[String],
) -> Result<HashMap<String, DeliveryId>, StoreError> {
    let mut known = HashMap::new();
    // SQLite binds at most 32,766 values to a statement.
    for chunk in keys.chunks(8_000) {
        let rows = delivery_key::Entity::find()
            .filter(delivery_key::Column::Key.is_in(chunk.iter().map(String::as_str)))
            .all(connection)
            .await?;
        known.extend(rows.into_iter().map(|row| (row.key, DeliveryId(row.delivery_id))));
    }
    Ok(known)
}

impl Store {
    /// Like [`Tx::known_keys`], before a transaction is begun.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn known_keys(&self, keys: &[String]) -> Result<HashMap<String, DeliveryId>, StoreError> {
        known_keys(&self.read, keys).await
    }

    /// The repositories that the newest `events` events name, each once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recent_repositories(&self, events: u64) -> Result<Vec<RepoRef>, StoreError> {
        let names: Vec<Option<String>> = event::Entity::find()
            .select_only()
            .column(event::Column::Repository)
            .order_by_desc(event::Column::DeliveryId)
            .limit(events)
            .into_tuple()
            .all(&self.read)
            .await?;
        let distinct: HashSet<String> = names.into_iter().flatten().collect();
        Ok(distinct.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Deliveries, newest first, before the one named.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn deliveries(
        &self,
        limit: u64,
        before: Option<uuid::Uuid>,
    ) -> Result<Page<DeliverySummary>, StoreError> {
        let mut query = delivery::Entity::find()
            .select_only()
            .columns([
                delivery::Column::Id,
                delivery::Column::Webhook,
                delivery::Column::ReceivedAt,
                delivery::Column::Status,
            ])
            .order_by_desc(delivery::Column::Id)
            .limit(limit + 1);
        if let Some(before) = before {
            query = query.filter(delivery::Column::Id.lt(before));
        }
        let rows: Vec<(uuid::Uuid, String, DateTime<Utc>, String)> =
            query.into_tuple().all(&self.read).await?;
        let ids: Vec<uuid::Uuid> = rows.iter().map(|row| row.0).collect();
        let mut events = self.event_summaries(&ids).await?;
        let mut decisions = self.decision_counts(&ids).await?;
        let items = rows
            .into_iter()
            .map(|(id, webhook, received_at, status)| {
                Ok(DeliverySummary {
                    id: DeliveryId(id),
                    webhook: WebhookName(webhook),
                    received_at,
                    status: from_word(&status, "deliveries", "status", &id)?,
                    event: events.remove(&id),
                    decisions: decisions.remove(&id).unwrap_or_default(),
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Page::cut(items, usize::try_from(limit).unwrap_or(usize::MAX), |item| item.id.0))
    }

    async fn event_summaries(
        &self,
        ids: &[uuid::Uuid],
    ) -> Result<HashMap<uuid::Uuid, EventSummary>, StoreError> {
        let rows: Vec<(uuid::Uuid, String, Option<String>, Option<String>)> = event::Entity::find()
            .select_only()
            .columns([
                event::Column::DeliveryId,
                event::Column::Type,
                event::Column::WorkItem,
                event::Column::Actor,
            ])
            .filter(event::Column::DeliveryId.is_in(ids.iter().copied()))
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, r#type, work_item, actor)| (id, EventSummary { r#type, work_item, actor }))
            .collect())
    }

    async fn decision_counts(
        &self,
        ids: &[uuid::Uuid],
    ) -> Result<HashMap<uuid::Uuid, HashMap<String, u32>>, StoreError> {
        let rows: Vec<(uuid::Uuid, String)> = decision::Entity::find()
            .select_only()
            .columns([decision::Column::DeliveryId, decision::Column::Verdict])
            .filter(decision::Column::DeliveryId.is_in(ids.iter().copied()))
            .into_tuple()
            .all(&self.read)
            .await?;
        let mut counts: HashMap<uuid::Uuid, HashMap<String, u32>> = HashMap::new();
        for (id, verdict) in rows {
            *counts.entry(id).or_default().entry(verdict).or_default() += 1;
        }
        Ok(counts)
    }

    /// Everything of one delivery.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        let Some(row) = delivery::Entity::find_by_id(id.0).one(&self.read).await? else { return Ok(None) };
        let event = event::Entity::find_by_id(id.0)
            .one(&self.read)
            .await?
            .map(|row| from_json(&row.body, "events", "body", &id))
            .transpose()?;
        Ok(Some(DeliveryDetail {
            delivery: Delivery {
                id,
                webhook: WebhookName(row.webhook),
                received_at: row.received_at,
                headers: from_json(&row.headers, "deliveries", "headers", &id)?,
                body: Body::from_stored(row.body.into()),
                trace: TraceContext(row.trace),
                replay_of: row.replay_of.map(|id| Replay { original: DeliveryId(id), observe: false }),
            },
            status: from_word(&row.status, "deliveries", "status", &id)?,
            duplicate_of: row.duplicate_of.map(DeliveryId),
            error: row.error,
            rule_set: row.rule_set,
            event,
        }))
    }

    /// How many deliveries are stored.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delivery_count(&self) -> Result<u64, StoreError> {
        Ok(delivery::Entity::find().count(&self.read).await?)
    }
}

fn row(item: &NewDelivery) -> Result<delivery::ActiveModel, StoreError> {
    let delivery = &item.delivery;
    Ok(delivery::ActiveModel {
        id: Set(delivery.id.0),
        webhook: Set(delivery.webhook.0.clone()),
        received_at: Set(delivery.received_at),
        status: Set(word(&item.status)?),
        duplicate_of: Set(item.duplicate_of.map(|id| id.0)),
        error: Set(item.error.clone()),
        rule_set: Set(item.rule_set.clone()),
        replay_of: Set(delivery.replay_of.map(|replay| replay.original.0)),
        trace: Set(delivery.trace.0.clone()),
        headers: Set(serde_json::to_string(&delivery.headers)?),
        body: Set(delivery.body.as_stored().to_vec()),
    })
}

fn event_row(event: &Event) -> Result<event::ActiveModel, StoreError> {
    Ok(event::ActiveModel {
        delivery_id: Set(event.id.0),
        r#type: Set(event.r#type.to_string()),
        work_item: Set(event.work_item.as_ref().map(|item| item.0.clone())),
        repository: Set(event.repository.as_ref().map(|repository| repository.name.to_string())),
        actor: Set(event.actor.as_ref().map(|actor| actor.login.clone())),
        body: Set(serde_json::to_string(event)?),
    })
}
