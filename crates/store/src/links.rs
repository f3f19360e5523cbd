//! Links between work items: what one problem is called in several places.
//!
//! Each linked work item has one row that names its root, so that no chain has to be followed and no
//! circle can arise. A root has no row; neither has what is linked to nothing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemas::WorkItem;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

use crate::entity::{link, run};
use crate::error::{from_word, word};
use crate::{Store, StoreError, Tx};

/// Work items that one problem can have; whatever would make more is not linked.
const MOST: u64 = 64;

/// What a link was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A pull request that we opened.
    OwnPullRequest,
    /// `Fixes #12` in the text of a pull request.
    ClosingReference,
    /// The address of a tracker's issue in a text.
    RemoteLink,
}

/// A work item that stands for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The work item.
    pub work_item: WorkItem,
    /// Why.
    pub kind: LinkKind,
}

impl Tx {
    /// The root of each of `items`; one that is linked to nothing is its own.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn roots(&self, items: &[WorkItem]) -> Result<HashMap<WorkItem, WorkItem>, StoreError> {
        let mut roots: HashMap<_, _> = items.iter().map(|item| (item.clone(), item.clone())).collect();
        // SQLite binds at most 32,766 values to a statement.
        for chunk in items.chunks(8_000) {
            let rows = link::Entity::find()
                .filter(link::Column::WorkItem.is_in(chunk.iter().map(WorkItem::as_str)))
                .all(&self.inner)
                .await?;
            roots.extend(rows.into_iter().map(|row| (WorkItem(row.work_item), WorkItem(row.root))));
        }
        Ok(roots)
    }

    /// Notes that `item` and `other` are one problem; the root that is known longer stays the root of
    /// both. False when that was known, or they would be too many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn link(
        &self,
        item: &WorkItem,
        other: &WorkItem,
        kind: LinkKind,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let roots = self.roots(&[item.clone(), other.clone()]).await?;
        let (Some(ours), Some(theirs)) = (roots.get(item), roots.get(other)) else { return Ok(false) };
        let members = link::Column::Root.is_in([ours.as_str(), theirs.as_str()]);
        let many = link::Entity::find().filter(members).count(&self.inner).await? + 2 > MOST;
        if ours == theirs || many {
            return Ok(false);
        }
        let never = DateTime::<Utc>::MAX_UTC;
        let age = async |root| self.known_since(root).await.map(|since| since.unwrap_or(never));
        let (kept, lost) =
            if age(ours).await? < age(theirs).await? { (ours, theirs) } else { (theirs, ours) };
        link::Entity::update_many()
            .col_expr(link::Column::Root, Expr::value(kept.as_str()))
            .filter(link::Column::Root.eq(lost.as_str()))
            .exec(&self.inner)
            .await?;
        run::Entity::update_many()
            .col_expr(run::Column::Root, Expr::value(kept.as_str()))
            .filter(run::Column::Root.eq(lost.as_str()))
            .exec(&self.inner)
            .await?;
        let row = link::ActiveModel {
            work_item: Set(lost.0.clone()),
            root: Set(kept.0.clone()),
            kind: Set(word(&kind)?),
            created_at: Set(now),
        };
        link::Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(true)
    }

    /// Since when there are runs about a root or links to it.
    async fn known_since(&self, root: &WorkItem) -> Result<Option<DateTime<Utc>>, StoreError> {
        let first_run: Option<DateTime<Utc>> = run::Entity::find()
            .select_only()
            .column(run::Column::CreatedAt)
            .filter(run::Column::Root.eq(root.as_str()))
            .order_by_asc(run::Column::CreatedAt)
            .into_tuple()
            .one(&self.inner)
            .await?;
        let first_link: Option<DateTime<Utc>> = link::Entity::find()
            .select_only()
            .column(link::Column::CreatedAt)
            .filter(link::Column::Root.eq(root.as_str()))
            .order_by_asc(link::Column::CreatedAt)
            .into_tuple()
            .one(&self.inner)
            .await?;
        Ok(first_run.into_iter().chain(first_link).min())
    }

    /// The one work item of a connection that a run was about and whose name ends in `end`; `None`
    /// when there is none, or more than one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn only_item_ending(
        &self,
        connection: &str,
        end: &str,
    ) -> Result<Option<WorkItem>, StoreError> {
        // A range that the index knows: `;` follows `:`.
        let mut found: Vec<String> = run::Entity::find()
            .select_only()
            .column(run::Column::WorkItem)
            .distinct()
            .filter(run::Column::WorkItem.gte(format!("{connection}:")))
            .filter(run::Column::WorkItem.lt(format!("{connection};")))
            .filter(run::Column::WorkItem.ends_with(end))
            .limit(2)
            .into_tuple()
            .all(&self.inner)
            .await?;
        Ok(if found.len() == 1 { found.pop().map(WorkItem) } else { None })
    }
}

impl Store {
    /// The work items that are linked to `root`, oldest link first.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn links_to(&self, root: &WorkItem) -> Result<Vec<Link>, StoreError> {
        link::Entity::find()
            .filter(link::Column::Root.eq(root.as_str()))
            .order_by_asc(link::Column::CreatedAt)
            .order_by_asc(link::Column::WorkItem)
            .all(&self.read)
            .await?
            .into_iter()
            .map(|row| {
                let kind = from_word(&row.kind, "links", "kind", &row.work_item)?;
                Ok(Link { work_item: WorkItem(row.work_item), kind })
            })
            .collect()
    }
}
