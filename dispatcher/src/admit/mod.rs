//! From waiting to queued: one active run per work item.

mod breaker;
mod start;
mod writes;

use chrono::{DateTime, Utc};
use schemas::WorkItem;
use schemas::run::Transition;
use store::{StoreError, Tx};

use crate::Dispatcher;

pub(crate) use start::Started;

impl Dispatcher {
    /// Lets the next waiting run of a work item go on; true when there was one.
    pub(crate) async fn admit_next(
        &self,
        tx: &Tx,
        item: &WorkItem,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let Some(mut next) = tx.next_to_admit(item).await? else { return Ok(false) };
        let Ok(state) = next.run.state.next(Transition::Admit { wake_at: now }, next.epoch) else {
            return Ok(false);
        };
        next.run.state = state;
        tx.save_run(&next).await?;
        self.plan_comment(tx, &next, now).await?;
        Ok(true)
    }

    /// Admits whatever a crash between finishing and admitting may have left waiting.
    pub(crate) async fn sweep_admission(&self) -> Result<(), StoreError> {
        let tx = self.store.begin().await?;
        let now = self.clock.now();
        let mut admitted = false;
        for item in tx.items_to_admit().await? {
            admitted |= self.admit_next(&tx, &item, now).await?;
        }
        tx.commit().await?;
        if admitted {
            self.wake_workers();
        }
        Ok(())
    }
}
