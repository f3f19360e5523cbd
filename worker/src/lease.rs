//! Keeping a run: heartbeats well within its lease, on the monotonic clock alone.

use std::sync::Arc;
use std::time::Duration;

use schemas::automation::Usd;
use schemas::control::{Beat, ControlError, Job, Orders};
use tokio_util::task::AbortOnDropHandle;

use crate::Worker;
use crate::stop::{Cause, Interrupt};

/// How long a heartbeat may take when there is nothing left of the lease.
const LAST_WORD: Duration = Duration::from_secs(1);
/// The longest pause between heartbeats, whatever the lease: a cancel is heard with one of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Beats until it is dropped; raises `interrupt` when the run may not go on.
pub(crate) fn keep(worker: &Worker, job: &Job, interrupt: &Arc<Interrupt>) -> AbortOnDropHandle<()> {
    let (control, clock) = (Arc::clone(&worker.control), Arc::clone(&worker.clock));
    let (run, epoch, lease) = (job.run, job.epoch, job.lease());
    let interrupt = Arc::clone(interrupt);
    AbortOnDropHandle::new(tokio::spawn(async move {
        let third = lease / 3;
        let pause = third.min(LONGEST_PAUSE);
        let mut renewed = clock.monotonic();
        let left = |renewed: Duration| lease.saturating_sub(clock.monotonic().saturating_sub(renewed));
        for number in 1u64.. {
            tokio::time::sleep(pause.min(left(renewed))).await;
            // The lease counts from the asking: when it was answered, nobody here can tell.
            let asked = clock.monotonic();
            // Commands cost nothing but time.
            let beat = Beat { number, spent: Usd::default() };
            // Asked even when the lease is over, as after a suspend: nobody else may have wanted it.
            let patience = left(renewed).clamp(LAST_WORD.min(third), third);
            match tokio::time::timeout(patience, control.heartbeat(run, epoch, beat)).await {
                // Being drained is the claims' business.
                Ok(Ok(Orders::Continue | Orders::Drain)) => renewed = asked,
                Ok(Ok(Orders::Cancel) | Err(ControlError::Cancelled)) => {
                    renewed = asked;
                    interrupt.raise(Cause::Cancelled);
                }
                Ok(Err(ControlError::StaleEpoch)) => return interrupt.raise(Cause::Lost),
                Ok(Err(ControlError::Unavailable { .. } | ControlError::Refused { .. })) | Err(_) => {
                    if left(renewed).is_zero() {
                        tracing::warn!(%run, "the lease could not be renewed");
                        return interrupt.raise(Cause::Lost);
                    }
                }
            }
        }
    }))
}
