//! `croner` as an oracle: whole years of many zones, and a reason for every difference.

use std::collections::{BTreeMap, BTreeSet};

use croner::{Cron, JobType};
use dispatcher::schedule::{Pace, Timetable};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::support::{instant, offset_at, timetable, zone_rules};

/// 63 zone-years: both hemispheres, odd widths, odd hours, skipped days, and laws that changed.
const ZONE_YEARS: &[(&str, &[i16])] = &[
    ("UTC", &[2026]),
    ("Europe/Berlin", &[2026, 2027, 2028]),
    ("Europe/London", &[2026]),
    ("Europe/Dublin", &[2026, 2027]),
    ("Europe/Moscow", &[2011, 2014]),
    ("Europe/Istanbul", &[2016]),
    ("America/New_York", &[2026, 2027]),
    ("America/St_Johns", &[2006, 2026]),
    ("America/Sao_Paulo", &[2017]),
    ("America/Santiago", &[2026, 2027]),
    ("America/Havana", &[2026]),
    ("America/Caracas", &[2007, 2016]),
    ("America/Nuuk", &[2023, 2024]),
    ("America/Scoresbysund", &[2024]),
    ("America/Asuncion", &[2024]),
    ("America/Vancouver", &[2026]),
    ("America/Edmonton", &[2026]),
    ("Africa/Cairo", &[2026, 2027]),
    ("Africa/Casablanca", &[2025, 2026, 2027]),
    ("Africa/El_Aaiun", &[2026]),
    ("Africa/Juba", &[2021]),
    ("Asia/Beirut", &[2026]),
    ("Asia/Gaza", &[2026]),
    ("Asia/Tehran", &[2021]),
    ("Asia/Amman", &[2022]),
    ("Asia/Kolkata", &[2026]),
    ("Asia/Kathmandu", &[1986]),
    ("Asia/Pyongyang", &[2015, 2018]),
    ("Australia/Lord_Howe", &[2026, 2027]),
    ("Australia/Sydney", &[2026, 2027]),
    ("Australia/Adelaide", &[2026]),
    ("Antarctica/Troll", &[2026, 2027]),
    ("Antarctica/Casey", &[2018, 2023]),
    ("Pacific/Apia", &[2010, 2011, 2026]),
    ("Pacific/Auckland", &[2026, 2027]),
    ("Pacific/Chatham", &[2026]),
    ("Pacific/Easter", &[2026]),
    ("Pacific/Fakaofo", &[2011]),
    ("Pacific/Kiritimati", &[1994, 2026]),
    ("Pacific/Kwajalein", &[1993]),
    ("Pacific/Norfolk", &[2019, 2026]),
];

/// Compared over whole years.
const SPARSE: &[&str] = &[
    "0 0 * * *",
    "30 2 * * *",
    "5 3 * * *",
    "30 0 * * SUN",
    "0 6 * * MON-FRI",
    "0 6 * * FRI",
    "15 1 1,15 * *",
    "0 3 13 * FRI",
    "45 23 31 * *",
    "30 */6 * * *",
    "30 1,2,3 * * *",
];

/// Compared for two days around each change of the clock.
const DENSE: &[&str] = &[
    "* * * * *",
    "*/15 * * * *",
    "7 * * * *",
    "0 */2 * * *",
    "*/10 2 * * *",
    "*/20 0 * * *",
    "0-20 2 * * *",
    "0-59 1 * * *",
    "0 0-4 * * *",
];

/// Why the two differ on a tick. In each case croner does what its documentation says; the rule of
/// `dispatcher::schedule` is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// Ours: an interval fires in the first hour after a gap where the old clock would have. croner
    /// waits for the wall clock, so that `0 */2` pauses for three hours.
    RealPace,
    /// Ours: a list or range of times is fixed, so a time in a gap fires after it. croner calls every
    /// list an interval and drops the time.
    ListInGap,
    /// Ours: a skipped day's time fires, too; croner gives up on gaps of over two hours.
    LongGap,
    /// croner's: a list or range of times fires twice where the clock goes back.
    ListTwice,
}

