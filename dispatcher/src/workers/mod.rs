//! Workers on other machines: asking them in, knowing them again, letting them go.
//!
//! A person gets an enrolment token (`pullwright workers enrol NAME`), which is good once and for an
//! hour. With it the worker says by what it will prove itself from then on; that credential is replaced
//! at half its life. Only hashes are stored.

mod secret;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemas::id::is_label;
use schemas::{Pool, WorkerName};
use store::{HashedSecret, StoreError, WorkerRecord};

use crate::Dispatcher;

pub(crate) use secret::Shown;

/// How long an enrolment token is good.
const ENROLMENT: Duration = Duration::from_secs(3600);
/// How long a credential is good. A worker that was away for longer has to be enrolled again.
const CREDENTIAL: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a credential counts beside its successor: the answer to the change may have been lost.
const OVERLAP: Duration = Duration::from_secs(600);
/// No credential is shorter: 32 characters of hex are 128 bits.
const SHORTEST: usize = 32;
/// What the worker inside `pullwright up` is called.
const LOCAL: &str = "local";

/// An enrolment token, shown once.
#[derive(Clone)]
pub struct Invitation {
    /// `NAME.SECRET`
    pub token: String,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// Why a worker is not taken.
#[derive(Debug, thiserror::Error)]
pub enum WorkerRefused {
    /// A name that cannot be one.
    #[error(
        "`{0}` cannot be a worker's name: a letter, then at most 62 of a-z, 0-9 and `-`; `local` is taken"
    )]
    Name(String),
    /// A name that no pool can have.
    #[error("`{0}` cannot be a pool's name: a letter, then at most 62 of a-z, 0-9 and `-`")]
    Pool(String),
    /// The token or credential shown is none.
    #[error("this worker is not known: its token is wrong, used or expired, or it was revoked")]
    Unknown,
    /// The new credential could be guessed.
    #[error("a credential has at least {SHORTEST} characters")]
    Weak,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A worker that proved who it is.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its row.
    pub(crate) record: WorkerRecord,
    /// Whether its credential is past half its life.
    pub(crate) renew: bool,
}

impl Dispatcher {
    /// Makes a worker's enrolment token; an earlier one of the same name is void. With a pool it gets
    /// that one's runs from now on; a worker that is new and has none is of the pool `default`.
    ///
    /// # Errors
    /// When the name cannot be one or the database does not answer.
    pub async fn invite_worker(
        &self,
        name: &WorkerName,
        pool: Option<Pool>,
    ) -> Result<Invitation, WorkerRefused> {
        if !is_name(name.as_str()) {
            return Err(WorkerRefused::Name(name.to_string()));
        }
        if let Some(pool) = pool.as_ref().filter(|pool| !is_label(pool.as_str())) {
            return Err(WorkerRefused::Pool(pool.to_string()));
        }
        let now = self.clock.now();
        let secret = hex::encode(self.clock.secret_bytes());
        let expires_at = now + ENROLMENT;
        let tx = self.store.begin().await?;
        let known = tx.lock_worker(name).await?;
        let is_new = known.is_none();
        let mut record = known.unwrap_or_else(|| WorkerRecord::invited(name.clone(), now));
        record.pool = pool.unwrap_or(record.pool);
        record.enrolment = Some(HashedSecret { hash: secret::hash(&secret), expires_at });
        record.enrolment_used = false;
        if is_new {
            tx.insert_worker(&record).await?;
        } else {
            tx.save_worker(&record).await?;
        }
        tx.commit().await?;
        // One that is there already may be in another pool now.
        self.wake_workers();
        tracing::info!(worker = %name, "a worker was asked in");
        Ok(Invitation { token: format!("{name}.{secret}"), expires_at })
    }

    /// Takes a worker in by its enrolment token. A repeat with the same credential is the same
    /// enrolment; with another one the token is used up.
    pub(crate) async fn enrol_worker(&self, token: &Shown, credential: &str) -> Result<(), WorkerRefused> {
        if credential.len() < SHORTEST {
            return Err(WorkerRefused::Weak);
        }
        let now = self.clock.now();
        let tx = self.store.begin().await?;
        let mut record = tx.lock_worker(&token.name).await?.ok_or(WorkerRefused::Unknown)?;
        if !token.is(record.enrolment.as_ref(), now) {
            return Err(WorkerRefused::Unknown);
        }
        let fresh = HashedSecret { hash: secret::hash(credential), expires_at: now + CREDENTIAL };
        if record.enrolment_used {
            let same = record.credential.as_ref().is_some_and(|known| known.hash == fresh.hash);
            return if same { Ok(()) } else { Err(WorkerRefused::Unknown) };
        }
        record.credential = Some(fresh);
        record.previous = None;
        record.enrolment_used = true;
        record.enrolled_at = Some(now);
        record.revoked_at = None;
        tx.save_worker(&record).await?;
        tx.commit().await?;
        tracing::info!(worker = %token.name, "a worker enrolled");
        Ok(())
    }

