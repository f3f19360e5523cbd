//! One call of the trait: its deadline, and its requests one after the other.

use std::fmt::Display;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use gitlab::api::{self, AsyncQuery, Endpoint, Pageable, Pagination};
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::Shared;
use super::outcome::{self, Kind};
use crate::ForgeError;

/// No call takes longer, however many requests it makes.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// Entries of a page. A note may be a million characters long.
const PAGE: usize = 50;

/// A call under way.
pub(super) struct Call<'a> {
    pub gitlab: &'a Shared,
    /// Whether a write has been sent and not been answered yet.
    writing: AtomicBool,
    /// The forge's clock at its last answer.
    clock: Mutex<Option<DateTime<Utc>>>,
}

impl<'a> Call<'a> {
    pub(super) fn new(gitlab: &'a Shared) -> Self {
        Self { gitlab, writing: AtomicBool::new(false), clock: Mutex::new(None) }
    }

    /// Runs the call's work within its limit.
    pub(super) async fn limit<T>(
        &self,
        work: impl Future<Output = Result<T, ForgeError>>,
    ) -> Result<T, ForgeError> {
        match tokio::time::timeout(LIMIT, work).await {
            Ok(result) => result,
            Err(_) => {
                let message = format!("no answer within {} s", LIMIT.as_secs());
                Err(if self.writing.load(Ordering::Relaxed) {
                    ForgeError::Unclear { message }
                } else {
                    ForgeError::Unavailable { message }
                })
            }
        }
    }

    /// Reads one thing.
    pub(super) async fn get<T: DeserializeOwned + 'static>(
        &self,
        endpoint: impl Endpoint + Sync,
        what: &str,
    ) -> Result<T, ForgeError> {
        endpoint.query_async(self).await.map_err(|error| outcome::of(error, Kind::Read, what))
    }

    /// Reads a list page by page until `pick` finds something, or to its end.
    pub(super) async fn find<T: DeserializeOwned + Send + 'static, R>(
        &self,
        endpoint: impl Endpoint + Pageable + Sync,
        what: &str,
        mut pick: impl FnMut(T) -> Option<R>,
    ) -> Result<Option<R>, ForgeError> {
        let pages = api::paged(endpoint, Pagination::AllPerPageLimit(PAGE));
        let mut entries = pin!(pages.iter_async(self));
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(|error| outcome::of(error, Kind::Read, what))?;
            if let Some(found) = pick(entry) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Writes once; an error says whether it may have happened.
    pub(super) async fn write<T: DeserializeOwned + 'static>(
        &self,
        endpoint: impl Endpoint + Sync,
        what: &str,
    ) -> Result<T, ForgeError> {
        self.writing.store(true, Ordering::Relaxed);
        let result = endpoint.query_async(self).await;
        self.writing.store(false, Ordering::Relaxed);
        result.map_err(|error| outcome::of(error, Kind::Write, what))
    }

    /// Remembers an answer's `Date`.
    pub(super) fn note_clock(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.to_utc());
    }

    /// The forge's clock at its last answer, where it told.
    pub(super) fn clock(&self) -> Option<DateTime<Utc>> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An endpoint of the `gitlab` crate. Its builders want fields that are always set here.
pub(super) fn built<T>(endpoint: Result<T, impl Display>) -> Result<T, ForgeError> {
    endpoint.map_err(|error| ForgeError::Refused { status: 400, message: error.to_string() })
}
