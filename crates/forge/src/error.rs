//! What a forge call can come to, in the terms that decide what to do next.

use std::time::Duration;

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// No such thing, or not for our eyes (404, 410).
    #[error("{what} was not found")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The credential is wrong or expired (401).
    #[error("the forge refused our credential")]
    CredentialRefused,
    /// The credential may not do this (403).
    #[error("the forge forbids it: {message}")]
    Forbidden {
        /// Its answer, shortened.
        message: String,
    },
    /// It is there already (422 with that reason).
    #[error("it exists already")]
    AlreadyExists,
    /// More than we are ready to read.
    #[error("{what} is larger than we read: {limit} at most")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// How much is read.
        limit: &'static str,
    },
    /// Refused for good (other 4xx).
    #[error("the forge refused with status {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its answer, shortened.
        message: String,
    },
    /// This forge has nothing of the kind.
    #[error("this forge has no {what}")]
    Unsupported {
        /// What it lacks.
        what: &'static str,
    },
    /// Too many calls (403 or 429 with the signs of a limit); nothing was done.
    #[error("the forge asks us to slow down")]
    RateLimited {
        /// How long to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// Nothing was done, and a later try may succeed: no connection, or a read that failed.
    #[error("the forge does not answer: {message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
    /// A write was sent, and whether it happened cannot be told from the answer (5xx, timeout, reset).
    #[error("it cannot be told whether the write happened: {message}")]
    Unclear {
        /// What happened.
        message: String,
    },
}

impl ForgeError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Unclear { .. })
    }
}
