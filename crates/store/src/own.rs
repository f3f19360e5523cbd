//! What we did ourselves, and how often: for the loop guard and for rules about our own work.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemas::intent::Write;
use schemas::{Oid, RepoRef, WorkItem};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{intent, run};
use crate::error::from_json;
use crate::runs::PullRequestRef;
use crate::{Store, StoreError, Tx};

/// The newest pull requests for a work item that are looked at; it has one open one at a time.
const MOST_PULL_REQUESTS: u64 = 5;

impl Store {
    /// Whether a run of ours opened the pull request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_own_pull_request(&self, repository: &RepoRef, number: u64) -> Result<bool, StoreError> {
        // The column begins as `PullRequestRef` is written.
        let begins = format!("{{\"number\":{number},");
        let found = run::Entity::find()
            .filter(run::Column::Repository.eq(repository.to_string()))
            .filter(run::Column::PullRequest.starts_with(begins))
            .count(&self.read)
            .await?;
        Ok(found > 0)
    }

    /// Whether a run of ours pushed the commit, onto `branch` where one is given.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_own_commit(
        &self,
        repository: &RepoRef,
        branch: Option<&str>,
        commit: &Oid,
    ) -> Result<bool, StoreError> {
        let mut query = run::Entity::find()
            .filter(run::Column::Head.eq(commit.as_str()))
            .filter(run::Column::Repository.eq(repository.to_string()));
        if let Some(branch) = branch {
            query = query.filter(run::Column::Branch.eq(branch));
        }
        Ok(query.count(&self.read).await? > 0)
    }

    /// Whether we took a label off a work item since then.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn took_label_off(
        &self,
        work_item: &WorkItem,
        label: &str,
        since: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let rows = intent::Entity::find()
            .filter(intent::Column::WorkItem.eq(work_item.as_str()))
            .filter(intent::Column::Kind.eq("remove_label"))
            .filter(intent::Column::State.is_in(["calling", "done", "unknown"]))
            .filter(intent::Column::CreatedAt.gte(since))
            .all(&self.read)
            .await?;
        for row in rows {
            let write: Write = from_json(&row.write, "intents", "write", &row.id)?;
            if matches!(&write, Write::RemoveLabel { label: ours, .. } if ours == label) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The newest pull requests that runs opened for a work item or for one that is linked with it.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn own_pull_requests(
        &self,
        repository: &RepoRef,
        work_item: &WorkItem,
    ) -> Result<Vec<u64>, StoreError> {
        let root = Query::select()
            .column(Alias::new("root"))
            .from(Alias::new("links"))
            .and_where(Expr::col(Alias::new("work_item")).eq(work_item.as_str()))
            .to_owned();
        let same = Condition::any()
            .add(run::Column::WorkItem.eq(work_item.as_str()))
            .add(run::Column::Root.eq(work_item.as_str()))
            .add(run::Column::Root.in_subquery(root));
        let found: Vec<(uuid::Uuid, String)> = run::Entity::find()
            .select_only()
            .columns([run::Column::Id, run::Column::PullRequest])
            .filter(same)
            .filter(run::Column::Repository.eq(repository.to_string()))
            .filter(run::Column::PullRequest.is_not_null())
            .order_by_desc(run::Column::CreatedAt)
            .limit(MOST_PULL_REQUESTS)
            .into_tuple()
            .all(&self.read)
            .await?;
        let mut numbers = Vec::new();
        for (id, text) in found {
            let reference: PullRequestRef = from_json(&text, "runs", "pull_request", &id)?;
            if !numbers.contains(&reference.number) {
                numbers.push(reference.number);
            }
        }
        Ok(numbers)
    }
}

impl Tx {
    /// How many runs each work item has had since then, by their roots.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runs_since(
        &self,
        roots: &[WorkItem],
        since: DateTime<Utc>,
    ) -> Result<HashMap<WorkItem, u64>, StoreError> {
        let counted: Vec<(String, i64)> = run::Entity::find()
            .select_only()
            .column(run::Column::Root)
            .column_as(run::Column::Id.count(), "runs")
            .filter(run::Column::Root.is_in(roots.iter().map(WorkItem::as_str)))
            .filter(run::Column::CreatedAt.gte(since))
            .group_by(run::Column::Root)
            .into_tuple()
            .all(&self.inner)
            .await?;
        Ok(counted
            .into_iter()
            .map(|(root, runs)| (WorkItem(root), u64::try_from(runs).unwrap_or(0)))
            .collect())
    }
}
