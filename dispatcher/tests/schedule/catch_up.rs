//! What is due after an absence, by each policy.

use std::time::Duration;

use chrono::TimeDelta;
use dispatcher::schedule::Tick;
use dispatcher::schedule::catch_up::{CatchUp, Due, GRACE, LONGEST_ABSENCE, Look, Progress, TOLERANCE, due};

use super::support::{timetable, utc};

const ACTIVATED: &str = "2026-11-01T10:30:00Z";

fn look(wall: &str, monotonic: u64) -> Look {
    Look { wall: utc(wall), monotonic: Duration::from_secs(monotonic) }
}

/// What is due of `0 * * * *` with at most three caught up.
fn hourly(catch_up: CatchUp, handled: Option<&str>, now: &str) -> Due {
    let progress =
        Progress { activated_at: utc(ACTIVATED), handled_through: handled.map(|time| Tick::at(utc(time))) };
    due(&timetable("0 * * * *", "UTC"), &progress, catch_up, 3, None, look(now, 0))
}

/// Fired ticks, then count, first, last and reason of what is skipped.
fn shown(due: &Due) -> String {
    let fire: Vec<String> = due.fire.iter().map(|tick| tick.time().format("%dT%H").to_string()).collect();
    let skipped = due.skipped.map_or(String::new(), |skipped| {
        let (first, last) = (skipped.first.time().format("%dT%H"), skipped.last.time().format("%dT%H"));
        format!(" skipped {} from {first} to {last}: {:?}", skipped.count, skipped.reason)
    });
    format!("{}{skipped}", fire.join(" "))
}

#[test]
fn each_policy_after_each_absence() {
    use CatchUp::{All, Latest, Skip};
    let table = [
        // On time, and not again.
        (Skip, Some("2026-11-05T11:00:00Z"), "2026-11-05T12:00:00Z", "05T12"),
        (Latest, Some("2026-11-05T11:00:00Z"), "2026-11-05T12:00:00Z", "05T12"),
        (All, Some("2026-11-05T11:00:00Z"), "2026-11-05T12:00:00Z", "05T12"),
        (All, Some("2026-11-05T12:00:00Z"), "2026-11-05T12:00:10Z", ""),
        (All, Some("2026-11-05T11:00:00Z"), "2026-11-05T11:59:59Z", ""),
        // Late, within the grace and beyond it.
        (Skip, Some("2026-11-05T11:00:00Z"), "2026-11-05T12:05:00Z", "05T12"),
        (
            Skip,
            Some("2026-11-05T11:00:00Z"),
            "2026-11-05T12:05:01Z",
            " skipped 1 from 05T12 to 05T12: Policy",
        ),
        (Latest, Some("2026-11-05T11:00:00Z"), "2026-11-05T12:59:00Z", "05T12"),
        // Several missed.
        (
            Skip,
            Some("2026-11-05T08:00:00Z"),
            "2026-11-05T12:01:00Z",
            "05T12 skipped 3 from 05T09 to 05T11: Policy",
        ),
        (
            Skip,
            Some("2026-11-05T08:00:00Z"),
            "2026-11-05T12:30:00Z",
            " skipped 4 from 05T09 to 05T12: Policy",
        ),
        (
            Latest,
            Some("2026-11-05T08:00:00Z"),
            "2026-11-05T12:30:00Z",
            "05T12 skipped 3 from 05T09 to 05T11: Policy",
        ),
        (All, Some("2026-11-05T09:00:00Z"), "2026-11-05T12:30:00Z", "05T10 05T11 05T12"),
        (
            All,
            Some("2026-11-05T08:00:00Z"),
            "2026-11-05T12:30:00Z",
            "05T10 05T11 05T12 skipped 1 from 05T09 to 05T09: Limit",
        ),
        // Counted from activation, never before.
        (All, None, "2026-11-01T10:59:59Z", ""),
        (All, None, "2026-11-01T11:00:00Z", "01T11"),
        (Latest, None, "2026-11-01T12:10:00Z", "01T12 skipped 1 from 01T11 to 01T11: Policy"),
        (All, Some("2026-11-01T06:00:00Z"), "2026-11-01T12:30:00Z", "01T11 01T12"),
        // A real absence of more than a season.
        (
            All,
            Some("2026-11-05T08:00:00Z"),
            "2027-02-05T12:30:00Z",
            "05T12 skipped 1000 from 05T09 to 05T11: LongAbsence",
        ),
    ];
    for (catch_up, handled, now, expected) in table {
        let due = hourly(catch_up, handled, now);
        assert_eq!(shown(&due), expected, "{catch_up:?} handled through {handled:?} at {now}");
    }
}

