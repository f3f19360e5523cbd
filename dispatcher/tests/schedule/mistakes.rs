//! Texts that are no schedule: what is wrong, where, and what to write instead.

use std::fmt::Write as _;

use dispatcher::schedule::{CronExpression, Zone};
use proptest::prelude::*;

const MISTAKES: &[&str] = &[
    "",
    "0 6 *",
    "0 0 6 * * MON",
    "0 0 6 * * MON 2027",
    "*/10 0 6 * * FOO",
    "0 6 * * MON#2",
    "0 6 L * *",
    "0 6 * * FRIL",
    "0 6 15W * *",
    "0 6 ? * MON",
    "H 6 * * *",
    "0~30 6 * * *",
    "60 6 * * *",
    "0 24 * * *",
    "0 6 0 * *",
    "0 6 * 13 *",
    "0 6 * * 8",
    "0 6 * * Monday",
    "0 6 MON * *",
    "0 6 * * MUN",
    "0 22-2 * * *",
    "0 6 * NOV-FEB *",
    "*/0 * * * *",
    "*/90 * * * *",
    "*/x * * * *",
    "0, 6 * * *",
    "0 6- * * *",
    "-1 6 * * *",
    "0 6 31 2 *",
    "0 0 30,31 FEB *",
    "0 0 31 4,6,9,11 *",
    "@daly",
    "@reboot",
    "0 ６ * * *",
    "0 6 * * MON\u{0}",
    "99999999999999999999 6 * * *",
];

#[test]
fn each_mistake_names_its_place_and_its_remedy() {
    let mut table = String::new();
    for text in MISTAKES {
        let error = text.parse::<CronExpression>().unwrap_err();
        let place = text.get(error.span.clone()).unwrap();
        writeln!(table, "{text:?}\n  at   {place:?}\n  is   {error}\n  help {}", error.remedy()).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_people_write_is_accepted() {
    for text in [
        "* * * * *",
        "  0   6 * *\tMON ",
        "00 06 01 01 0",
        "*/15 9-17 * * MON-FRI",
        "0 0 1,15 * MON",
        "0-59/5 0 1-31 JAN-DEC 0-7",
        "0 0 * * fri-SUN",
        "20/15 * * * *",
        "0 0 31 2 MON",
        "0 0 29 2 *",
        "59 23 31 12 7",
        "@midnight",
        " @annually ",
    ] {
        text.parse::<CronExpression>().unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let expression: CronExpression = "  0   6 * *\tMON ".parse().unwrap();
    assert_eq!(expression.to_string(), "0 6 * * MON");
}

#[test]
fn a_zone_that_is_not_known_is_suggested() {
    for (given, meant) in [
        ("Europe/Berln", Some("Europe/Berlin")),
        ("Europe/berlin ", Some("Europe/Berlin")),
        ("Berlin", Some("Europe/Berlin")),
        ("America/New York", Some("America/New_York")),
        ("Amercia/New_York", Some("America/New_York")),
        ("Asia/Calcuta", Some("Asia/Calcutta")),
        ("CEST", None),
        ("+02:00", None),
        ("UTC+2", None),
        ("Etc/Unknown", None),
        ("Factory", None),
        ("", None),
        ("../../etc/passwd", None),
    ] {
        let error = given.parse::<Zone>().unwrap_err();
        if let Some(meant) = meant {
            assert_eq!(error.nearest.as_deref(), Some(meant), "{given}");
            assert_eq!(error.remedy(), format!("did you mean `{meant}`?"));
        }
        assert_eq!(error.to_string(), format!("there is no time zone `{given}`"));
    }
    assert_eq!("europe/BERLIN".parse::<Zone>().unwrap().name(), "Europe/Berlin");
    assert_eq!(Zone::default().name(), "UTC");
    assert!("x".repeat(1 << 20).parse::<Zone>().is_err());
}

proptest! {
    #[test]
    fn no_text_panics_and_spans_lie_within(text in "[ 0-9*,/#?LWMONFEB@\\-é]{0,24}|\\PC{0,40}") {
        if let Err(error) = text.parse::<CronExpression>() {
            prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error);
            prop_assert!(!error.remedy().is_empty());
        }
        drop(text.parse::<Zone>());
    }
}
