//! What an automation is known by, whatever it is called.
//!
//! Ticks, timetables and the spread of a schedule hang on the id. Runs and status comments hang on
//! the name, since that is what people read and look for; a rename takes them along, so that budgets,
//! comments and the pull request of a schedule go on. Decisions keep the name they were made under.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemas::{AutomationId, AutomationName};
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::entity::{automation_id, run, thread};
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Gives each automation of a set its id: the one that its name has; else, with the name it had
    /// before, that name's, which is free from then on; else a fresh one. The pairs are name and
    /// earlier name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn name_automations(
        &self,
        named: &[(AutomationName, Option<AutomationName>)],
        now: DateTime<Utc>,
        mut fresh: impl FnMut() -> AutomationId,
    ) -> Result<HashMap<AutomationName, AutomationId>, StoreError> {
        let mut ids = ids(&self.inner).await?;
        let mut new = Vec::new();
        for (name, was) in named {
            if ids.contains_key(name) {
                continue;
            }
            if let Some(was) = was {
                self.move_history(was, name).await?;
                if let Some(id) = ids.remove(was) {
                    ids.insert(name.clone(), id);
                    self.rename(id, name).await?;
                    tracing::info!(automation = %name, %was, "an automation has a new name");
                    continue;
                }
            }
            let id = fresh();
            ids.insert(name.clone(), id);
            new.push(automation_id::ActiveModel {
                name: Set(name.0.clone()),
                id: Set(id.0),
                since: Set(now),
            });
        }
        for chunk in new.chunks(8_000) {
            automation_id::Entity::insert_many(chunk.to_vec()).exec_without_returning(&self.inner).await?;
        }
        Ok(ids)
    }

    async fn rename(&self, id: AutomationId, name: &AutomationName) -> Result<(), StoreError> {
        automation_id::Entity::update_many()
            .col_expr(automation_id::Column::Name, Expr::value(name.0.as_str()))
            .filter(automation_id::Column::Id.eq(id.0))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Takes what hangs on the name along.
    async fn move_history(&self, was: &AutomationName, name: &AutomationName) -> Result<(), StoreError> {
        // Of a name without an id nothing that matters is left; it must not stand in the way.
        thread::Entity::delete_many()
            .filter(thread::Column::Automation.eq(name.as_str()))
            .exec(&self.inner)
            .await?;
        thread::Entity::update_many()
            .col_expr(thread::Column::Automation, Expr::value(name.as_str()))
            .filter(thread::Column::Automation.eq(was.as_str()))
            .exec(&self.inner)
            .await?;
        for column in [run::Column::WorkItem, run::Column::Root] {
            let (old, new) = (format!("schedule:{was}:"), format!("schedule:{name}:"));
            let renamed = Func::cust("replace").arg(Expr::col(column)).arg(old.as_str()).arg(new);
            run::Entity::update_many()
                .col_expr(column, renamed.into())
                .filter(run::Column::Automation.eq(was.as_str()))
                .filter(column.starts_with(&old))
                .exec(&self.inner)
                .await?;
        }
        let group = |name: &AutomationName| format!("automation {name}");
        run::Entity::update_many()
            .col_expr(run::Column::GroupKey, Expr::value(group(name)))
            .filter(run::Column::GroupKey.eq(group(was)))
            .exec(&self.inner)
            .await?;
        run::Entity::update_many()
            .col_expr(run::Column::Automation, Expr::value(name.as_str()))
            .filter(run::Column::Automation.eq(was.as_str()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }
}

impl Store {
    /// The id of every automation that was ever in force, by its name of today.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn automation_ids(&self) -> Result<HashMap<AutomationName, AutomationId>, StoreError> {
        ids(&self.read).await
    }
}

async fn ids(connection: &impl ConnectionTrait) -> Result<HashMap<AutomationName, AutomationId>, StoreError> {
    let rows: Vec<(String, uuid::Uuid)> = automation_id::Entity::find()
        .select_only()
        .columns([automation_id::Column::Name, automation_id::Column::Id])
        .order_by_asc(automation_id::Column::Name)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|(name, id)| (AutomationName(name), AutomationId(id))).collect())
}