#[test]
fn croner_agrees_but_for_reasons() {
    let mut reasons: BTreeMap<Why, usize> = BTreeMap::new();
    let (mut years, mut compared) = (0, 0);
    for (name, of) in ZONE_YEARS {
        let zone = zone_rules(name);
        for year in *of {
            years += 1;
            let start = jiff::civil::date(*year, 1, 1).to_zoned(zone.clone()).unwrap();
            let end = start.checked_add(1.year()).unwrap();
            let (start, end) = (start.timestamp().as_second(), end.timestamp().as_second());
            let mut windows: Vec<(&str, i64, i64)> = SPARSE.iter().map(|text| (*text, start, end)).collect();
            for change in zone.following(Timestamp::from_second(start - 86_400).unwrap()) {
                let at = change.timestamp().as_second();
                if at > end {
                    break;
                }
                windows.extend(DENSE.iter().map(|text| (*text, at - 43_200, at + 129_600)));
            }
            for (text, from, to) in windows {
                compared += compare(text, name, from, to, &mut reasons);
            }
        }
    }
    assert_eq!(years, 63);
    assert!(compared > 300_000, "{compared}");
    let counts: Vec<_> = reasons.into_iter().collect();
    let expected = [(Why::RealPace, 527), (Why::ListInGap, 67), (Why::LongGap, 15), (Why::ListTwice, 408)];
    assert_eq!(counts, expected);
}

/// Compares all ticks of a time; every difference has a reason. Returns how many ticks were the same.
fn compare(text: &str, name: &str, from: i64, to: i64, reasons: &mut BTreeMap<Why, usize>) -> usize {
    let zone = zone_rules(name);
    let table = timetable(text, name);
    let cron: Cron = text.parse().unwrap();
    let ours: BTreeSet<i64> = table
        .ticks_between(instant(from), instant(to), usize::MAX)
        .iter()
        .map(|tick| tick.time().timestamp())
        .collect();
    let theirs = croner_ticks(&cron, &zone, from, to);
    for tick in ours.difference(&theirs) {
        let why = why_ours(&table, &cron, &zone, *tick);
        let why = why.unwrap_or_else(|| panic!("{text} in {name}: only we fire at {}", instant(*tick)));
        *reasons.entry(why).or_default() += 1;
    }
    for tick in theirs.difference(&ours) {
        let list = table.expression().pace() == Pace::Fixed
            && cron.determine_job_type() == JobType::IntervalWildcard;
        assert!(
            list && shown_before(&zone, *tick),
            "{text} in {name}: only croner fires at {}",
            instant(*tick)
        );
        *reasons.entry(Why::ListTwice).or_default() += 1;
    }
    ours.intersection(&theirs).count()
}

fn croner_ticks(cron: &Cron, zone: &TimeZone, from: i64, to: i64) -> BTreeSet<i64> {
    let zoned = |at: i64| Timestamp::from_second(at).unwrap().to_zoned(zone.clone());
    let (mut at, mut inclusive) = (zoned(from), false);
    let mut ticks = BTreeSet::new();
    loop {
        match cron.find_next_occurrence(&at, inclusive) {
            Ok(next) => {
                (at, inclusive) = (next, false);
                if at.timestamp().as_second() > to {
                    return ticks;
                }
                ticks.insert(at.timestamp().as_second());
            }
            // It gives up before a wide gap: ask again from behind it.
            Err(_) => {
                let wide = |at: i64| offset_at(zone, at) - offset_at(zone, at - 1) > 7200;
                let mut changes = zone.following(at.timestamp()).map(|change| change.timestamp().as_second());
                (at, inclusive) = (zoned(changes.find(|at| wide(*at)).unwrap()), true);
            }
        }
    }
}

fn why_ours(table: &Timetable, cron: &Cron, zone: &TimeZone, tick: i64) -> Option<Why> {
    let shows = |face: i64| {
        let shown = Timestamp::from_second(face).unwrap().to_zoned(TimeZone::UTC);
        cron.is_time_matching(&shown).unwrap()
    };
    let change = zone.preceding(Timestamp::from_second(tick + 1).unwrap()).next()?;
    let at = change.timestamp().as_second();
    let (old, new) = (offset_at(zone, at - 1), offset_at(zone, at));
    let width = new - old;
    if table.expression().pace() == Pace::Interval {
        return (tick < at + width && shows(tick + old) && !shows(tick + new)).then_some(Why::RealPace);
    }
    let missing = tick == at && (at + old..at + new).step_by(60).any(shows);
    match cron.determine_job_type() {
        JobType::IntervalWildcard if missing => Some(Why::ListInGap),
        JobType::FixedTime if missing && width > 7200 => Some(Why::LongGap),
        _ => None,
    }
}

/// Whether the clock showed the same time up to a day before.
fn shown_before(zone: &TimeZone, tick: i64) -> bool {
    let face = tick + offset_at(zone, tick);
    (tick - 90_000..tick).step_by(60).any(|at| at + offset_at(zone, at) == face)
}
