//! A schedule in its zone, and the ticks it has.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use jiff::Timestamp;
use jiff::fmt::strtime;

use super::calendar;
use super::expression::CronExpression;
use super::zone::Zone;

/// The nominal time at which a schedule fires: whole seconds in UTC. Prints as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(DateTime<Utc>);

impl Tick {
    /// The tick with this nominal time, as a row has it; parts of a second are dropped.
    #[must_use]
    pub fn at(time: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time))
    }

    /// Its nominal time.
    #[must_use]
    pub fn time(self) -> DateTime<Utc> {
        self.0
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

/// A tick to come, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// The tick.
    pub tick: Tick,
    /// On the zone's clock: `Mon 2027-03-29 06:00 CEST`.
    pub local: String,
    /// In UTC: `Mon 2027-03-29 04:00 UTC`.
    pub utc: String,
}

/// An expression in a zone. Prints as both, which is what it is recognised by: equal texts, equal ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    expression: CronExpression,
    zone: Zone,
}

impl Timetable {
    /// Reads `expression` by the clocks of `zone`.
    #[must_use]
    pub fn new(expression: CronExpression, zone: Zone) -> Self {
        Self { expression, zone }
    }

    /// The expression.
    #[must_use]
    pub fn expression(&self) -> &CronExpression {
        &self.expression
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first tick strictly after an instant; `None` when there is none until the end of 2100.
    #[must_use]
    pub fn next_after(&self, instant: DateTime<Utc>) -> Option<Tick> {
        let next = calendar::next(&self.expression, self.zone.rules(), instant.timestamp())?;
        DateTime::from_timestamp(next, 0).map(Tick)
    }

    /// The first `limit` ticks after `from`, up to and including `to`, in order.
    #[must_use]
    pub fn ticks_between(&self, from: DateTime<Utc>, to: DateTime<Utc>, limit: usize) -> Vec<Tick> {
        self.ticks_after(from).take_while(|tick| tick.0 <= to).take(limit).collect()
    }

    /// The last tick after `from`, up to and including `to`, found without walking all between.
    #[must_use]
    pub fn latest_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Tick> {
        let next_until = |instant| self.next_after(instant).filter(|tick| tick.0 <= to);
        let mut latest = next_until(from)?;
        let mut none_after = to;
        while let Some(later) = next_until(latest.0) {
            let middle = later.0 + (none_after - later.0) / 2;
            latest = next_until(middle).unwrap_or_else(|| {
                none_after = middle;
                later
            });
        }
        Some(latest)
    }

    /// The next `count` ticks after an instant, in the zone and in UTC, for people.
    #[must_use]
    pub fn upcoming(&self, instant: DateTime<Utc>, count: usize) -> Vec<Upcoming> {
        self.ticks_after(instant)
            .take(count)
            .map(|tick| Upcoming {
                tick,
                local: self.local(tick).unwrap_or_else(|| tick.to_string()),
                utc: tick.0.format("%a %Y-%m-%d %H:%M UTC").to_string(),
            })
            .collect()
    }

    fn ticks_after(&self, instant: DateTime<Utc>) -> impl Iterator<Item = Tick> {
        std::iter::successors(self.next_after(instant), |tick| self.next_after(tick.0))
    }

    fn local(&self, tick: Tick) -> Option<String> {
        let instant = Timestamp::from_second(tick.0.timestamp()).ok()?;
        let zoned = instant.to_zoned(self.zone.rules().clone());
        strtime::format("%a %Y-%m-%d %H:%M %Z", &zoned).ok()
    }
}

impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.expression, self.zone)
    }
}
