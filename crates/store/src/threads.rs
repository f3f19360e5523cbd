//! Status comments: one per work item and automation, created once and then edited.

use schemas::{AutomationName, WorkItem};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::entity::thread;
use crate::error::StoreError;
use crate::{Store, Tx};

/// A status comment that exists, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The forge's id of it.
    pub comment_id: u64,
    /// Where a person reads it.
    pub comment_url: String,
    /// Whether a person deleted it; then it is never posted again.
    pub deleted: bool,
}

impl Tx {
    /// Remembers the status comment of a work item and automation.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn save_thread(
        &self,
        work_item: &WorkItem,
        automation: &AutomationName,
        thread: &Thread,
    ) -> Result<(), StoreError> {
        let row = thread::ActiveModel {
            work_item: Set(work_item.0.clone()),
            automation: Set(automation.0.clone()),
            comment_id: Set(i64::try_from(thread.comment_id).unwrap_or(i64::MAX)),
            comment_url: Set(thread.comment_url.clone()),
            deleted: Set(thread.deleted),
        };
        thread::Entity::insert(row)
            .on_conflict(
                OnConflict::columns([thread::Column::WorkItem, thread::Column::Automation])
                    .update_columns([
                        thread::Column::CommentId,
                        thread::Column::CommentUrl,
                        thread::Column::Deleted,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(&self.inner)
            .await?;
        Ok(())
    }
}

impl Store {
    /// The status comment of a work item and automation.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn thread(
        &self,
        work_item: &WorkItem,
        automation: &AutomationName,
    ) -> Result<Option<Thread>, StoreError> {
        let row =
            thread::Entity::find_by_id((work_item.0.clone(), automation.0.clone())).one(&self.read).await?;
        Ok(row.map(|row| Thread {
            comment_id: u64::try_from(row.comment_id).unwrap_or_default(),
            comment_url: row.comment_url,
            deleted: row.deleted,
        }))
    }
}
