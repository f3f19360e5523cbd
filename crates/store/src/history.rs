//! What really happened, for trying other automations on it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemas::automation::Usd;
use schemas::{AutomationName, Decision, DeliveryId, Event, RepoRef};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::de::DeserializeOwned;

use crate::deliveries::DeliveryStatus;
use crate::entity::{decision, delivery, event, fact, run};
use crate::error::{from_json, word};
use crate::runs::total;
use crate::{Page, Store, StoreError};

/// A delivery that came from outside and repeats no other, with all that followed from it.
#[derive(Debug, Clone)]
pub struct Past<F> {
    /// Its id.
    pub delivery: DeliveryId,
    /// What happened.
    pub event: Event,
    /// What was decided.
    pub decisions: Vec<Decision>,
    /// Where each run works that it started, by automation.
    pub runs: HashMap<AutomationName, RepoRef>,
    /// What was asked and answered for it; nothing where nobody was asked.
    pub facts: Option<F>,
}

impl Store {
    /// Decided deliveries since a time, newest first, before the one named; `F` is how the dispatcher
    /// keeps facts.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn history<F: DeserializeOwned>(
        &self,
        since: DateTime<Utc>,
        limit: u64,
        before: Option<uuid::Uuid>,
    ) -> Result<Page<Past<F>>, StoreError> {
        let mut query = delivery::Entity::find()
            .select_only()
            .column(delivery::Column::Id)
            .filter(delivery::Column::ReceivedAt.gte(since))
            .filter(delivery::Column::Status.eq(word(&DeliveryStatus::Decided)?))
            .filter(delivery::Column::ReplayOf.is_null())
            .order_by_desc(delivery::Column::Id)
            .limit(limit + 1);
        if let Some(before) = before {
            query = query.filter(delivery::Column::Id.lt(before));
        }
        let ids: Vec<uuid::Uuid> = query.into_tuple().all(&self.read).await?;
        let page = Page::cut(ids, usize::try_from(limit).unwrap_or(usize::MAX), |id| *id);
        let items = self.all_of(&page.items).await?;
        Ok(Page { items, next: page.next })
    }

    async fn all_of<F: DeserializeOwned>(&self, ids: &[uuid::Uuid]) -> Result<Vec<Past<F>>, StoreError> {
        let listed = || ids.iter().copied();
        let events =
            event::Entity::find().filter(event::Column::DeliveryId.is_in(listed())).all(&self.read).await?;
        let mut all: HashMap<uuid::Uuid, Past<F>> = HashMap::new();
        for row in events {
            let delivery = DeliveryId(row.delivery_id);
            let event = from_json(&row.body, "events", "body", &delivery)?;
            let past = Past { delivery, event, decisions: Vec::new(), runs: HashMap::new(), facts: None };
            all.insert(row.delivery_id, past);
        }
        let decisions = decision::Entity::find().filter(decision::Column::DeliveryId.is_in(listed()));
        for row in decisions.all(&self.read).await? {
            let delivery = DeliveryId(row.delivery_id);
            let verdict = from_json(&row.detail, "decisions", "detail", &delivery)?;
            let decision = Decision { delivery, automation: AutomationName(row.automation), verdict };
            all.entry(row.delivery_id).and_modify(|past| past.decisions.push(decision));
        }
        for (delivery, automation, repository) in self.runs_started_by(ids).await? {
            let Ok(repository) = repository.parse() else { continue };
            let started = (AutomationName(automation), repository);
            all.entry(delivery).and_modify(|past| past.runs.extend([started]));
        }
        let facts = fact::Entity::find().filter(fact::Column::DeliveryId.is_in(listed()));
        for row in facts.all(&self.read).await? {
            let facts = from_json(&row.body, "facts", "body", &DeliveryId(row.delivery_id))?;
            all.entry(row.delivery_id).and_modify(|past| past.facts = Some(facts));
        }
        Ok(ids.iter().filter_map(|id| all.remove(id)).collect())
    }

    async fn runs_started_by(
        &self,
        ids: &[uuid::Uuid],
    ) -> Result<Vec<(uuid::Uuid, String, String)>, StoreError> {
        let rows = run::Entity::find()
            .select_only()
            .columns([run::Column::DeliveryId, run::Column::Automation, run::Column::Repository])
            .filter(run::Column::DeliveryId.is_in(ids.iter().copied()));
        Ok(rows.into_tuple().all(&self.read).await?)
    }

    /// What a finished run of each automation has spent on average, where it has any.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn mean_spent(&self) -> Result<HashMap<AutomationName, Usd>, StoreError> {
        let spent = Expr::col(run::Column::Spent).add(Expr::col(run::Column::SpentNow));
        let rows: Vec<(String, i64, i64)> = run::Entity::find()
            .select_only()
            .column(run::Column::Automation)
            .column_as(Expr::col(run::Column::Id).count(), "runs")
            .column_as(total(spent), "spent")
            .filter(run::Column::FinishedAt.is_not_null())
            .group_by(run::Column::Automation)
            .into_tuple()
            .all(&self.read)
            .await?;
        let mean = |(automation, runs, spent): (String, i64, i64)| {
            let mean = u64::try_from(spent.checked_div(runs)?).ok()?;
            Some((AutomationName(automation), Usd::from_micros(mean)))
        };
        Ok(rows.into_iter().filter_map(mean).collect())
    }
}
