//! The end of a run and the admission of the next share a transaction.

use schemas::run::{Outcome, Reason, Transition};
use store::{Near, RunRecord, StoreError, Tx};

use crate::Dispatcher;

impl Dispatcher {
    /// Ends a run, plans its last writes, and lets go on whom that frees.
    pub(crate) async fn finish(
        &self,
        tx: &Tx,
        record: &mut RunRecord,
        outcome: Outcome,
        reason: Reason,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let sentence = reason.sentence();
        let Ok(state) = record.run.state.next(Transition::Finish { outcome, reason }, record.epoch) else {
            return Ok(());
        };
        record.run.state = state;
        record.run.finished_at = Some(now);
        tx.save_run(record).await?;
        self.plan_comment(tx, record, now).await?;
        self.admit(tx, Some(&Near::to(&record.run)), now).await?;
        let took = record.run.started_at.and_then(|started| (now - started).to_std().ok());
        self.meters.run_ended(outcome, took);
        tracing::info!(run = %record.run.id, ?outcome, reason = %sentence, "run finished");
        Ok(())
    }
}
