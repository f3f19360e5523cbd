//! What ticks there are, told by walking every minute and reading the clock on the wall.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

use super::support::offset_at;

/// One field of an expression, with the values it stands for known by construction.
#[derive(Debug, Clone)]
pub struct Written {
    pub text: String,
    pub values: BTreeSet<u32>,
}

/// An expression whose meaning is known without reading its text.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub fields: [Written; 5],
}

impl Pattern {
    pub fn text(&self) -> String {
        self.fields.iter().map(|field| field.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub fn is_interval(&self) -> bool {
        let [minute, hour, ..] = &self.fields;
        let paced = |field: &Written, all| field.text.contains(['*', '/']) || field.values.len() == all;
        paced(minute, 60) || paced(hour, 24)
    }

    /// Whether a clock that shows `face` (seconds since 1970 on that clock) shows a match.
    pub fn matches(&self, face: i64) -> bool {
        let [minute, hour, day, month, weekday] = &self.fields;
        let shown: DateTime = Offset::UTC.to_datetime(Timestamp::from_second(face).unwrap());
        let number = |value: i8| u32::try_from(value).unwrap();
        let on_day = day.values.contains(&number(shown.day()));
        let on_weekday = weekday.values.contains(&number(shown.weekday().to_sunday_zero_offset()));
        let today = if day.text.starts_with('*') || weekday.text.starts_with('*') {
            on_day && on_weekday
        } else {
            on_day || on_weekday
        };
        today
            && minute.values.contains(&number(shown.minute()))
            && hour.values.contains(&number(shown.hour()))
            && month.values.contains(&number(shown.month()))
    }
}

/// Every tick after `from` up to `to`, in seconds since 1970.
///
/// A fixed time fires when the clock first shows it or first shows something beyond it. An interval
/// fires when the clock shows a match, and for as long as a gap is wide, when the old clock would.
pub fn ticks(pattern: &Pattern, zone: &TimeZone, from: i64, to: i64) -> Vec<i64> {
    let interval = pattern.is_interval();
    let start = (from - 90_000).div_euclid(60) * 60;
    let mut offset = offset_at(zone, start);
    let mut furthest = start + offset;
    let mut old_clock: Option<(i64, i64)> = None;
    let mut ticks = Vec::new();
    for now in (start..=to).step_by(60) {
        let here = offset_at(zone, now);
        if here > offset {
            old_clock = Some((offset, now + here - offset));
        }
        offset = here;
        let face = now + here;
        let fires = if interval {
            pattern.matches(face)
                || old_clock.is_some_and(|(old, until)| now < until && pattern.matches(now + old))
        } else {
            (furthest + 60..=face).step_by(60).any(|face| pattern.matches(face))
        };
        furthest = furthest.max(face);
        if fires && now > from {
            ticks.push(now);
        }
    }
    ticks
}

const MONTHS: [&str; 12] =
    ["JAN", "feb", "Mar", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "mon", "Tue", "WED", "THU", "FRI", "SAT"];

fn name(value: u32, first: u32, names: &[&str]) -> String {
    let index = usize::try_from(value - first).unwrap();
    names.get(index).map_or_else(|| value.to_string(), |name| (*name).to_owned())
}

/// Any way to write a field with values from `first` to `last`.
fn written(first: u32, last: u32, names: &'static [&'static str]) -> impl Strategy<Value = Written> {
    let one = first..=last;
    let star = Just(Written { text: "*".to_owned(), values: (first..=last).collect() });
    let step = (1..=last).prop_map(move |step| Written {
        text: format!("*/{step}"),
        values: (first..=last).step_by(step as usize).collect(),
    });
    let from = (one.clone(), 1..=last).prop_map(move |(start, step)| Written {
        text: format!("{start}/{step}"),
        values: (start..=last).step_by(step as usize).collect(),
    });
    let range = (one.clone(), one.clone(), prop::option::of(1..=last)).prop_map(move |(a, b, step)| {
        let (a, b) = (a.min(b), a.max(b));
        let range = format!("{}-{}", name(a, first, names), name(b, first, names));
        let text = step.map_or_else(|| range.clone(), |step| format!("{range}/{step}"));
        Written { text, values: (a..=b).step_by(step.unwrap_or(1) as usize).collect() }
    });
    let list = prop::collection::vec(one, 1..4).prop_map(move |values| Written {
        text: values.iter().map(|value| name(*value, first, names)).collect::<Vec<_>>().join(","),
        values: values.into_iter().collect(),
    });
    prop_oneof![3 => star, 2 => step, 1 => from, 2 => range, 5 => list]
}

/// Patterns that fire often enough to meet a change of the clock.
pub fn patterns() -> impl Strategy<Value = Pattern> {
    let all = |first, last| Just(Written { text: "*".to_owned(), values: (first..=last).collect() });
    let hours = prop_oneof![2 => written(0, 23, &[]), 3 => written(0, 3, &[]).prop_filter("exact", |hours| {
        !hours.text.contains(['*', '/'])
    })];
    (
        written(0, 59, &[]),
        hours,
        prop_oneof![3 => all(1, 31).boxed(), 1 => written(1, 31, &[]).boxed()],
        prop_oneof![5 => all(1, 12).boxed(), 1 => written(1, 12, &MONTHS).boxed()],
        prop_oneof![3 => all(0, 6).boxed(), 1 => written(0, 6, &DAYS).boxed()],
    )
        .prop_map(|(minute, hour, day, month, weekday)| Pattern {
            fields: [minute, hour, day, month, weekday],
        })
}
