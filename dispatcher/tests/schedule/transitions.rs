//! Known changes of the clock, and the exact ticks around them.

use super::support::{texts, timetable, utc};

/// Zone, expression, start, and the ticks that follow it, in UTC.
const TABLE: &[(&str, &str, &str, &[&str])] = &[
    // Berlin, 28 March 2027: 02:00 becomes 03:00 at 01:00Z.
    (
        "Europe/Berlin",
        "30 2 * * *",
        "2027-03-27T12:00:00Z",
        &["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"],
    ),
    (
        "Europe/Berlin",
        "0,15,30 2 * * *",
        "2027-03-27T12:00:00Z",
        &["2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z"],
    ),
    (
        "Europe/Berlin",
        "30 1,2,3 * * *",
        "2027-03-27T12:00:00Z",
        &["2027-03-28T00:30:00Z", "2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z", "2027-03-28T23:30:00Z"],
    ),
    (
        "Europe/Berlin",
        "0 2,3 * * *",
        "2027-03-27T12:00:00Z",
        &["2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z"],
    ),
    (
        "Europe/Berlin",
        "*/30 * * * *",
        "2027-03-28T00:00:00Z",
        &["2027-03-28T00:30:00Z", "2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z"],
    ),
    (
        "Europe/Berlin",
        "7 * * * *",
        "2027-03-27T23:30:00Z",
        &["2027-03-28T00:07:00Z", "2027-03-28T01:07:00Z", "2027-03-28T02:07:00Z"],
    ),
    (
        "Europe/Berlin",
        "0 */2 * * *",
        "2027-03-27T22:30:00Z",
        &["2027-03-27T23:00:00Z", "2027-03-28T01:00:00Z", "2027-03-28T02:00:00Z", "2027-03-28T04:00:00Z"],
    ),
    (
        "Europe/Berlin",
        "*/20 2 * * *",
        "2027-03-27T12:00:00Z",
        &["2027-03-28T01:00:00Z", "2027-03-28T01:20:00Z", "2027-03-28T01:40:00Z", "2027-03-29T00:00:00Z"],
    ),
    // The first second of the new time is a tick like any other.
    ("Europe/Berlin", "0 3 * * *", "2027-03-28T00:59:59Z", &["2027-03-28T01:00:00Z", "2027-03-29T01:00:00Z"]),
    ("Europe/Berlin", "30 2 * * *", "2027-03-28T01:00:00Z", &["2027-03-29T00:30:00Z"]),
    // Berlin, 31 October 2027: 03:00 becomes 02:00 at 01:00Z.
    (
        "Europe/Berlin",
        "30 2 * * *",
        "2027-10-30T12:00:00Z",
        &["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"],
    ),
    ("Europe/Berlin", "30 2 * * *", "2027-10-31T01:10:00Z", &["2027-11-01T01:30:00Z"]),
    (
        "Europe/Berlin",
        "0 2-4 * * *",
        "2027-10-30T12:00:00Z",
        &["2027-10-31T00:00:00Z", "2027-10-31T02:00:00Z", "2027-10-31T03:00:00Z", "2027-11-01T01:00:00Z"],
    ),
    (
        "Europe/Berlin",
        "*/30 * * * *",
        "2027-10-31T00:00:00Z",
        &["2027-10-31T00:30:00Z", "2027-10-31T01:00:00Z", "2027-10-31T01:30:00Z", "2027-10-31T02:00:00Z"],
    ),
    (
        "Europe/Berlin",
        "0 */2 * * *",
        "2027-10-30T22:30:00Z",
        &["2027-10-31T00:00:00Z", "2027-10-31T01:00:00Z", "2027-10-31T03:00:00Z"],
    ),
    // Lord Howe moves by half an hour.
    (
        "Australia/Lord_Howe",
        "15 2 * * *",
        "2026-10-03T00:00:00Z",
        &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
    ),
    (
        "Australia/Lord_Howe",
        "45 1 * * *",
        "2026-04-04T00:00:00Z",
        &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
    ),
    (
        "Australia/Lord_Howe",
        "0 * * * *",
        "2026-10-03T14:00:00Z",
        &["2026-10-03T14:30:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"],
    ),
    // Troll moves by two hours.
    (
        "Antarctica/Troll",
        "0 2 * * *",
        "2026-03-28T12:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"],
    ),
    (
        "Antarctica/Troll",
        "30 1 * * *",
        "2026-10-24T12:00:00Z",
        &["2026-10-24T23:30:00Z", "2026-10-26T01:30:00Z"],
    ),
    // Cairo has no midnight on the day the clock goes forward: a day's run must not be lost.
    ("Africa/Cairo", "@daily", "2026-04-23T12:00:00Z", &["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"]),
    (
        "Africa/Cairo",
        "0 */6 * * *",
        "2026-04-23T15:00:00Z",
        &["2026-04-23T16:00:00Z", "2026-04-23T22:00:00Z", "2026-04-24T03:00:00Z"],
    ),
    // São Paulo had no midnight on 15 October 2017, a Sunday.
    (
        "America/Sao_Paulo",
        "30 0 * * SUN",
        "2017-10-14T12:00:00Z",
        &["2017-10-15T03:00:00Z", "2017-10-22T02:30:00Z"],
    ),
    // Samoa had no 30 December 2011, a Friday.
    (
        "Pacific/Apia",
        "0 6 * * *",
        "2011-12-29T12:00:00Z",
        &["2011-12-29T16:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T16:00:00Z"],
    ),
    (
        "Pacific/Apia",
        "0 6 * * FRI",
        "2011-12-29T12:00:00Z",
        &["2011-12-30T10:00:00Z", "2012-01-05T16:00:00Z"],
    ),
    // The Line Islands had no 31 December 1994.
    (
        "Pacific/Kiritimati",
        "0 0 31 * *",
        "1994-12-30T12:00:00Z",
        &["1994-12-31T10:00:00Z", "1995-01-30T10:00:00Z"],
    ),
    // Either day field may match when both are restricted; `*/2` is no restriction (crontab(5)).
    (
        "UTC",
        "0 0 13 * FRI",
        "2026-11-05T12:00:00Z",
        &["2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"],
    ),
    (
        "UTC",
        "0 0 1 * SUN",
        "2026-11-25T00:00:00Z",
        &["2026-11-29T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-06T00:00:00Z"],
    ),
    (
        "UTC",
        "0 0 */2 * MON",
        "2026-11-01T12:00:00Z",
        &["2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z"],
    ),
    // Weekdays: 0 and 7 are Sunday, 1 is Monday.
    ("UTC", "0 0 * * 0", "2026-11-21T12:00:00Z", &["2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"]),
    ("UTC", "0 0 * * 7", "2026-11-21T12:00:00Z", &["2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"]),
    ("UTC", "0 0 * * 1", "2026-11-21T12:00:00Z", &["2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"]),
    (
        "UTC",
        "0 6 * * sat-sun",
        "2026-11-20T12:00:00Z",
        &["2026-11-21T06:00:00Z", "2026-11-22T06:00:00Z", "2026-11-28T06:00:00Z"],
    ),
    (
        "UTC",
        "0 6 * * 5-7",
        "2026-11-20T12:00:00Z",
        &["2026-11-21T06:00:00Z", "2026-11-22T06:00:00Z", "2026-11-27T06:00:00Z"],
    ),
    ("UTC", "0 0 29 FEB *", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
    (
        "UTC",
        "5/20 0 1 1 *",
        "2026-06-01T00:00:00Z",
        &["2027-01-01T00:05:00Z", "2027-01-01T00:25:00Z", "2027-01-01T00:45:00Z"],
    ),
    ("UTC", "@yearly", "2026-06-01T00:00:00Z", &["2027-01-01T00:00:00Z"]),
    ("UTC", "@monthly", "2026-06-01T00:00:00Z", &["2026-07-01T00:00:00Z"]),
    ("UTC", "@Weekly", "2026-11-21T00:00:00Z", &["2026-11-22T00:00:00Z"]),
    ("UTC", "@hourly", "2026-11-21T00:00:00.5Z", &["2026-11-21T01:00:00Z"]),
];

#[test]
fn ticks_around_known_changes() {
    for (zone, expression, from, expected) in TABLE {
        let found =
            timetable(expression, zone).ticks_between(utc(from), utc("2100-01-01T00:00:00Z"), expected.len());
        assert_eq!(texts(&found), *expected, "{expression} in {zone} after {from}");
    }
}

#[test]
fn the_calendar_ends_with_2100_and_does_not_panic_at_the_ends_of_time() {
    let daily = timetable("@daily", "Europe/Berlin");
    let hourly = timetable("@hourly", "Europe/Berlin");
    for timetable in [&daily, &hourly] {
        assert_eq!(timetable.next_after(utc("2101-06-01T00:00:00Z")), None);
        assert_eq!(timetable.next_after(chrono::DateTime::<chrono::Utc>::MAX_UTC), None);
        assert_eq!(timetable.next_after(chrono::DateTime::<chrono::Utc>::MIN_UTC), None);
        assert!(timetable.next_after(utc("1969-12-31T00:00:00Z")).is_some());
    }
}
