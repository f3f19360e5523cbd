//! Automations tried on what really happened: which runs they would add, drop or change.
//!
//! Nothing is asked of a forge. What was answered at the time is used; what hangs on anything else is
//! unknown, and is said to be.

mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemas::DeliveryId;
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::Dispatcher;
use crate::decide::facts::Facts;
use crate::rules::{LoadError, load_texts};

use tally::{Row, Tally};

/// Deliveries that are looked at, at the most; the newest.
pub const MOST_EVENTS: u64 = 100_000;
/// Deliveries that are in memory at a time.
const PAGE: u64 = 256;

/// What is tried on what.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Deliveries that were received since.
    pub since: DateTime<Utc>,
    /// Names and texts of the automations' files; those that are in force where there are none.
    #[serde(default)]
    pub files: Option<BTreeMap<String, String>>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Outcome {
    /// The set that was tried.
    pub rule_set: String,
    /// Deliveries that were looked at, without repeats and replays.
    pub events: u64,
    /// When the oldest of them was received, where older ones were left out.
    pub cut_at: Option<DateTime<Utc>>,
    /// By automation.
    pub automations: Vec<Row>,
}

/// Why nothing was tried.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The files say something that cannot be.
    #[error("the automations are not taken: {0}")]
    Automations(Box<LoadError>),
    /// The database did not answer.
    #[error("the database does not answer")]
    Store(#[from] StoreError),
    /// It broke off.
    #[error("the evaluation broke off")]
    BrokeOff,
}

impl Dispatcher {
    /// Tries automations on the deliveries since a time.
    ///
    /// # Errors
    /// When the files are not taken, or the database does not answer.
    pub async fn backtest(&self, question: Question) -> Result<Outcome, BacktestError> {
        let set = match question.files {
            None => self.rules(),
            Some(files) => {
                let loaded = off_thread(move || load_texts(files)).await?;
                Arc::new(loaded.map_err(|error| BacktestError::Automations(Box::new(error)))?)
            }
        };
        let context = Arc::new(self.context().await?);
        let (mut tally, mut before, mut cut_at) = (Tally::new(&set), None, None);
        loop {
            let page = self.store.history::<Facts>(question.since, PAGE, before).await?;
            before = page.next;
            let oldest = page.items.last().map(|past| past.delivery);
            let (set, context) = (Arc::clone(&set), Arc::clone(&context));
            tally = off_thread(move || {
                for past in &page.items {
                    tally.add(&set, &context, past);
                }
                tally
            })
            .await?;
            if before.is_none() {
                break;
            }
            if tally.events() >= MOST_EVENTS {
                cut_at = oldest.and_then(received_at);
                break;
            }
        }
        let spent = self.store.mean_spent().await?;
        let events = tally.events();
        Ok(Outcome { rule_set: set.hash.clone(), events, cut_at, automations: tally.rows(&set, &spent) })
    }
}

/// Loading and deciding compute; the threads that answer requests are for waiting.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BacktestError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| BacktestError::BrokeOff)
}

/// When a delivery was received, as its id tells.
fn received_at(delivery: DeliveryId) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = delivery.0.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}
