//! Waiting for more of the same: pure.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::Event;
use schemas::automation::{Debounce, Span};

/// Windows after which a run starts however many events still come, unless the automation says.
const WINDOWS: u32 = 10;

/// When a run starts whose newest event came `now` and whose first came at `first`.
#[must_use]
pub fn due(debounce: &Debounce, first: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let longest = debounce.max_wait.map_or_else(|| debounce.window.0.saturating_mul(WINDOWS), |span| span.0);
    later(now, debounce.window).min(later(first, Span(longest)))
}

/// Whether an event takes the place of the one that a run has: the newest by the sender's clock,
/// where both tell the time, else the one that came last.
#[must_use]
pub fn newer(new: &Event, held: &Event) -> bool {
    new.time.zip(held.time).is_none_or(|(new, held)| new >= held)
}

fn later(from: DateTime<Utc>, by: Span) -> DateTime<Utc> {
    TimeDelta::from_std(by.0)
        .ok()
        .and_then(|by| from.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