    /// The worker that shows `credential`.
    pub(crate) async fn known_worker(&self, shown: &Shown) -> Result<Known, WorkerRefused> {
        let now = self.clock.now();
        let found = self.store.worker(&shown.name).await?;
        let (current, previous) = match &found {
            Some(record) if record.revoked_at.is_none() => {
                (record.credential.as_ref(), record.previous.as_ref())
            }
            _ => (None, None),
        };
        // Both are compared, whatever the first says: the time tells nothing.
        let (is_current, is_previous) = (shown.is(current, now), shown.is(previous, now));
        let record = found.filter(|_| is_current | is_previous).ok_or(WorkerRefused::Unknown)?;
        let half_way = |secret: &HashedSecret| secret.expires_at < now + CREDENTIAL / 2;
        let renew = is_current && record.credential.as_ref().is_some_and(half_way);
        Ok(Known { record, renew })
    }

    /// Puts `credential` in the place of the one shown, which counts for a short while yet. A repeat
    /// changes nothing.
    pub(crate) async fn renew_credential(
        &self,
        shown: &Shown,
        credential: &str,
    ) -> Result<(), WorkerRefused> {
        if credential.len() < SHORTEST {
            return Err(WorkerRefused::Weak);
        }
        let now = self.clock.now();
        let tx = self.store.begin().await?;
        let mut record = tx.lock_worker(&shown.name).await?.ok_or(WorkerRefused::Unknown)?;
        let hash = secret::hash(credential);
        if record.credential.as_ref().is_some_and(|known| known.hash == hash) {
            return Ok(());
        }
        if record.revoked_at.is_some() || !shown.is(record.credential.as_ref(), now) {
            return Err(WorkerRefused::Unknown);
        }
        let overlap = now + OVERLAP;
        record.previous = record
            .credential
            .take()
            .map(|old| HashedSecret { expires_at: old.expires_at.min(overlap), ..old });
        record.credential = Some(HashedSecret { hash, expires_at: now + CREDENTIAL });
        tx.save_worker(&record).await?;
        tx.commit().await?;
        tracing::info!(worker = %shown.name, "a worker's credential was replaced");
        Ok(())
    }

    /// Shuts a worker out for good: its credential and token are void, its runs go to others. `false`
    /// when there is none of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke_worker(&self, name: &WorkerName) -> Result<bool, StoreError> {
        let tx = self.store.begin().await?;
        let Some(mut record) = tx.lock_worker(name).await? else { return Ok(false) };
        record.enrolment = None;
        record.credential = None;
        record.previous = None;
        record.revoked_at = Some(self.clock.now());
        tx.save_worker(&record).await?;
        tx.commit().await?;
        tracing::info!(worker = %name, "a worker was revoked");
        self.forget_worker(name).await?;
        Ok(true)
    }

    /// Gives a worker no more runs, or runs again; those that it holds it may finish. `false` when there
    /// is none of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drain_worker(&self, name: &WorkerName, draining: bool) -> Result<bool, StoreError> {
        let tx = self.store.begin().await?;
        let found = tx.set_draining(name, draining).await?;
        tx.commit().await?;
        // Claims that wait look again who they are for.
        self.wake_workers();
        Ok(found)
    }

    /// How many due runs wait for a pool that no worker is in, by pool. `here`: a worker of this process
    /// takes those of the pool `default`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pools_without_workers(&self, here: bool) -> Result<BTreeMap<Pool, u64>, StoreError> {
        let mut waiting = self.store.due_runs(self.clock.now()).await?;
        if waiting.is_empty() {
            return Ok(waiting);
        }
        let workers = self.store.workers().await?;
        let manned = |pool: &Pool| {
            let mut of_pool = workers.iter().filter(|worker| worker.pool == *pool);
            here && *pool == Pool::default() || of_pool.any(|worker| worker.credential.is_some())
        };
        waiting.retain(|pool, _| !manned(pool));
        Ok(waiting)
    }
}

fn is_name(name: &str) -> bool {
    is_label(name) && name != LOCAL
}