#[test]
fn a_limit_of_zero_is_one_and_large_limits_are_kept_in_order() {
    let progress = Progress { activated_at: utc(ACTIVATED), handled_through: None };
    let table = timetable("* * * * *", "UTC");
    let now = look("2026-11-02T10:30:00Z", 0);
    assert_eq!(due(&table, &progress, CatchUp::All, 0, None, now).fire.len(), 1);
    let many = due(&table, &progress, CatchUp::All, 100, None, now);
    assert_eq!(many.fire.len(), 100);
    assert!(many.fire.is_sorted_by(|a, b| a < b));
    assert_eq!(many.fire.last().unwrap().time(), utc("2026-11-02T10:30:00Z"));
    assert_eq!(many.skipped.unwrap().last.time(), utc("2026-11-02T08:50:00Z"));
}

#[test]
fn a_watched_step_is_not_an_absence() {
    let progress = Progress {
        activated_at: utc(ACTIVATED),
        handled_through: Some(Tick::at(utc("2026-11-05T12:00:00Z"))),
    };
    let table = timetable("*/5 * * * *", "UTC");
    let fired = |previous, now| due(&table, &progress, CatchUp::All, 50, previous, now).fire.len();
    let before = look("2026-11-05T12:01:00Z", 1000);
    assert_eq!(fired(Some(before), look("2026-11-05T13:01:10Z", 1010)), 1, "the clock was put forward");
    assert_eq!(fired(Some(before), look("2026-11-05T13:01:10Z", 4610)), 12, "the database was away");
    assert_eq!(fired(None, look("2026-11-05T13:01:10Z", 1010)), 12, "nobody was there");
    let wrong = look("2036-11-05T12:01:00Z", 1000);
    assert_eq!(fired(Some(wrong), look("2026-11-05T13:01:10Z", 1010)), 1, "the clock was put right");
}

#[test]
fn records_ahead_of_the_clock() {
    let at = |handled: &str, activated: &str, now: &str| {
        let progress =
            Progress { activated_at: utc(activated), handled_through: Some(Tick::at(utc(handled))) };
        shown(&due(&timetable("0 * * * *", "UTC"), &progress, CatchUp::All, 9, None, look(now, 0)))
    };
    // A little: wait until it has passed.
    assert_eq!(at("2026-11-05T13:00:00Z", ACTIVATED, "2026-11-05T12:00:30Z"), "");
    assert_eq!(at("2026-11-05T14:00:00Z", ACTIVATED, "2026-11-05T12:00:30Z"), "");
    // Much: it proves nothing.
    assert_eq!(at("2036-11-05T13:00:00Z", ACTIVATED, "2026-11-05T12:00:30Z"), "05T12");
    assert_eq!(at("2036-11-05T13:00:00Z", ACTIVATED, "2026-11-05T12:05:30Z"), "");
    assert_eq!(at("2026-11-05T13:00:00Z", "2036-11-01T00:00:00Z", "2026-11-05T14:00:30Z"), "05T14");
    assert_eq!(at("2036-11-05T13:00:00Z", "2036-11-01T00:00:00Z", "2026-11-05T14:00:30Z"), "05T14");
    // Never before an activation that is believed.
    assert_eq!(at("2036-11-05T13:00:00Z", "2026-11-05T12:00:10Z", "2026-11-05T12:00:30Z"), "");
    assert_eq!(at("2036-11-05T13:00:00Z", "2026-11-05T13:30:00Z", "2026-11-05T12:00:30Z"), "");
}

#[test]
fn the_figures_fit_together() {
    assert!(GRACE < TOLERANCE && TOLERANCE >= TimeDelta::hours(1), "an hour's step back is waited out");
    assert!(LONGEST_ABSENCE < TimeDelta::days(365), "a year's step is no absence");
}
