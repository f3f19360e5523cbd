//! Workers on other machines, and which runs they hold.

use chrono::{DateTime, Utc};
use schemas::run::Step;
use schemas::{Epoch, Pool, RunId, WorkerName};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::entity::{run, worker};
use crate::error::from_word;
use crate::{Store, StoreError, Tx};

/// A worker as the control plane knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRecord {
    /// Its name.
    pub name: WorkerName,
    /// The runs it gets.
    pub pool: Pool,
    /// When it was first asked in.
    pub invited_at: DateTime<Utc>,
    /// The enrolment token, until another takes its place.
    pub enrolment: Option<HashedSecret>,
    /// Whether it was used; then it is good for a repeat of that alone.
    pub enrolment_used: bool,
    /// When it enrolled last.
    pub enrolled_at: Option<DateTime<Utc>>,
    /// What it proves itself by.
    pub credential: Option<HashedSecret>,
    /// The credential before, while both count.
    pub previous: Option<HashedSecret>,
    /// When it was shut out.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whether it gets no more runs.
    pub draining: bool,
    /// When it was last heard, to about ten seconds.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// How many runs it works on at once.
    pub slots: u32,
    /// What it runs: `pullwright 0.1.0`.
    pub software: String,
    /// How far its wall clock is ahead of the control plane's, in milliseconds.
    pub skew_ms: Option<i64>,
}

/// A secret that is not kept itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedSecret {
    /// SHA-256 of it, in hex.
    pub hash: String,
    /// Until when it counts.
    pub expires_at: DateTime<Utc>,
}

impl WorkerRecord {
    /// A worker that was asked in and has not come yet.
    #[must_use]
    pub fn invited(name: WorkerName, now: DateTime<Utc>) -> Self {
        Self {
            name,
            pool: Pool::default(),
            invited_at: now,
            enrolment: None,
            enrolment_used: false,
            enrolled_at: None,
            credential: None,
            previous: None,
            revoked_at: None,
            draining: false,
            last_seen_at: None,
            slots: 0,
            software: String::new(),
            skew_ms: None,
        }
    }
}

/// A run that a worker holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The run.
    pub run: RunId,
    /// Who holds it.
    pub worker: WorkerName,
    /// Since which claim.
    pub epoch: Epoch,
}

