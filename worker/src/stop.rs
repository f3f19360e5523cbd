//! Stopping in two phases, and what may interrupt one job.
//!
//! `soft` stops taking work and gives what runs a grace period; `hard` kills at once. Both reach a
//! job as an [`Interrupt`], next to a person's cancel and a lost lease.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The two phases of stopping.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Take no more jobs; hand back what is not finished after the grace period.
    pub soft: CancellationToken,
    /// Kill the sandboxes now.
    pub hard: CancellationToken,
}

/// Why a job does not go on, the weakest first: a stronger cause replaces a weaker one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The worker stops and the grace period is over.
    Stopping,
    /// A person cancelled the run.
    Cancelled,
    /// The worker stops at once.
    Forced,
    /// The run is, or soon will be, somebody else's.
    Lost,
}

/// Tells everything that works on one job to end, and why.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    cause: Mutex<Option<Cause>>,
    any: CancellationToken,
    fatal: CancellationToken,
}

impl Interrupt {
    /// Ends the job; only a stronger cause changes an earlier one.
    pub(crate) fn raise(&self, cause: Cause) {
        let mut current = self.lock();
        *current = (*current).max(Some(cause));
        drop(current);
        if cause >= Cause::Forced {
            self.fatal.cancel();
        }
        self.any.cancel();
    }

    /// Why the job ends, if it does.
    pub(crate) fn cause(&self) -> Option<Cause> {
        *self.lock()
    }

    /// Cancelled by any cause: stops the commands.
    pub(crate) fn any(&self) -> &CancellationToken {
        &self.any
    }

    /// Cancelled only where finishing would be wrong or too slow: stops publishing as well.
    pub(crate) fn fatal(&self) -> &CancellationToken {
        &self.fatal
    }

    fn lock(&self) -> MutexGuard<'_, Option<Cause>> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
