//! The next times, as `pullwright schedules` shows them.

use super::support::{timetable, utc};

#[test]
fn the_next_five_times_in_the_zone_and_in_utc() {
    let shown = |expression, zone, from| {
        let rows = timetable(expression, zone).upcoming(utc(from), 5);
        rows.iter().map(|row| format!("{} = {}", row.local, row.utc)).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown("30 2 * * *", "Europe/Berlin", "2027-10-29T12:00:00Z"), @"
    Sat 2027-10-30 02:30 CEST = Sat 2027-10-30 00:30 UTC
    Sun 2027-10-31 02:30 CEST = Sun 2027-10-31 00:30 UTC
    Mon 2027-11-01 02:30 CET = Mon 2027-11-01 01:30 UTC
    Tue 2027-11-02 02:30 CET = Tue 2027-11-02 01:30 UTC
    Wed 2027-11-03 02:30 CET = Wed 2027-11-03 01:30 UTC
    ");
    insta::assert_snapshot!(shown("0 6 * * MON", "Asia/Kathmandu", "2027-10-29T12:00:00Z"), @"
    Mon 2027-11-01 06:00 +0545 = Mon 2027-11-01 00:15 UTC
    Mon 2027-11-08 06:00 +0545 = Mon 2027-11-08 00:15 UTC
    Mon 2027-11-15 06:00 +0545 = Mon 2027-11-15 00:15 UTC
    Mon 2027-11-22 06:00 +0545 = Mon 2027-11-22 00:15 UTC
    Mon 2027-11-29 06:00 +0545 = Mon 2027-11-29 00:15 UTC
    ");
    let last = timetable("0 0 1 1 *", "UTC").upcoming(utc("2099-06-01T00:00:00Z"), 5);
    assert_eq!(last.len(), 1, "the calendar ends");
}

#[test]
fn a_timetable_is_recognised_by_its_text() {
    assert_eq!(timetable(" 0  6 * * MON", "europe/berlin").to_string(), "0 6 * * MON Europe/Berlin");
    assert_eq!(timetable("@Daily", "UTC").to_string(), "@daily UTC");
}
