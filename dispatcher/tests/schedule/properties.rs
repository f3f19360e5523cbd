//! Laws that hold for every expression, zone and instant.

use chrono::{TimeDelta, TimeZone as _, Utc};
use dispatcher::schedule::{CronExpression, CronMistake, Timetable, Zone};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

use super::naive;
use super::support::{instant, timetable, zone_rules};

const ODD_ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Moscow",
    "Europe/Istanbul",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "America/Caracas",
    "America/Nuuk",
    "America/Scoresbysund",
    "America/Asuncion",
    "America/Vancouver",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Juba",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tehran",
    "Asia/Amman",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Antarctica/Troll",
    "Antarctica/Casey",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
    "Pacific/Norfolk",
];

/// An instant, most often a day or so before the clock of the zone changes.
fn near_a_change(zone: &'static str) -> impl Strategy<Value = i64> {
    let from = 126_230_400i64..3_800_000_000; // 1974 to 2090
    (from, 0i64..100_000, prop::bool::weighted(0.85)).prop_map(move |(anywhere, before, near)| {
        let rules = zone_rules(zone);
        let change = rules.following(Timestamp::from_second(anywhere).unwrap()).next();
        match change.map(|change| change.timestamp().as_second()) {
            Some(change) if near && change < 3_900_000_000 => change - before,
            _ => anywhere,
        }
    })
}

fn zone_and_instant() -> impl Strategy<Value = (&'static str, i64)> {
    select(ODD_ZONES).prop_flat_map(|zone| (Just(zone), near_a_change(zone)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_tick_is_missing_and_none_is_added(pattern in naive::patterns(), (zone, from) in zone_and_instant()) {
        let expression = match pattern.text().parse::<CronExpression>() {
            Ok(expression) => expression,
            Err(error) => {
                prop_assert_eq!(error.mistake, CronMistake::NeverFires);
                return Ok(());
            }
        };
        let table = Timetable::new(expression, zone.parse::<Zone>().unwrap());
        let to = from + 3 * 86_400;
        let found: Vec<i64> = table
            .ticks_between(instant(from), instant(to), usize::MAX)
            .iter()
            .map(|tick| tick.time().timestamp())
            .collect();
        let expected = naive::ticks(&pattern, &zone_rules(zone), from, to);
        prop_assert_eq!(&found, &expected, "{} in {} from {}", pattern.text(), zone, instant(from));
        prop_assert!(found.is_sorted_by(|a, b| a < b));

        // Repeated questions and one question have one answer, wherever one begins.
        let latest = table.latest_between(instant(from), instant(to)).map(|tick| tick.time().timestamp());
        prop_assert_eq!(latest, found.last().copied());
        for (number, tick) in found.iter().enumerate().step_by(97) {
            let next = table.next_after(instant(*tick)).map(|tick| tick.time().timestamp());
            prop_assert_eq!(next.filter(|next| *next <= to), found.get(number + 1).copied());
            let limited = table.ticks_between(instant(from), instant(to), number + 1);
            prop_assert_eq!(limited.last().map(|tick| tick.time().timestamp()), Some(*tick));
        }
    }

    #[test]
    fn next_after_is_ahead_and_never_goes_back(
        pattern in naive::patterns(),
        (zone, at) in zone_and_instant(),
        nanos in 0u32..1_000_000_000,
        later in 0i64..200_000,
    ) {
        let Ok(expression) = pattern.text().parse::<CronExpression>() else { return Ok(()) };
        let table = Timetable::new(expression, zone.parse::<Zone>().unwrap());
        let at = Utc.timestamp_opt(at, nanos).unwrap();
        let (Some(next), Some(from_later)) =
            (table.next_after(at), table.next_after(at + TimeDelta::seconds(later)))
        else {
            return Ok(());
        };
        prop_assert!(next.time() > at);
        prop_assert!(from_later >= next);
        // Nothing lies between: asked from just before it, the answer is the same.
        prop_assert_eq!(table.next_after(next.time() - TimeDelta::nanoseconds(1)), Some(next));
    }
}

#[test]
fn the_latest_of_ten_years_of_minutes_is_found_at_once() {
    let table = timetable("* * * * *", "Europe/Berlin");
    let (from, to) = (instant(1_800_000_000), instant(2_115_360_030));
    assert_eq!(table.latest_between(from, to).unwrap().time(), instant(2_115_360_000));
    assert_eq!(table.latest_between(to, from), None);
}
