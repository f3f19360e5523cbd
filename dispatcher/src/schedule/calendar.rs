//! From wall-clock times to instants: what happens to a tick when the clock is changed.
//!
//! All times are seconds since 1970; a *face* is what the clock on the wall shows, counted the same way.

use std::iter;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::expression::{CronExpression, Pace};

/// The first instant strictly after `after` at which the expression fires.
pub(super) fn next(expression: &CronExpression, zone: &TimeZone, after: i64) -> Option<i64> {
    match expression.pace() {
        Pace::Fixed => next_fixed(expression, zone, after),
        Pace::Interval => next_interval(expression, zone, after),
    }
}

/// Walks the wall clock. Instants never decrease along it, so the first one ahead is the next.
fn next_fixed(expression: &CronExpression, zone: &TimeZone, after: i64) -> Option<i64> {
    let mut face = after + offset_at(zone, after)?;
    loop {
        face = expression.next_face(face)?;
        let at = first_instant(zone, face)?;
        if at > after {
            return Some(at);
        }
    }
}

/// When the clock first shows `face`; if it never does, the end of the gap that `face` is in.
fn first_instant(zone: &TimeZone, face: i64) -> Option<i64> {
    let civil = Offset::UTC.to_datetime(Timestamp::from_second(face).ok()?);
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => Some(face - seconds(offset)),
        AmbiguousOffset::Fold { before, .. } => Some(face - seconds(before)),
        AmbiguousOffset::Gap { before, after } => {
            let beyond = Timestamp::from_second(face - seconds(before) + 1).ok()?;
            let change = zone.preceding(beyond).find(|change| change.offset() == after)?;
            Some(change.timestamp().as_second())
        }
    }
}

/// A time during which the zone's offset stays.
struct Stretch {
    /// Its first instant.
    start: i64,
    /// Wall clock minus UTC.
    offset: i64,
    /// The change that ends it: when, and the offset from then on.
    end: Option<(i64, i64)>,
}

impl Stretch {
    fn from(zone: &TimeZone, start: i64, offset: i64) -> Option<Self> {
        let change = zone.following(Timestamp::from_second(start).ok()?).next();
        let end = change.map(|change| (change.timestamp().as_second(), seconds(change.offset())));
        Some(Self { start, offset, end })
    }

    /// Until when ticks by this offset count: where the clock goes forward, that much longer.
    fn ticks_until(&self) -> i64 {
        self.end.map_or(i64::MAX, |(end, next)| end + (next - self.offset).max(0))
    }
}

/// Looks at one stretch after the other; one that ended in a gap overlaps the stretch behind it.
fn next_interval(expression: &CronExpression, zone: &TimeZone, after: i64) -> Option<i64> {
    let mut best: Option<i64> = None;
    let stretches = iter::successors(first_stretch(zone, after), |stretch| {
        let (end, offset) = stretch.end?;
        Stretch::from(zone, end, offset)
    });
    for stretch in stretches {
        if best.is_some_and(|best| best < stretch.start) {
            break;
        }
        let from = after.max(stretch.start - 1);
        // No more matches on this clock means none on a later one.
        let Some(face) = expression.next_face(from + stretch.offset) else { break };
        let tick = face - stretch.offset;
        if tick < stretch.ticks_until() && best.is_none_or(|best| tick < best) {
            best = Some(tick);
        }
    }
    best
}

/// The last second before the newest change at `after`, or `after` where nothing changed before.
fn first_stretch(zone: &TimeZone, after: i64) -> Option<Stretch> {
    let newest = zone.preceding(Timestamp::from_second(after + 1).ok()?).next();
    let start = newest.map_or(after, |change| change.timestamp().as_second() - 1);
    Stretch::from(zone, start, offset_at(zone, start)?)
}

fn offset_at(zone: &TimeZone, at: i64) -> Option<i64> {
    Some(seconds(zone.to_offset(Timestamp::from_second(at).ok()?)))
}

fn seconds(offset: Offset) -> i64 {
    i64::from(offset.seconds())
}
