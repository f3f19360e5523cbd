//! What we did ourselves, and how often: for the loop guard and for rules about our own work.

use chrono::{DateTime, Utc};
use schemas::intent::Write;
use schemas::{AutomationName, Oid, RepoRef, WorkItem};
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

    /// Whether we put a label on a pull request since then.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn put_label_on(
        &self,
        repository: &RepoRef,
        number: u64,
        label: &str,
        since: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let there = intent::Column::Repository.eq(repository.to_string());
        let writes = self.writes_since("label_pull_request", there, since).await?;
        let same = |ours: &String| ours.eq_ignore_ascii_case(label);
        Ok(writes.iter().any(|write| {
            matches!(write, Write::LabelPullRequest { number: ours, labels } if *ours == number && labels.iter().any(same))
        }))
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
        let about = intent::Column::WorkItem.eq(work_item.as_str());
        let writes = self.writes_since("remove_label", about, since).await?;
        Ok(writes
            .iter()
            .any(|write| matches!(write, Write::RemoveLabel { label: ours, .. } if ours == label)))
    }

    /// The writes of one kind that were made, or may have been: what a write causes can be heard of
    /// before its end is recorded, so one that somebody is at counts, too.
    async fn writes_since(
        &self,
        kind: &str,
        which: Expr,
        since: DateTime<Utc>,
    ) -> Result<Vec<Write>, StoreError> {
        let made = Condition::any()
            .add(intent::Column::State.is_in(["calling", "done", "unknown"]))
            .add(intent::Column::Holder.is_not_null());
        let rows = intent::Entity::find()
            .filter(which)
            .filter(intent::Column::Kind.eq(kind))
            .filter(made)
            .filter(intent::Column::CreatedAt.gte(since))
            .all(&self.read)
            .await?;
        rows.iter().map(|row| from_json(&row.write, "intents", "write", &row.id)).collect()
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

/// Runs of one automation about one problem, at one place of a chain of causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// The problem: the root of the work item.
    pub root: WorkItem,
    /// Whose they are.
    pub automation: AutomationName,
    /// How many runs caused each other, these included.
    pub depth: u32,
    /// How many they are.
    pub runs: u64,
}

impl Tx {
    /// The runs that work items have had since then, by their roots.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runs_since(
        &self,
        roots: &[WorkItem],
        since: DateTime<Utc>,
    ) -> Result<Vec<Recent>, StoreError> {
        let kind = [run::Column::Root, run::Column::Automation, run::Column::Depth];
        let query =
            kind.into_iter().fold(run::Entity::find().select_only().columns(kind), QuerySelect::group_by);
        let counted: Vec<(String, String, i32, i64)> = query
            .column_as(run::Column::Id.count(), "runs")
            .filter(run::Column::Root.is_in(roots.iter().map(WorkItem::as_str)))
            .filter(run::Column::CreatedAt.gte(since))
            .into_tuple()
            .all(&self.inner)
            .await?;
        let recent = counted.into_iter().map(|(root, automation, depth, runs)| Recent {
            root: WorkItem(root),
            automation: AutomationName(automation),
            depth: u32::try_from(depth).unwrap_or(0),
            runs: u64::try_from(runs).unwrap_or(0),
        });
        Ok(recent.collect())
    }
}
