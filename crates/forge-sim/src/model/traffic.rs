//! What came in and what went out: the journal of writes, webhooks and their deliveries.

use axum::body::Bytes;
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
    /// Whether it is the App's, which repositories do not list.
    #[serde(default)]
    pub app: bool,
    /// Whether it delivers.
    #[serde(default = "Webhook::active")]
    pub active: bool,
}

impl Webhook {
    /// Every event of every repository to `url`; registered by nobody yet.
    #[must_use]
    pub fn to(url: String, secret: String) -> Self {
        let (events, repository) = (Self::all_events(), None);
        Self { id: 0, url, secret, events, repository, app: false, active: true }
    }

    fn all_events() -> Vec<String> {
        vec!["*".to_owned()]
    }

    fn active() -> bool {
        true
    }

    /// Whether it wants `event` of `repository`.
    #[must_use]
    pub fn wants(&self, event: &str, repository: &str) -> bool {
        self.active && self.events.iter().any(|e| e == "*" || e == event) && self.is_of(repository)
    }

    /// Whether it tells of `repository` at all.
    #[must_use]
    pub fn is_of(&self, repository: &str) -> bool {
        self.repository.as_deref().is_none_or(|r| r.eq_ignore_ascii_case(repository))
    }
}

/// One attempt to deliver an event; GitHub makes no second by itself.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryRecord {
    /// Its id; each attempt has one of its own.
    pub id: u64,
    /// The webhook's id; 0 when none is registered.
    pub webhook: u64,
    /// `X-GitHub-Delivery`, the same for all attempts.
    pub guid: String,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Whether it was asked for again.
    pub redelivery: bool,
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
    /// The id of the payload's repository.
    pub repository: Option<u64>,
    /// What was sent, to be sent again.
    #[serde(skip)]
    pub(crate) body: Bytes,
}

impl DeliveryRecord {
    /// Whether the receiver took it.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
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
