//! Claims, leases and heartbeats.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::automation::{Budget, Usd};
use schemas::control::Beat;
use schemas::run::{RunState, Step, Transition};
use schemas::{Epoch, Pool, RunId, WorkerName};
use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, LockBehavior, LockType, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{RunRecord, due, row};
use crate::database::Cleaned;
use crate::entity::run;
use crate::error::{from_json, from_word, word};
use crate::{Store, StoreError, Tx};

/// What the reaper watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseView {
    /// The run.
    pub run: RunId,
    /// Its epoch.
    pub epoch: Epoch,
    /// The last beat that arrived in this epoch.
    pub beat: i64,
    /// What it is doing.
    pub step: Step,
}

/// What a heartbeat finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// Whether the run's end was asked for.
    pub cancel_requested: bool,
    /// What one run may spend, where it has spent more.
    pub over_limit: Option<Usd>,
}

impl RunRecord {
    /// A queued run as a worker's, under a new epoch; `None` when it is not queued.
    #[must_use]
    pub fn claimed(mut self, worker: &WorkerName, nonce: &str, now: DateTime<Utc>) -> Option<Self> {
        self.run.state = self.run.state.next(Transition::Claim, self.epoch).ok()?;
        if let RunState::Active { epoch, .. } = self.run.state {
            self.epoch = epoch;
        }
        self.run.started_at.get_or_insert(now);
        self.worker = Some(worker.clone());
        self.nonce = Some(nonce.to_owned());
        Some(self)
    }
}

impl Tx {
    /// The run, its row locked, if its lease is still as it was seen; `None` when its worker was heard of
    /// since, or it is over.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn lock_lease(&self, seen: &LeaseView) -> Result<Option<RunRecord>, StoreError> {
        let found = run::Entity::find_by_id(seen.run.0).lock_exclusive().one(&self.inner).await?;
        let Some(row) = found.filter(|row| row.beat == seen.beat) else { return Ok(None) };
        let record = row::read(row)?;
        let held = RunState::Active { epoch: seen.epoch, step: seen.step };
        Ok(Some(record).filter(|record| record.run.state == held))
    }

    /// Notes a heartbeat; `None` when the epoch is not the current one. A late heartbeat with the
    /// current epoch succeeds, and takes back nothing of what is known to be spent.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn beat(&self, id: RunId, epoch: Epoch, beat: Beat) -> Result<Option<Pulse>, StoreError> {
        let spent = row::micros(beat.spent);
        let most = CaseStatement::new()
            .case(Expr::col(run::Column::SpentNow).gt(spent), Expr::col(run::Column::SpentNow))
            .finally(spent);
        let updated = run::Entity::update_many()
            .col_expr(run::Column::Beat, Expr::value(i64::try_from(beat.number).unwrap_or(i64::MAX)))
            .col_expr(run::Column::SpentNow, most.into())
            .filter(run::Column::Id.eq(id.0))
            .filter(run::Column::Epoch.eq(epoch.0))
            .filter(run::Column::State.eq("active"))
            .exec(&self.inner)
            .await?;
        if updated.rows_affected == 0 {
            return Ok(None);
        }
        let found: Option<(bool, i64, i64, Option<String>)> = run::Entity::find_by_id(id.0)
            .select_only()
            .columns([
                run::Column::CancelRequested,
                run::Column::Spent,
                run::Column::SpentNow,
                run::Column::Budget,
            ])
            .into_tuple()
            .one(&self.inner)
            .await?;
        let Some((cancel_requested, earlier, now, budget)) = found else { return Ok(None) };
        let budget: Option<Budget> =
            budget.map(|text| from_json(&text, "runs", "budget", &id)).transpose()?;
        let spent = row::usd(earlier).plus(row::usd(now));
        let limit = budget.and_then(|budget| budget.run_usd).filter(|limit| spent > *limit);
        Ok(Some(Pulse { cancel_requested, over_limit: limit }))
    }
}