impl Tx {
    /// A worker, its row locked until this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_worker(&self, name: &WorkerName) -> Result<Option<WorkerRecord>, StoreError> {
        let found = worker::Entity::find_by_id(name.as_str()).lock_exclusive().one(&self.inner).await?;
        Ok(found.map(read))
    }

    /// Adds a worker.
    ///
    /// # Errors
    /// When the database does not answer, or there is one of that name.
    pub async fn insert_worker(&self, record: &WorkerRecord) -> Result<(), StoreError> {
        let row = write(record).into_active_model().reset_all();
        worker::Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Writes a worker that [`Tx::lock_worker`] gave back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn save_worker(&self, record: &WorkerRecord) -> Result<(), StoreError> {
        write(record).into_active_model().reset_all().update(&self.inner).await?;
        Ok(())
    }

    /// Notes that a worker was heard, and how far its clock is ahead where it said its time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn worker_seen(
        &self,
        name: &WorkerName,
        at: DateTime<Utc>,
        skew_ms: Option<i64>,
    ) -> Result<(), StoreError> {
        let mut row = worker::ActiveModel { last_seen_at: Set(Some(at)), ..Default::default() };
        if skew_ms.is_some() {
            row.skew_ms = Set(skew_ms);
        }
        worker::Entity::update_many()
            .set(row)
            .filter(worker::Column::Name.eq(name.as_str()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Writes whether a worker gets no more runs; `false` when there is none of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_draining(&self, name: &WorkerName, draining: bool) -> Result<bool, StoreError> {
        let updated = worker::Entity::update_many()
            .col_expr(worker::Column::Draining, Expr::value(draining))
            .filter(worker::Column::Name.eq(name.as_str()))
            .exec(&self.inner)
            .await?;
        Ok(updated.rows_affected > 0)
    }
}

impl Store {
    /// One worker.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn worker(&self, name: &WorkerName) -> Result<Option<WorkerRecord>, StoreError> {
        Ok(worker::Entity::find_by_id(name.as_str()).one(&self.read).await?.map(read))
    }

    /// All workers, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn workers(&self) -> Result<Vec<WorkerRecord>, StoreError> {
        let rows = worker::Entity::find().order_by_asc(worker::Column::Name).all(&self.read).await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Who holds a run; nobody does from [`Step::Publish`] on.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn holder(&self, run: RunId) -> Result<Option<Hold>, StoreError> {
        Ok(self.holds_where(Some(run)).await?.pop())
    }

    /// Every run that a worker holds, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer or a row is inconsistent.
    pub async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        self.holds_where(None).await
    }

    async fn holds_where(&self, run: Option<RunId>) -> Result<Vec<Hold>, StoreError> {
        let mut query = run::Entity::find()
            .select_only()
            .columns([run::Column::Id, run::Column::Worker, run::Column::Epoch, run::Column::Step])
            .filter(run::Column::State.eq("active"))
            .order_by_asc(run::Column::Id);
        if let Some(run) = run {
            query = query.filter(run::Column::Id.eq(run.0));
        }
        let rows: Vec<(uuid::Uuid, Option<String>, i64, Option<String>)> =
            query.into_tuple().all(&self.read).await?;
        let mut holds = Vec::with_capacity(rows.len());
        for (id, worker, epoch, step) in rows {
            let step: Step = from_word(step.as_deref().unwrap_or_default(), "runs", "step", &id)?;
            if let Some(worker) = worker.filter(|_| step < Step::Publish) {
                holds.push(Hold { run: RunId(id), worker: WorkerName(worker), epoch: Epoch(epoch) });
            }
        }
        Ok(holds)
    }
}

fn read(row: worker::Model) -> WorkerRecord {
    let secret = |hash: Option<String>, expires_at: Option<DateTime<Utc>>| {
        hash.zip(expires_at).map(|(hash, expires_at)| HashedSecret { hash, expires_at })
    };
    WorkerRecord {
        name: WorkerName(row.name),
        pool: Pool(row.pool),
        invited_at: row.invited_at,
        enrolment: secret(row.enrolment_hash, row.enrolment_expires_at),
        enrolment_used: row.enrolment_used,
        enrolled_at: row.enrolled_at,
        credential: secret(row.credential_hash, row.credential_expires_at),
        previous: secret(row.previous_hash, row.previous_expires_at),
        revoked_at: row.revoked_at,
        draining: row.draining,
        last_seen_at: row.last_seen_at,
        slots: u32::try_from(row.slots).unwrap_or_default(),
        software: row.software,
        skew_ms: row.skew_ms,
    }
}

fn write(record: &WorkerRecord) -> worker::Model {
    let hash = |secret: &Option<HashedSecret>| secret.as_ref().map(|secret| secret.hash.clone());
    let until = |secret: &Option<HashedSecret>| secret.as_ref().map(|secret| secret.expires_at);
    worker::Model {
        name: record.name.0.clone(),
        invited_at: record.invited_at,
        enrolment_hash: hash(&record.enrolment),
        enrolment_expires_at: until(&record.enrolment),
        enrolment_used: record.enrolment_used,
        enrolled_at: record.enrolled_at,
        credential_hash: hash(&record.credential),
        credential_expires_at: until(&record.credential),
        previous_hash: hash(&record.previous),
        previous_expires_at: until(&record.previous),
        revoked_at: record.revoked_at,
        draining: record.draining,
        last_seen_at: record.last_seen_at,
        slots: i32::try_from(record.slots).unwrap_or(i32::MAX),
        software: record.software.clone(),
        skew_ms: record.skew_ms,
        pool: record.pool.0.clone(),
    }
}
