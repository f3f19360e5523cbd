//! Cancel is a flag, set under the lock that also guards leave to push.

use schemas::RunId;
use schemas::run::{Outcome, Reason, RunState, Step};
use store::{RunRecord, StoreError};

use crate::Dispatcher;

/// How a run ends whose end was asked for: by a person, or for a reason of ours.
pub(crate) fn asked_for_end(record: &RunRecord) -> (Outcome, Reason) {
    match record.cancel_reason.clone() {
        Some(reason @ Reason::BudgetExceeded { .. }) => (Outcome::Failed, reason),
        Some(reason) => (Outcome::Cancelled, reason),
        None => (Outcome::Cancelled, Reason::CancelRequested),
    }
}

/// What a person who cancels is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelAnswer {
    /// It had not started and is over.
    Cancelled,
    /// Its worker will end it within a heartbeat.
    Requested,
    /// It is being published, or over.
    TooLate,
    /// There is no such run.
    Unknown,
}

impl Dispatcher {
    /// Cancels a run, unless leave to push was granted already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cancel(&self, run: RunId) -> Result<CancelAnswer, StoreError> {
        let tx = self.store.begin().await?;
        let Some(mut record) = tx.lock_run(run).await? else { return Ok(CancelAnswer::Unknown) };
        let answer = match record.run.state {
            RunState::Pending { .. } | RunState::Queued { .. } => {
                self.finish(&tx, &mut record, Outcome::Cancelled, Reason::CancelRequested).await?;
                CancelAnswer::Cancelled
            }
            RunState::Active { step, .. } if step < Step::Push => {
                record.run.cancel_requested = true;
                tx.save_run(&record).await?;
                CancelAnswer::Requested
            }
            RunState::Active { .. } | RunState::Done { .. } => CancelAnswer::TooLate,
        };
        tx.commit().await?;
        self.after_finish();
        Ok(answer)
    }
}
