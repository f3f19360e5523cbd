//! Short ways to say times and timetables.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use dispatcher::schedule::{CronExpression, Tick, Timetable, Zone};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

pub fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn timetable(expression: &str, zone: &str) -> Timetable {
    let expression: CronExpression =
        expression.parse().unwrap_or_else(|error| panic!("{expression}: {error}"));
    Timetable::new(expression, zone.parse::<Zone>().unwrap())
}

pub fn texts(ticks: &[Tick]) -> Vec<String> {
    ticks.iter().map(Tick::to_string).collect()
}

pub fn zone_rules(name: &str) -> TimeZone {
    ZONES.get(name).unwrap()
}

pub fn zone_names() -> Vec<String> {
    ZONES.available().map(|name| name.as_str().to_owned()).collect()
}

pub fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub fn offset_at(zone: &TimeZone, seconds: i64) -> i64 {
    i64::from(zone.to_offset(Timestamp::from_second(seconds).unwrap()).seconds())
}
