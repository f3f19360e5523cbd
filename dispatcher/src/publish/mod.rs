//! The publisher: makes planned writes, one after the other for each work item.
//!
//! Before a call its intent is marked as `calling`. An intent found in that state, after a crash or
//! an unclear answer, is settled first: the forge is asked whether the write is there.

mod outcome;
mod perform;
mod settle;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use schemas::intent::{IntentState, Write};
use schemas::{Intent, WorkItem};
use store::{RunRecord, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::Dispatcher;

/// Work items that are written to at the same time.
const AT_ONCE: usize = 8;
/// Intents that are looked at together.
const LOOK: u64 = 200;
/// The wait after a look that itself failed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// When nothing rings, how long until the next look.
const IDLE: Duration = Duration::from_secs(5);

impl Dispatcher {
    /// Makes planned writes until `stop`; what is due by then is written first, and what follows from it.
    pub async fn publish(self: &std::sync::Arc<Self>, stop: CancellationToken) {
        let mut busy: HashSet<WorkItem> = HashSet::new();
        let mut calls: JoinSet<WorkItem> = JoinSet::new();
        let mut told = false;
        loop {
            if let Err(error) = self.start_calls(&mut busy, &mut calls).await {
                tracing::error!(error = &error as &dyn std::error::Error, "planned writes cannot be read");
            }
            if told && calls.is_empty() {
                return;
            }
            let wait = self.until_next_due().await;
            tokio::select! {
                Some(done) = calls.join_next() => {
                    match done {
                        Ok(item) => { busy.remove(&item); }
                        Err(error) => {
                            // Which item it was is lost with the task; all are looked at anew.
                            tracing::error!(%error, "a write failed in an unexpected way");
                            if calls.is_empty() { busy.clear(); }
                        }
                    }
                }
                () = self.publish.notified() => {}
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled(), if !told => told = true,
            }
        }
    }

    async fn until_next_due(&self) -> Duration {
        let now = self.clock.now();
        match self.store.next_intent_due(now).await {
            Ok(Some(due)) => (due - now).to_std().unwrap_or_default().clamp(Duration::from_millis(20), IDLE),
            _ => IDLE,
        }
    }

    async fn start_calls(
        self: &std::sync::Arc<Self>,
        busy: &mut HashSet<WorkItem>,
        calls: &mut JoinSet<WorkItem>,
    ) -> Result<(), StoreError> {
        let mut by_item: BTreeMap<WorkItem, Vec<Intent>> = BTreeMap::new();
        for intent in self.store.due_intents(self.clock.now(), LOOK).await? {
            by_item.entry(intent.work_item.clone()).or_default().push(intent);
        }
        for (item, intents) in by_item {
            if calls.len() >= AT_ONCE {
                break;
            }
            if busy.insert(item.clone()) {
                let dispatcher = std::sync::Arc::clone(self);
                calls.spawn(async move {
                    dispatcher.write_all(intents).await;
                    item
                });
            }
        }
        Ok(())
    }

    /// Writes in order; stops at the first that has to wait, since another of its kind may follow.
    async fn write_all(&self, intents: Vec<Intent>) {
        for intent in intents {
            match self.write_in_trace(intent).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a write's record failed");
                    return;
                }
            }
        }
    }

    /// A write belongs to its run's trace; a span has to know that before it is entered.
    async fn write_in_trace(&self, intent: Intent) -> Result<bool, StoreError> {
        let record = self.record_of(&intent).await?;
        let span = tracing::info_span!(
            "dispatcher.publish",
            write = intent.write.kind(),
            work_item = %intent.work_item,
            attempt = intent.attempts,
        );
        if let Some(record) = &record {
            telemetry::trace::continue_from(&span, &record.run.trace);
        }
        self.write_one(intent, record.as_ref()).instrument(span).await
    }

    async fn record_of(&self, intent: &Intent) -> Result<Option<RunRecord>, StoreError> {
        match intent.run {
            Some(run) => self.store.run(run).await,
            None => Ok(None),
        }
    }

    /// One write from its record to its record; false when it has to wait.
    async fn write_one(&self, mut intent: Intent, record: Option<&RunRecord>) -> Result<bool, StoreError> {
        let unsettled = intent.state == IntentState::Calling;
        let done = if unsettled { self.settle(&intent, record).await } else { settle::Settled::NotThere };
        let result = match done {
            settle::Settled::There(result) => Ok(result),
            settle::Settled::NotThere => {
                intent.attempts += 1;
                intent.looks = 0;
                if harmless_to_repeat(&intent.write) {
                    self.perform(&intent, record).await
                } else {
                    intent.state = IntentState::Calling;
                    self.save(&intent).await?;
                    // Until now a change of the run took this write for one that will show it.
                    let record = self.record_of(&intent).await?;
                    self.perform(&intent, record.as_ref()).await
                }
            }
            settle::Settled::Cannot(error) if !error.is_transient() => Err(error),
            settle::Settled::Cannot(error) => {
                tracing::warn!(%error, "whether a write happened cannot be asked now");
                intent.not_before = self.clock.now() + LOOK_AGAIN;
                self.save(&intent).await?;
                return Ok(false);
            }
            settle::Settled::Wait(delay) => {
                intent.not_before = self.clock.now() + delay;
                intent.looks += 1;
                self.save(&intent).await?;
                return Ok(false);
            }
        };
        self.conclude(intent, result).await
    }

    async fn save(&self, intent: &Intent) -> Result<(), StoreError> {
        let tx = self.store.begin_beside().await?;
        tx.save_intent(intent, self.clock.now()).await?;
        tx.commit().await
    }
}

/// Whether making a write twice is the same as making it once; then it needs no settling.
fn harmless_to_repeat(write: &Write) -> bool {
    matches!(write, Write::React { .. } | Write::RemoveLabel { .. } | Write::SetCheck { .. })
}
