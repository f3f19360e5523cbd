//! What came in and what went out: the journal of writes, webhooks and their deliveries.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where events are sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    #[serde(default)]
    pub id: u64,
    /// The receiver.
    pub url: String,
    /// The key of the signature.
    #[serde(skip_serializing, default)]
    pub secret: String,
    /// Event names, or `*` for all.
    #[serde(default = "Webhook::all_events")]
    pub events: Vec<String>,
    /// Only this `owner/name`, when set.
    #[serde(default)]
    pub repository: Option<String>,
}

impl Webhook {
    fn all_events() -> Vec<String> {
        vec!["*".to_owned()]
    }

    /// Whether it wants `event` of `repository`.
    #[must_use]
    pub fn wants(&self, event: &str, repository: &str) -> bool {
        self.events.iter().any(|e| e == "*" || e == event)
            && self.repository.as_deref().is_none_or(|r| r.eq_ignore_ascii_case(repository))
    }
}

/// One attempt to deliver an event; GitHub makes no second by itself.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryRecord {
    /// `X-GitHub-Delivery`.
    pub guid: String,
    /// The receiver.
    pub url: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload's `action`.
    pub action: String,
    /// What the receiver answered; `None` when it did not.
    pub status: Option<u16>,
    /// The answer's body, or what went wrong.
    pub answer: String,
}

/// One write request.
#[derive(Debug, Clone, Serialize)]
pub struct JournalEntry {
    /// Its place in the order of arrival, from 0.
    pub seq: usize,
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Who asked; `None` without a valid credential.
    pub login: Option<String>,
    /// The JSON body, where there was one.
    pub body: Option<serde_json::Value>,
    /// The status of what was done; `None` while under way, and when a fault kept it from being done.
    pub done: Option<u16>,
    /// The status that was answered; `None` while under way, and when the connection was reset.
    pub answered: Option<u16>,
}
