//! What forges, trackers and our own records answered while a delivery was decided.

use schemas::DeliveryId;
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entity::fact;
use crate::error::from_json;
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Keeps the facts of deliveries; their form is the dispatcher's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_facts<'a, F: Serialize + 'a>(
        &self,
        facts: impl IntoIterator<Item = (DeliveryId, &'a F)>,
    ) -> Result<(), StoreError> {
        let row = |(delivery, facts): (DeliveryId, &F)| {
            let body = serde_json::to_string(facts)?;
            Ok(fact::ActiveModel { delivery_id: Set(delivery.0), body: Set(body) })
        };
        let rows = facts.into_iter().map(row).collect::<Result<Vec<_>, StoreError>>()?;
        if !rows.is_empty() {
            fact::Entity::insert_many(rows).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The facts that a delivery was decided on, where something was asked.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn facts<F: DeserializeOwned>(&self, delivery: DeliveryId) -> Result<Option<F>, StoreError> {
        let row = fact::Entity::find_by_id(delivery.0).one(&self.read).await?;
        row.map(|row| from_json(&row.body, "facts", "body", &delivery)).transpose()
    }
}
