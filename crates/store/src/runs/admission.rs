//! The questions that admission asks: who is next, what is taken, whose time has come.

use chrono::{DateTime, Utc};
use schemas::automation::Budget;
use schemas::run::Gate;
use schemas::{AutomationName, RepoRef, Run, RunId, WorkItem};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};

use super::{RunRecord, row};
use crate::entity::run;
use crate::error::{from_json, from_word};
use crate::{Store, StoreError, Tx};

/// Gates at which a run stands in line: whatever it waited for before is behind it.
const IN_LINE: [&str; 2] = ["concurrency", "budget"];
/// States in which a run takes its item and a place of its group.
const UNDER_WAY: [&str; 2] = ["queued", "active"];

/// A run in line, with what decides over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The run.
    pub run: RunId,
    /// The work item of which one run is under way at a time.
    pub root: WorkItem,
    /// The runs that it counts with; empty where nothing limits it.
    pub group: String,
    /// How many of them may be under way.
    pub group_limit: u32,
    /// Whose daily budget it takes from.
    pub automation: AutomationName,
    /// Where it works.
    pub repository: RepoRef,
    /// Who triggered it.
    pub actor: Option<String>,
    /// What it may spend.
    pub reserved: schemas::automation::Usd,
    /// The limits its automation sets.
    pub budget: Budget,
    /// When it was admitted, where it was before: its money is held back already.
    pub admitted_at: Option<DateTime<Utc>>,
    /// The gate it stands at, and until when.
    pub gate: (Gate, Option<DateTime<Utc>>),
}

impl Candidate {
    /// A run that is to stand in line.
    #[must_use]
    pub fn new(run: &Run) -> Self {
        let automation = &run.input.automation;
        Self {
            run: run.id,
            root: run.root.clone(),
            group: run.group.clone(),
            group_limit: row::group_limit(run),
            automation: run.automation.clone(),
            repository: run.repository.clone(),
            actor: run.actor.clone(),
            reserved: run.reserved,
            budget: automation.budget.clone().unwrap_or_default(),
            admitted_at: run.admitted_at,
            gate: (Gate::Concurrency, None),
        }
    }
}

/// Where something changed: only runs near it can have become free to go.
#[derive(Debug, Clone, Default)]
pub struct Near {
    /// These work items.
    pub roots: Vec<WorkItem>,
    /// These groups.
    pub groups: Vec<String>,
}

impl Near {
    /// Near one run.
    #[must_use]
    pub fn to(run: &Run) -> Self {
        let groups = if run.group.is_empty() { Vec::new() } else { vec![run.group.clone()] };
        Self { roots: vec![run.root.clone()], groups }
    }
}

#[derive(Debug, FromQueryResult)]
struct CandidateRow {
    id: uuid::Uuid,
    root: String,
    group_key: String,
    group_limit: i32,
    automation: String,
    repository: String,
    actor: Option<String>,
    reserved: i64,
    budget: Option<String>,
    admitted_at: Option<DateTime<Utc>>,
    gate: Option<String>,
    due_at: Option<DateTime<Utc>>,
}

impl Tx {
    /// The first run in line of every work item that has none under way, oldest first; with `near`
    /// only those that a change there may have freed, and those that wait for money.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn heads(&self, near: Option<&Near>) -> Result<Vec<Candidate>, StoreError> {
        let mut query = run::Entity::find()
            .select_only()
            .columns([
                run::Column::Id,
                run::Column::Root,
                run::Column::GroupKey,
                run::Column::GroupLimit,
                run::Column::Automation,
                run::Column::Repository,
                run::Column::Actor,
                run::Column::Reserved,
                run::Column::Budget,
                run::Column::AdmittedAt,
                run::Column::Gate,
                run::Column::DueAt,
            ])
            .filter(run::Column::State.eq("pending"))
            .filter(run::Column::Gate.is_in(IN_LINE))
            .filter(Expr::not_exists(ahead()))
            .order_by_asc(run::Column::Id);
        if let Some(near) = near {
            let groups = near.groups.iter().map(String::as_str);
            query = query.filter(
                Condition::any()
                    .add(run::Column::Root.is_in(near.roots.iter().map(WorkItem::as_str)))
                    .add(run::Column::GroupKey.is_in(groups))
                    .add(run::Column::Gate.eq("budget")),
            );
        }
        query.into_model::<CandidateRow>().all(&self.inner).await?.into_iter().map(candidate).collect()
    }

    /// The newest run of a work item that is in line or under way: a new one goes behind it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_in_line(&self, root: &WorkItem) -> Result<Option<RunId>, StoreError> {
        let found: Option<uuid::Uuid> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .filter(run::Column::Root.eq(root.as_str()))
            .filter(in_line_or_under_way())
            .order_by_desc(run::Column::Id)
            .into_tuple()
            .one(&self.inner)
            .await?;
        Ok(found.map(RunId))
    }

    /// Runs of these groups that are under way, each with its group.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn under_way(&self, groups: &[String]) -> Result<Vec<(String, RunId)>, StoreError> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(String, uuid::Uuid)> = run::Entity::find()
            .select_only()
            .columns([run::Column::GroupKey, run::Column::Id])
            .filter(run::Column::GroupKey.is_in(groups.iter().map(String::as_str)))
            .filter(run::Column::State.is_in(UNDER_WAY))
            .order_by_asc(run::Column::Id)
            .into_tuple()
            .all(&self.inner)
            .await?;
        Ok(rows.into_iter().map(|(group, id)| (group, RunId(id))).collect())
    }

    /// Runs of a group that are in line or under way, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn group_members(&self, group: &str) -> Result<Vec<RunId>, StoreError> {
        let ids: Vec<uuid::Uuid> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .filter(run::Column::GroupKey.eq(group))
            .filter(in_line_or_under_way())
            .order_by_asc(run::Column::Id)
            .into_tuple()
            .all(&self.inner)
            .await?;
        Ok(ids.into_iter().map(RunId).collect())
    }

    /// Pending runs whose time has come, oldest first. One that waits for money has its turn in line.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn due_at_gates(&self, now: DateTime<Utc>) -> Result<Vec<RunRecord>, StoreError> {
        run::Entity::find()
            .filter(run::Column::State.eq("pending"))
            .filter(run::Column::DueAt.lte(now))
            .filter(run::Column::Gate.is_not_in(IN_LINE))
            .order_by_asc(run::Column::Id)
            .all(&self.inner)
            .await?
            .into_iter()
            .map(row::read)
            .collect()
    }

    /// The run of an automation and work item that waits for more events, if one does.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn debouncing(
        &self,
        automation: &AutomationName,
        root: &WorkItem,
    ) -> Result<Option<RunRecord>, StoreError> {
        run::Entity::find()
            .filter(run::Column::Root.eq(root.as_str()))
            .filter(run::Column::State.eq("pending"))
            .filter(run::Column::Gate.eq("debounce"))
            .filter(run::Column::Automation.eq(automation.as_str()))
            .one(&self.inner)
            .await?
            .map(row::read)
            .transpose()
    }
}

