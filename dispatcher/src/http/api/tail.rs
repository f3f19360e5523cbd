//! Deliveries as they are decided, as a stream of server-sent events.
//!
//! The database is looked at in short turns: whichever process decides, it is seen here. Ids grow
//! with the time of arrival, but what arrived at once may be decided in another order than its ids;
//! so each look goes back a little and leaves out what was sent.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use store::{DeliverySummary, StoreError};
use uuid::Uuid;

use super::answer::{ApiError, ErrorBody};
use super::deliveries::DeliveryRow;
use crate::Dispatcher;

/// How often is looked.
const PACE: Duration = Duration::from_millis(400);
/// How far back a look goes, in milliseconds: longer than ingress waits for the queue.
const BACK_MILLIS: u128 = 6_000;
/// What is read at once.
const PAGE: u64 = 50;
/// A client that was away for longer gets the newest of what it missed.
const CATCH_UP: usize = 1000;

/// What to follow.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TailQuery {
    /// Only deliveries of this webhook.
    webhook: Option<String>,
    /// Start after this delivery rather than now. Those of the six seconds before it come again, as
    /// some of them may have been decided after it. The header `Last-Event-ID` says the same.
    after: Option<Uuid>,
}

/// Deliveries as they are decided
///
/// Events `delivery`, each with a row of the list as JSON and the delivery's id; `start`, once, with
/// the id after which a tail without `after` begins; `gap` when more was missed than is told here.
/// The stream ends when the server stops.
#[utoipa::path(get, path = "/api/v1/deliveries/tail", params(TailQuery),
    responses((status = 200, content_type = "text/event-stream", body = DeliveryRow), (status = 400, body = ErrorBody)))]
pub(super) async fn tail(
    State(dispatcher): State<Arc<Dispatcher>>,
    Query(TailQuery { webhook, after }): Query<TailQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    if let Some(name) = &webhook {
        check_webhook(&dispatcher, name)?;
    }
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let (start, newest) = match after.or(last) {
        Some(after) => (before(after), after),
        None => {
            let stored = dispatcher.store.deliveries(1, None).await?;
            let newest = stored.items.first().map_or(Uuid::nil(), |row| row.id.0);
            (Uuid::from_u128(newest.as_u128().saturating_add(1)), newest)
        }
    };
    let mut tail = Tail { dispatcher, webhook, start, newest, sent: BTreeSet::new() };
    let mut first = tail.look().await?;
    if after.or(last).is_none() {
        first.insert(0, Event::default().event("start").id(newest.to_string()).data("{}"));
    }
    let later = stream::unfold(tail, |mut tail| async {
        let found = tail.next().await?;
        Some((found, tail))
    });
    let events = stream::iter([first]).chain(later).flat_map(stream::iter).map(Ok);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

fn check_webhook(dispatcher: &Dispatcher, name: &str) -> Result<(), ApiError> {
    let known = &dispatcher.settings.webhooks;
    if known.keys().any(|webhook| webhook.as_str() == name) {
        return Ok(());
    }
    let known: Vec<String> = known.keys().map(|webhook| format!("`{webhook}`")).collect();
    let known = if known.is_empty() { "none is configured".to_owned() } else { known.join(", ") };
    Err(ApiError::new(StatusCode::BAD_REQUEST, format!("there is no such webhook; there are: {known}")))
}

struct Tail {
    dispatcher: Arc<Dispatcher>,
    webhook: Option<String>,
    /// The least id that is wanted.
    start: Uuid,
    /// The greatest id so far.
    newest: Uuid,
    /// What was sent, as far back as a look goes.
    sent: BTreeSet<Uuid>,
}

impl Tail {
    /// The least id that a look goes back to.
    fn floor(&self) -> Uuid {
        before(self.newest).max(self.start)
    }

    /// The next events, waiting for them; `None` at the end.
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            let streams = &self.dispatcher.streams;
            streams.run_until_cancelled(tokio::time::sleep(PACE)).await?;
            match self.look().await {
                Ok(found) if found.is_empty() => {}
                Ok(found) => return Some(found),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a tail of deliveries ends");
                    return None;
                }
            }
        }
    }

    /// What was decided since the last look, oldest first.
    async fn look(&mut self) -> Result<Vec<Event>, StoreError> {
        let floor = self.floor();
        let (mut found, mut from) = (Vec::new(), None);
        let gap = loop {
            let page = self.dispatcher.store.deliveries(PAGE, from).await?;
            let reached = page.items.iter().any(|row| row.id.0 < floor);
            let news = |row: &DeliverySummary| row.id.0 >= floor && !self.sent.contains(&row.id.0);
            found.extend(page.items.into_iter().filter(news));
            from = page.next;
            if reached || from.is_none() {
                break false;
            }
            if found.len() >= CATCH_UP {
                break true;
            }
        };
        found.reverse();
        self.sent.extend(found.iter().map(|row| row.id.0));
        self.newest = self.sent.last().copied().unwrap_or(self.newest).max(self.newest);
        self.sent = self.sent.split_off(&self.floor());
        let wanted =
            found.into_iter().filter(|row| self.webhook.as_ref().is_none_or(|name| row.webhook.0 == *name));
        let gap = gap.then(|| Event::default().event("gap").data("{}"));
        Ok(gap.into_iter().chain(wanted.filter_map(event)).collect())
    }
}

/// The least id of the time that a look goes back to: the first 48 bits of an id are milliseconds
/// (RFC 9562, section 5.7).
fn before(id: Uuid) -> Uuid {
    Uuid::from_u128(((id.as_u128() >> 80).saturating_sub(BACK_MILLIS)) << 80)
}

fn event(row: DeliverySummary) -> Option<Event> {
    let event = Event::default().event("delivery").id(row.id.to_string());
    let event = event.json_data(DeliveryRow::new(row));
    event.inspect_err(|error| tracing::error!(%error, "a delivery cannot be shown")).ok()
}
