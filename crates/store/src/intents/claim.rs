//! Who is at a planned write: one dispatcher at a time for each work item, whoever else looks.

use chrono::{DateTime, Utc};
use schemas::{Intent, IntentId};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, IntoIden, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityName, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::read;
use crate::entity::intent::{self, Column};
use crate::{Store, StoreError, Tx};

/// States in which something is left to do.
const UNFINISHED: [&str; 2] = ["open", "calling"];

impl Store {
    /// Takes intents for `holder`, who is alone with their work items until `until`: of each work item
    /// that nobody is at the first that is due at `now`, oldest first, at most `limit`. Pushes are a
    /// worker's. While an intent waits, so do all of its kind about its work item: what an unclear
    /// write made is found before a second one is made.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn claim_intents(
        &self,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<Intent>, StoreError> {
        // One looks and takes after the other.
        let tx = self.begin().await?;
        let rows = intent::Entity::find()
            .filter(due(now, intent::Entity.table_name()))
            .filter(free(now))
            .filter(Expr::not_exists(earlier(now)))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&tx.inner)
            .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        intent::Entity::update_many()
            .col_expr(Column::Holder, Expr::value(holder))
            .col_expr(Column::HeldUntil, Expr::value(until))
            .filter(Column::Id.is_in(rows.iter().map(|row| row.id)))
            .exec(&tx.inner)
            .await?;
        tx.commit().await?;
        rows.into_iter().map(read).collect()
    }

    /// When there is next something that nobody is at, seen from `now`; `None` when there is nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next_intent_due(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let table = intent::Entity.table_name();
        let first: Option<DateTime<Utc>> = intent::Entity::find()
            .select_only()
            .column(Column::NotBefore)
            .filter(unfinished(table))
            .filter(free(now))
            .filter(Column::NotBefore.gt(now).or(kind_and_item(table).not_in_subquery(waiting(now))))
            .order_by_asc(Column::NotBefore)
            .limit(1)
            .into_tuple()
            .one(&self.read)
            .await?;
        Ok(first)
    }
}

impl Tx {
    /// Keeps an intent until `until`; false when it is no longer this holder's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_intent(
        &self,
        id: IntentId,
        holder: &str,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let kept = intent::Entity::update_many()
            .col_expr(Column::HeldUntil, Expr::value(until))
            .filter(Column::Id.eq(id.0))
            .filter(Column::Holder.eq(holder))
            .exec(&self.inner)
            .await?;
        Ok(kept.rows_affected > 0)
    }

    /// Lets go of an intent; false when it is no longer this holder's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release_intent(&self, id: IntentId, holder: &str) -> Result<bool, StoreError> {
        self.release(Condition::all().add(Column::Id.eq(id.0)).add(Column::Holder.eq(holder))).await
    }

    /// Lets go of all that is this holder's in the records, but for what it is `at`; whether there was any.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release_intents(
        &self,
        holder: &str,
        at: impl IntoIterator<Item = IntentId>,
    ) -> Result<bool, StoreError> {
        let others = Column::Id.is_not_in(at.into_iter().map(|id| id.0));
        self.release(Condition::all().add(Column::Holder.eq(holder)).add(others)).await
    }

    async fn release(&self, which: Condition) -> Result<bool, StoreError> {
        let released = intent::Entity::update_many()
            .col_expr(Column::Holder, Expr::value(None::<String>))
            .col_expr(Column::HeldUntil, Expr::value(None::<DateTime<Utc>>))
            .filter(which)
            .exec(&self.inner)
            .await?;
        Ok(released.rows_affected > 0)
    }
}

/// A column of the intents that the statement knows as `table`.
fn its(table: &str, column: Column) -> Expr {
    Expr::col((Alias::new(table), column))
}

fn unfinished(table: &str) -> Condition {
    Condition::all().add(its(table, Column::State).is_in(UNFINISHED)).add(its(table, Column::Kind).ne("push"))
}

fn due(now: DateTime<Utc>, table: &str) -> Condition {
    unfinished(table)
        .add(its(table, Column::NotBefore).lte(now))
        .add(kind_and_item(table).not_in_subquery(waiting(now)))
}

/// Work items that nobody is at.
fn free(now: DateTime<Utc>) -> Expr {
    let held = Query::select()
        .column(Column::WorkItem)
        .from(intent::Entity)
        .and_where(Column::HeldUntil.gt(now))
        .to_owned();
    Column::WorkItem.not_in_subquery(held)
}

fn kind_and_item(table: &str) -> Expr {
    Expr::tuple([its(table, Column::Kind), its(table, Column::WorkItem)])
}

/// Kinds and work items with a write that was put off beyond `now`.
fn waiting(now: DateTime<Utc>) -> SelectStatement {
    Query::select()
        .columns([Column::Kind, Column::WorkItem])
        .from(intent::Entity)
        .cond_where(unfinished(intent::Entity.table_name()))
        .and_where(Column::NotBefore.gt(now))
        .to_owned()
}

/// Whatever of the outer statement's work item is due, and was planned before its intent.
fn earlier(now: DateTime<Utc>) -> SelectStatement {
    const EARLIER: &str = "earlier";
    let outer = intent::Entity.table_name();
    let place = |table| Expr::tuple([its(table, Column::CreatedAt), its(table, Column::Id)]);
    Query::select()
        .expr(Expr::val(1))
        .from_as(intent::Entity, Alias::new(EARLIER).into_iden())
        .cond_where(due(now, EARLIER))
        .and_where(its(EARLIER, Column::WorkItem).eq(its(outer, Column::WorkItem)))
        .and_where(place(EARLIER).lt(place(outer)))
        .to_owned()
}