impl Store {
    /// Runs that came to the gate of approval and for which nobody put together yet what there is to
    /// agree to.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn approvals_to_prepare(&self, now: DateTime<Utc>) -> Result<Vec<RunRecord>, StoreError> {
        run::Entity::find()
            .filter(run::Column::State.eq("pending"))
            .filter(run::Column::DueAt.lte(now))
            .filter(run::Column::Gate.eq("approval"))
            .filter(run::Column::Approval.is_null())
            .order_by_asc(run::Column::Id)
            .all(&self.read)
            .await?
            .into_iter()
            .map(row::read)
            .collect()
    }

    /// The run that one in line waits for: the one before it of its work item, else the oldest that is
    /// under way in its group.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn behind(&self, waiting: &Run) -> Result<Option<RunId>, StoreError> {
        let find = || run::Entity::find().select_only().column(run::Column::Id);
        let before: Option<uuid::Uuid> = find()
            .filter(run::Column::Root.eq(waiting.root.as_str()))
            .filter(run::Column::Id.ne(waiting.id.0))
            .filter(
                Condition::any()
                    .add(run::Column::State.is_in(UNDER_WAY))
                    .add(in_line().add(run::Column::Id.lt(waiting.id.0))),
            )
            .order_by_desc(run::Column::Id)
            .into_tuple()
            .one(&self.read)
            .await?;
        if before.is_some() || waiting.group.is_empty() {
            return Ok(before.map(RunId));
        }
        let taken: Option<uuid::Uuid> = find()
            .filter(run::Column::GroupKey.eq(waiting.group.as_str()))
            .filter(run::Column::State.is_in(UNDER_WAY))
            .order_by_asc(run::Column::Id)
            .into_tuple()
            .one(&self.read)
            .await?;
        Ok(taken.map(RunId))
    }
}

fn in_line() -> Condition {
    Condition::all().add(run::Column::State.eq("pending")).add(run::Column::Gate.is_in(IN_LINE))
}

fn in_line_or_under_way() -> Condition {
    Condition::any().add(run::Column::State.is_in(UNDER_WAY)).add(in_line())
}

/// Whatever keeps a run of the outer statement from being the next of its work item.
fn ahead() -> SelectStatement {
    let other = Alias::new("other");
    let its = |column: run::Column| Expr::col((other.clone(), column));
    Query::select()
        .expr(Expr::val(1))
        .from_as(run::Entity, other.clone())
        .and_where(its(run::Column::Root).equals((run::Entity, run::Column::Root)))
        .cond_where(
            Condition::any().add(its(run::Column::State).is_in(UNDER_WAY)).add(
                Condition::all()
                    .add(its(run::Column::State).eq("pending"))
                    .add(its(run::Column::Gate).is_in(IN_LINE))
                    .add(its(run::Column::Id).lt(Expr::col((run::Entity, run::Column::Id)))),
            ),
        )
        .to_owned()
}

fn candidate(row: CandidateRow) -> Result<Candidate, StoreError> {
    let id = row.id;
    let budget = row.budget.map(|text| from_json(&text, "runs", "budget", &id)).transpose()?;
    Ok(Candidate {
        run: RunId(id),
        root: WorkItem(row.root),
        group: row.group_key,
        group_limit: u32::try_from(row.group_limit).unwrap_or(1),
        automation: AutomationName(row.automation),
        repository: row::repository(&row.repository, id)?,
        actor: row.actor,
        reserved: row::usd(row.reserved),
        budget: budget.unwrap_or_default(),
        admitted_at: row.admitted_at,
        gate: (from_word(row.gate.as_deref().unwrap_or_default(), "runs", "gate", &id)?, row.due_at),
    })
}
