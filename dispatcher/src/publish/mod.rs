//! The publisher: makes planned writes, one after the other for each work item.
//!
//! Before a call its intent is marked as `calling`. An intent found in that state, after a crash or
//! an unclear answer, is settled first: the forge is asked whether the write is there. Whoever writes
//! holds the intent's row, and with it the work item; after a while of silence others may take it.

mod outcome;
mod perform;
mod settle;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use schemas::intent::{IntentState, Write};
use schemas::{Intent, IntentId};
use store::{RunRecord, StoreError};
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::Dispatcher;

/// How long a dispatcher that is heard of no more keeps others from its writes: longer than the calls
/// of one write take, of which each is given 30 s.
const HOLD: TimeDelta = TimeDelta::minutes(3);
/// The wait after a look that itself failed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// The wait after the database did not answer.
const DATABASE_DOWN: Duration = Duration::from_secs(1);
/// When nothing rings, how long until the next look.
const IDLE: Duration = Duration::from_secs(5);

/// The writes that are under way.
#[derive(Default)]
struct Calls {
    tasks: JoinSet<Result<(), StoreError>>,
    intents: HashMap<task::Id, IntentId>,
    /// Whether the records may name this dispatcher as the holder of a write that it is not at: after
    /// an earlier life, and after an answer of the database that did not arrive.
    strays: bool,
}

impl Calls {
    /// Waits for the next one to end; pending while there is none.
    async fn next(&mut self) {
        let Some(ended) = self.tasks.join_next_with_id().await else { return std::future::pending().await };
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(panicked) => panicked.id(),
        };
        self.intents.remove(&id);
        match ended {
            Ok((_, Ok(()))) => {}
            Ok((_, Err(error))) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a write's record failed");
                // What cannot be recorded at all is tried again when its hold ends.
                self.strays |= error.is_transient();
            }
            // Its hold ends by itself; then the write is settled.
            Err(error) => tracing::error!(%error, "a write failed in an unexpected way"),
        }
    }
}

impl Dispatcher {
    /// Makes planned writes until `stop`; what is due by then is written first, and what follows from it.
    pub async fn publish(self: &Arc<Self>, stop: CancellationToken) {
        let mut calls = Calls { strays: true, ..Calls::default() };
        let mut told = false;
        loop {
            let mut wait = IDLE;
            match self.start_calls(&mut calls).await {
                Ok(()) if calls.tasks.len() < self.settings.writes_at_once => {
                    wait = self.until_next_due().await
                }
                Ok(()) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "planned writes cannot be read"
                    );
                    // They may have been taken all the same.
                    calls.strays = true;
                    wait = DATABASE_DOWN;
                }
            }
            if told && calls.tasks.is_empty() {
                return;
            }
            tokio::select! {
                () = calls.next() => {}
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

    async fn start_calls(self: &Arc<Self>, calls: &mut Calls) -> Result<(), StoreError> {
        if calls.strays {
            self.let_go_of_strays(calls).await?;
        }
        let now = self.clock.now();
        let free = self.settings.writes_at_once.saturating_sub(calls.tasks.len());
        let anything_due = self.store.next_intent_due(now).await?.is_some_and(|due| due <= now);
        if free == 0 || !anything_due {
            return Ok(());
        }
        for intent in self.store.claim_intents(&self.settings.name, now, now + HOLD, free as u64).await? {
            let dispatcher = Arc::clone(self);
            let id = intent.id;
            let call = calls.tasks.spawn(async move {
                let written = dispatcher.write_in_trace(intent).await;
                if written.is_err() {
                    // A database that comes and goes is not asked without a pause.
                    tokio::time::sleep(DATABASE_DOWN).await;
                }
                written
            });
            calls.intents.insert(call.id(), id);
        }
        Ok(())
    }

    /// Their writes are taken up again at once, rather than when their holds end.
    async fn let_go_of_strays(&self, calls: &mut Calls) -> Result<(), StoreError> {
        let tx = self.store.begin().await?;
        if tx.release_intents(&self.settings.name, calls.intents.values().copied()).await? {
            tracing::info!("writes of this dispatcher that it was not at are taken up again");
        }
        tx.commit().await?;
        calls.strays = false;
        Ok(())
    }

    /// A write belongs to its run's trace; a span has to know that before it is entered.
    async fn write_in_trace(&self, intent: Intent) -> Result<(), StoreError> {
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

    /// One write from its record to its record.
    async fn write_one(&self, mut intent: Intent, record: Option<&RunRecord>) -> Result<(), StoreError> {
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
                    if !self.mark(&intent).await? {
                        return Ok(());
                    }
                    // Until now a change of the run took this write for one that will show it.
                    let record = self.record_of(&intent).await?;
                    self.perform(&intent, record.as_ref()).await
                }
            }
            settle::Settled::Cannot(error) if !error.is_transient() => Err(error),
            settle::Settled::Cannot(error) => {
                tracing::warn!(%error, "whether a write happened cannot be asked now");
                return self.put_off(intent, LOOK_AGAIN).await;
            }
            settle::Settled::Wait(delay) => {
                intent.looks += 1;
                return self.put_off(intent, delay).await;
            }
        };
        self.conclude(intent, result).await
    }

    /// Records that the call is about to be made; false when another dispatcher is at it by now.
    async fn mark(&self, intent: &Intent) -> Result<bool, StoreError> {
        let now = self.clock.now();
        // In turn with all that changes runs: each is shown by this write, or plans the next.
        let tx = self.store.begin().await?;
        if !tx.hold_intent(intent.id, &self.settings.name, now + HOLD).await? {
            return Ok(self.lost(intent));
        }
        tx.save_intent(intent, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn put_off(&self, mut intent: Intent, delay: Duration) -> Result<(), StoreError> {
        let now = self.clock.now();
        intent.not_before = now + delay;
        let tx = self.store.begin_beside().await?;
        if tx.release_intent(intent.id, &self.settings.name).await? {
            tx.save_intent(&intent, now).await?;
            tx.commit().await?;
        } else {
            self.lost(&intent);
        }
        Ok(())
    }

    /// This dispatcher stood still for so long that another one took the write over. False.
    fn lost(&self, intent: &Intent) -> bool {
        tracing::warn!(write = intent.write.kind(), work_item = %intent.work_item, "another dispatcher took a write over");
        false
    }
}

/// Whether making a write twice is the same as making it once; then it needs no settling.
fn harmless_to_repeat(write: &Write) -> bool {
    match write {
        Write::React { .. }
        | Write::RemoveLabel { .. }
        | Write::SetCheck { .. }
        | Write::UpdatePullRequest { .. }
        | Write::LabelPullRequest { .. }
        | Write::RequestReviews { .. } => true,
        Write::SyncComment { .. }
        | Write::Push { .. }
        | Write::OpenPullRequest { .. }
        | Write::AnswerRefusal { .. }
        | Write::AnswerCommand { .. } => false,
    }
}
