//! A cron text, understood: five fields of crontab(5) over the `cron` crate's calendar.
//!
//! That crate counts seconds and starts the week at 1 = Sunday, wants both day fields to match, and
//! asks chrono about zones. So it is given numbers in its own count, one schedule for each of the two
//! day fields where either may match, and times of a clock that never changes.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::cron_error::{CronError, CronMistake};
use super::field::{self, FIELDS, Field};
use super::nearest::nearest;

const LONGEST: usize = 512;

/// Words for whole expressions (crontab(5), extensions).
const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// How an expression behaves when the clock is changed; see the [module](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Every minute and hour is named.
    Fixed,
    /// The minute or hour field has a `*` or a step, or names every value.
    Interval,
}

/// A schedule as people write it: `0 6 * * MON`, `*/15 9-17 * * MON-FRI`, `@daily`.
///
/// Weekdays are `SUN`–`SAT` or 0–7, where 0 and 7 are Sunday. Where both day fields are restricted
/// (neither begins with `*`), a day matches when either does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronExpression {
    text: String,
    calendar: cron::Schedule,
    or_calendar: Option<cron::Schedule>,
    pace: Pace,
}

impl CronExpression {
    /// Whether it is a fixed time or an interval.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The next wall-clock time that matches, strictly after `face`. Both are seconds since 1970 as
    /// that clock counts them. `None` after the year 2100.
    pub(super) fn next_face(&self, face: i64) -> Option<i64> {
        let after = DateTime::<Utc>::from_timestamp(face, 0)?;
        let next = |calendar: &cron::Schedule| calendar.after(&after).next().map(|next| next.timestamp());
        let other = self.or_calendar.as_ref().and_then(next);
        next(&self.calendar).into_iter().chain(other).min()
    }
}

impl FromStr for CronExpression {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        if text.len() > LONGEST {
            return Err(whole(text, CronMistake::TooLong { bytes: text.len(), longest: LONGEST }));
        }
        if let Some(word) = Some(text.trim()).filter(|word| word.starts_with('@')) {
            let known = MACROS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
            let (name, fields) = known.ok_or_else(|| whole(text, unknown_macro(word)))?;
            return Ok(Self { text: (*name).to_owned(), ..fields.parse()? });
        }
        let parts: Vec<Range<usize>> = words(text).collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else {
            return Err(wrong_count(text, &parts));
        };
        let places = [minute, hour, day, month, weekday];
        let mut fields = Vec::with_capacity(places.len());
        for (kind, place) in FIELDS.iter().zip(places) {
            let field = text.get(place.clone()).unwrap_or_default();
            fields.push(
                field::parse(kind, field).map_err(|mistake| CronError { span: place.clone(), mistake })?,
            );
        }
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(wrong_count(text, &parts));
        };
        let calendar = |days: Option<&Field>, weekdays: Option<&Field>| {
            let fields = [Some(minutes), Some(hours), days, Some(months), weekdays];
            calendar(&fields).map_err(|_| whole(text, CronMistake::NeverFires))
        };
        let either = !days.starred && !weekdays.starred;
        let expression = Self {
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            calendar: calendar(Some(days), if either { None } else { Some(weekdays) })?,
            or_calendar: either.then(|| calendar(None, Some(weekdays))).transpose()?,
            pace: if minutes.paced || hours.paced { Pace::Interval } else { Pace::Fixed },
        };
        // The days of the month are at fault: without them every date exists.
        match expression.next_face(0) {
            Some(_) => Ok(expression),
            None => Err(CronError { span: day.start..month.end, mistake: CronMistake::NeverFires }),
        }
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The `cron` crate's schedule for these fields; a field that is left out matches always.
fn calendar(fields: &[Option<&Field>; 5]) -> Result<cron::Schedule, cron::error::Error> {
    let mut text = "0".to_owned();
    for (kind, field) in FIELDS.iter().zip(fields) {
        // The crate's week is 1 to 7 from Sunday on.
        let shift = u32::from(kind.last == 6);
        let values: Option<Vec<String>> = field
            .and_then(|field| field.values(kind))
            .map(|values| values.map(|value| (value + shift).to_string()).collect());
        text.push(' ');
        text.push_str(&values.map_or_else(|| "*".to_owned(), |values| values.join(",")));
    }
    text.parse()
}

/// Where the words of a text stand.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_whitespace().map(|word| {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        start..start + word.len()
    })
}

fn whole(text: &str, mistake: CronMistake) -> CronError {
    CronError { span: 0..text.len(), mistake }
}

fn unknown_macro(word: &str) -> CronMistake {
    let nearest = nearest(word, MACROS.iter().map(|(name, _)| *name));
    CronMistake::UnknownMacro { given: word.to_owned(), nearest }
}

fn wrong_count(text: &str, parts: &[Range<usize>]) -> CronError {
    let given = parts.len();
    let parsed = |parts: &[Range<usize>]| {
        let words: Vec<&str> = parts.iter().filter_map(|place| text.get(place.clone())).collect();
        let five = words.join(" ");
        (words.len() == 5 && five.parse::<CronExpression>().is_ok()).then_some(five)
    };
    match parts {
        [] => whole(text, CronMistake::Empty),
        [seconds, without @ ..] if given == 6 => {
            let five = parsed(without);
            CronError { span: seconds.clone(), mistake: CronMistake::SecondsOrYears { given, five } }
        }
        [seconds, without @ .., _year] if given == 7 => {
            let five = parsed(without);
            CronError { span: seconds.clone(), mistake: CronMistake::SecondsOrYears { given, five } }
        }
        _ => whole(text, CronMistake::FieldCount { given }),
    }
}
