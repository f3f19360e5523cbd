//! The bundled database is as current and as regular as the rules of this module need.

use jiff::Timestamp;

use super::support::{offset_at, timetable, utc, zone_names, zone_rules};

#[test]
fn no_change_follows_another_within_the_width_of_a_gap() {
    let names = zone_names();
    assert!(names.len() > 500, "{}", names.len());
    for name in &names {
        let rules = zone_rules(name);
        let from: Timestamp = "1970-01-01T00:00:00Z".parse().unwrap();
        let until: Timestamp = "2101-01-01T00:00:00Z".parse().unwrap();
        let mut previous: Option<(i64, i64)> = None;
        for change in rules.following(from).take_while(|change| change.timestamp() < until) {
            let at = change.timestamp().as_second();
            let width = i64::from(change.offset().seconds()) - offset_at(&rules, at - 1);
            if let Some((before, width)) = previous {
                assert!(at - before > 2 * width.abs(), "{name} at {}", change.timestamp());
            }
            previous = Some((at, width));
        }
    }
}

#[test]
fn laws_of_2026_are_known() {
    // British Columbia stays on daylight time from November 2026 on.
    let noon = timetable("0 12 * * *", "America/Vancouver");
    assert_eq!(noon.next_after(utc("2027-01-10T00:00:00Z")).unwrap().time(), utc("2027-01-10T19:00:00Z"));
}