impl Store {
    /// Writes a run as the next epoch begins with it, if it is still queued in the one before: the claim
    /// itself, in one statement. False when somebody else was quicker.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_epoch(&self, record: &RunRecord) -> Result<bool, StoreError> {
        let mut row = row::changes(record)?;
        // A link may have moved it meanwhile.
        row.root = NotSet;
        // A run that another transaction holds is being claimed or cancelled: nothing to wait for.
        let free = Query::select()
            .column(run::Column::Id)
            .from(run::Entity)
            .and_where(run::Column::Id.eq(record.run.id.0))
            .and_where(run::Column::State.eq("queued"))
            .and_where(run::Column::Epoch.eq(record.epoch.0 - 1))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .to_owned();
        // What the epochs before have spent stays spent.
        let spent = Expr::col(run::Column::Spent).add(Expr::col(run::Column::SpentNow));
        let updated = run::Entity::update_many()
            .set(row)
            .col_expr(run::Column::Spent, spent)
            .col_expr(run::Column::SpentNow, Expr::value(0_i64))
            .filter(run::Column::Id.in_subquery(free))
            .exec(&Cleaned(self.write.clone()))
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// Notes how far the holder of a run is with it, where nothing else changes with that. False when
    /// nobody holds it in that epoch, or its holder is further.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_step(&self, id: RunId, epoch: Epoch, step: Step) -> Result<bool, StoreError> {
        let before = Step::ALL.into_iter().filter(|before| *before <= step);
        let before = before.map(|before| word(&before)).collect::<Result<Vec<_>, _>>()?;
        let updated = run::Entity::update_many()
            .col_expr(run::Column::Step, Expr::value(word(&step)?))
            .filter(run::Column::Id.eq(id.0))
            .filter(run::Column::State.eq("active"))
            .filter(run::Column::Epoch.eq(epoch.0))
            .filter(run::Column::Step.is_in(before))
            .exec(&self.write)
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// The run that was claimed with this nonce and is still active: an answer was lost.
    ///
    /// # Errors
    /// When the database does not answer or the row is inconsistent.
    pub async fn claimed_with(&self, nonce: &str) -> Result<Option<RunRecord>, StoreError> {
        run::Entity::find()
            .filter(run::Column::Nonce.eq(nonce))
            .filter(run::Column::State.eq("active"))
            .one(&self.read)
            .await?
            .map(row::read)
            .transpose()
    }

    /// Runs of `pool` that may be claimed now, those that wait longest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claimable(
        &self,
        pool: &Pool,
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<RunId>, StoreError> {
        let ids: Vec<uuid::Uuid> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .filter(due(now))
            .filter(run::Column::Pool.eq(pool.as_str()))
            .order_by_asc(run::Column::WakeAt)
            .order_by_asc(run::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(ids.into_iter().map(RunId).collect())
    }

    /// Every run that a worker holds.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn leases(&self) -> Result<Vec<LeaseView>, StoreError> {
        let rows: Vec<(uuid::Uuid, i64, i64, Option<String>)> = run::Entity::find()
            .select_only()
            .columns([run::Column::Id, run::Column::Epoch, run::Column::Beat, run::Column::Step])
            .filter(run::Column::State.eq("active"))
            .into_tuple()
            .all(&self.read)
            .await?;
        let mut leases = Vec::with_capacity(rows.len());
        for (id, epoch, beat, step) in rows {
            let step: Step = from_word(step.as_deref().unwrap_or_default(), "runs", "step", &id)?;
            if step < Step::Publish {
                leases.push(LeaseView { run: RunId(id), epoch: Epoch(epoch), beat, step });
            }
        }
        Ok(leases)
    }

    /// How many runs may be claimed now, by pool.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_runs(&self, now: DateTime<Utc>) -> Result<BTreeMap<Pool, u64>, StoreError> {
        let rows: Vec<(String, i64)> = run::Entity::find()
            .select_only()
            .column(run::Column::Pool)
            .column_as(run::Column::Id.count(), "due")
            .filter(due(now))
            .group_by(run::Column::Pool)
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(rows.into_iter().map(|(pool, due)| (Pool(pool), due.unsigned_abs())).collect())
    }
}
