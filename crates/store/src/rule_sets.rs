//! The active set of automations is a row, so that all dispatchers decide by the same one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::rule_set;
use crate::error::from_json;
use crate::{Store, StoreError, Tx};

/// The set of automations that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveRuleSet {
    /// SHA-256 over the files.
    pub hash: String,
    /// File names and their texts.
    pub files: BTreeMap<String, String>,
    /// Where they came from, for people; empty where nobody said.
    pub source: String,
}

impl Tx {
    /// Makes a set the active one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn activate_rule_set(&self, set: &ActiveRuleSet, now: DateTime<Utc>) -> Result<(), StoreError> {
        rule_set::Entity::update_many()
            .col_expr(rule_set::Column::Active, Expr::value(false))
            .filter(rule_set::Column::Active.eq(true))
            .exec(&self.inner)
            .await?;
        let row = rule_set::ActiveModel {
            hash: Set(set.hash.clone()),
            files: Set(serde_json::to_string(&set.files)?),
            active: Set(true),
            activated_at: Set(now),
            source: Set(set.source.clone()),
        };
        rule_set::Entity::insert(row)
            .on_conflict(
                OnConflict::column(rule_set::Column::Hash)
                    .update_columns([
                        rule_set::Column::Active,
                        rule_set::Column::ActivatedAt,
                        rule_set::Column::Source,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(&self.inner)
            .await?;
        Ok(())
    }

    /// The active set's hash.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn active_hash(&self) -> Result<Option<String>, StoreError> {
        active_hash(&self.inner).await
    }
}

impl Store {
    /// The files of the set with this hash, in force or not.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn rule_set(&self, hash: &str) -> Result<Option<BTreeMap<String, String>>, StoreError> {
        let row = rule_set::Entity::find_by_id(hash.to_owned()).one(&self.read).await?;
        row.map(|row| from_json(&row.files, "rule_sets", "files", &row.hash)).transpose()
    }

    /// The active set's hash.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn active_hash(&self) -> Result<Option<String>, StoreError> {
        active_hash(&self.read).await
    }

    /// The active set.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn active_rule_set(&self) -> Result<Option<ActiveRuleSet>, StoreError> {
        let row = rule_set::Entity::find().filter(rule_set::Column::Active.eq(true)).one(&self.read).await?;
        row.map(|row| {
            let files = from_json(&row.files, "rule_sets", "files", &row.hash)?;
            Ok(ActiveRuleSet { hash: row.hash, files, source: row.source })
        })
        .transpose()
    }
}

async fn active_hash(connection: &impl ConnectionTrait) -> Result<Option<String>, StoreError> {
    let active = rule_set::Entity::find()
        .select_only()
        .column(rule_set::Column::Hash)
        .filter(rule_set::Column::Active.eq(true));
    Ok(active.into_tuple().one(connection).await?)
}
