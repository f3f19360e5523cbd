//! The active set of automations is a row, so that all dispatchers decide by the same one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::rule_set;
use crate::error::from_json;
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Makes the set with this hash the active one; `files` are file names and their texts.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn activate_rule_set(
        &self,
        hash: &str,
        files: &BTreeMap<String, String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        rule_set::Entity::update_many()
            .col_expr(rule_set::Column::Active, Expr::value(false))
            .filter(rule_set::Column::Active.eq(true))
            .exec(&self.inner)
            .await?;
        let row = rule_set::ActiveModel {
            hash: Set(hash.to_owned()),
            files: Set(serde_json::to_string(files)?),
            active: Set(true),
            activated_at: Set(now),
        };
        rule_set::Entity::insert(row)
            .on_conflict(
                OnConflict::column(rule_set::Column::Hash)
                    .update_columns([rule_set::Column::Active, rule_set::Column::ActivatedAt])
                    .to_owned(),
            )
            .exec_without_returning(&self.inner)
            .await?;
        Ok(())
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

    /// The active set: its hash and its files.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn active_rule_set(&self) -> Result<Option<(String, BTreeMap<String, String>)>, StoreError> {
        let row = rule_set::Entity::find().filter(rule_set::Column::Active.eq(true)).one(&self.read).await?;
        row.map(|row| {
            let files = from_json(&row.files, "rule_sets", "files", &row.hash)?;
            Ok((row.hash, files))
        })
        .transpose()
    }
}
