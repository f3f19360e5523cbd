//! What the worker proves itself by, kept so that no crash and no lost answer locks it out.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use schemas::{Clock, Pool, WorkerName};
use serde::{Deserialize, Serialize};

/// The file's content.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The name it enrolled with.
    pub(crate) name: WorkerName,
    /// The credential's secret.
    pub(crate) secret: String,
    /// The secret that is to take its place: kept before the control plane hears of it.
    #[serde(default)]
    pub(crate) next: Option<String>,
    /// Whether the control plane has not said yes to `secret` yet.
    #[serde(default)]
    pub(crate) pending: bool,
    /// The pool it is in, by the control plane's last word.
    #[serde(default)]
    pub(crate) pool: Pool,
}

/// The credential, in memory and in its file.
pub(crate) struct Credential {
    file: PathBuf,
    kept: Mutex<Kept>,
}

impl Credential {
    /// What is in the file; `None` where there is none.
    pub(crate) fn load(file: &Path) -> io::Result<Option<Kept>> {
        match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps `kept` from here on.
    pub(crate) fn keep(file: &Path, kept: Kept) -> io::Result<Self> {
        write(file, &kept)?;
        Ok(Self { file: file.to_owned(), kept: Mutex::new(kept) })
    }

    /// The bearer token: `NAME.SECRET`.
    pub(crate) fn bearer(&self) -> String {
        let kept = self.lock();
        format!("{}.{}", kept.name, kept.secret)
    }

    /// The secret alone, for the enrolment.
    pub(crate) fn secret(&self) -> String {
        self.lock().secret.clone()
    }

    /// The control plane said yes to it.
    pub(crate) fn settle(&self) -> io::Result<()> {
        let mut kept = self.lock();
        let settled = Kept { pending: false, ..kept.clone() };
        write(&self.file, &settled)?;
        *kept = settled;
        Ok(())
    }

    /// The name.
    pub(crate) fn name(&self) -> WorkerName {
        self.lock().name.clone()
    }

    /// The pool.
    pub(crate) fn pool(&self) -> Pool {
        self.lock().pool.clone()
    }

    /// Notes the pool; `false` where it was known.
    pub(crate) fn is_in(&self, pool: &Pool) -> io::Result<bool> {
        let mut kept = self.lock();
        if kept.pool == *pool {
            return Ok(false);
        }
        let moved = Kept { pool: pool.clone(), ..kept.clone() };
        write(&self.file, &moved)?;
        *kept = moved;
        Ok(true)
    }

    /// The secret that a renewal asks for: the one that was begun, or a new one.
    pub(crate) fn begin_next(&self, clock: &dyn Clock) -> io::Result<String> {
        let mut kept = self.lock();
        if let Some(next) = &kept.next {
            return Ok(next.clone());
        }
        let next = fresh_secret(clock);
        let begun = Kept { next: Some(next.clone()), ..kept.clone() };
        write(&self.file, &begun)?;
        *kept = begun;
        Ok(next)
    }

    /// Goes over to the next secret; `false` where there is none.
    pub(crate) fn take_next(&self) -> io::Result<bool> {
        let mut kept = self.lock();
        let Some(next) = kept.next.clone() else { return Ok(false) };
        let taken = Kept { secret: next, next: None, ..kept.clone() };
        write(&self.file, &taken)?;
        *kept = taken;
        Ok(true)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 256 random bits in hex.
pub(crate) fn fresh_secret(clock: &dyn Clock) -> String {
    clock.secret_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whole or not at all, for this account alone.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let begun = file.with_extension("new");
    let mut new = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&begun)?;
    new.write_all(&serde_json::to_vec(kept).map_err(io::Error::other)?)?;
    new.sync_all()?;
    std::fs::rename(&begun, file)
}
