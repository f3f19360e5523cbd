//! One field of a cron text, such as `MON-FRI` or `*/15`: which values it names.

use super::cron_error::CronMistake;

/// What a field may hold.
#[derive(Debug)]
pub(super) struct FieldKind {
    /// The field's name, for people.
    pub name: &'static str,
    /// The smallest value.
    pub first: u32,
    /// The largest value.
    pub last: u32,
    /// Names of the values from `first` on.
    names: &'static [&'static str],
}

/// The five fields in the order they are written.
pub(super) const FIELDS: [FieldKind; 5] = [
    FieldKind { name: "minute", first: 0, last: 59, names: &[] },
    FieldKind { name: "hour", first: 0, last: 23, names: &[] },
    FieldKind { name: "day-of-month", first: 1, last: 31, names: &[] },
    FieldKind {
        name: "month",
        first: 1,
        last: 12,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    },
    FieldKind {
        name: "day-of-week",
        first: 0,
        last: 6,
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    },
];

/// What a field says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// One bit for each value.
    values: u64,
    /// Whether it begins with `*`, which for the two day fields means "not restricted" (crontab(5)).
    pub starred: bool,
    /// Whether it has a `*` or a step, or names every value: the mark of an interval.
    pub paced: bool,
}

impl Field {
    /// The field's values; `None` when it names all of them.
    pub fn values(self, kind: &FieldKind) -> Option<impl Iterator<Item = u32>> {
        let all = (kind.first..=kind.last).all(|value| self.values & bit(value) != 0);
        (!all).then(|| (kind.first..=kind.last).filter(move |value| self.values & bit(*value) != 0))
    }
}

fn bit(value: u32) -> u64 {
    1u64.checked_shl(value).unwrap_or(0)
}

/// Reads a comma-separated list of values, ranges and steps.
pub(super) fn parse(kind: &FieldKind, text: &str) -> Result<Field, CronMistake> {
    let mut values = 0;
    for item in text.split(',') {
        values |= parse_item(kind, item)?;
    }
    if values & bit(7) != 0 && kind.last == 6 {
        values |= bit(0); // 7 is Sunday too
    }
    let field = Field { values, starred: text.starts_with('*'), paced: text.contains(['*', '/']) };
    Ok(Field { paced: field.paced || field.values(kind).is_none(), ..field })
}

fn parse_item(kind: &FieldKind, item: &str) -> Result<u64, CronMistake> {
    if item.is_empty() {
        return Err(CronMistake::EmptyItem { field: kind.name });
    }
    if let Some(mistake) = other_dialect(kind, item) {
        return Err(mistake);
    }
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let (start, end) = match range.split_once('-') {
        _ if range == "*" => (kind.first, kind.last),
        Some((start, end)) => ends(kind, range, value(kind, start, item)?, value(kind, end, item)?)?,
        // `5/15` means "from 5 on, every 15", as in GitHub's workflows.
        None if step.is_some() => (value(kind, range, item)?, kind.last.max(value(kind, range, item)?)),
        None => (value(kind, range, item)?, value(kind, range, item)?),
    };
    let step = step.map_or(Ok(1), |step| parse_step(kind, step))?;
    Ok((start..=end).step_by(step).fold(0, |values, value| values | bit(value)))
}

/// Orders a range's ends; as an end, Sunday is the last day of the week.
fn ends(kind: &FieldKind, range: &str, start: u32, end: u32) -> Result<(u32, u32), CronMistake> {
    let sunday_last = kind.last == 6 && end == 0 && start > 0;
    let end = if sunday_last { 7 } else { end };
    if start <= end {
        return Ok((start, end));
    }
    let instead = format!("write `{start}-{},{}-{end}`", kind.last, kind.first);
    Err(CronMistake::Backwards { given: range.to_owned(), field: kind.name, instead })
}

fn parse_step(kind: &FieldKind, text: &str) -> Result<usize, CronMistake> {
    number(text)
        .filter(|step| (1..=kind.last).contains(step))
        .and_then(|step| usize::try_from(step).ok())
        .ok_or_else(|| CronMistake::Step { given: text.to_owned(), field: kind.name, largest: kind.last })
}

/// Reads one value; `item` is what is shown where there is nothing to read.
fn value(kind: &FieldKind, text: &str, item: &str) -> Result<u32, CronMistake> {
    if let Some(value) = named(kind, text) {
        return Ok(value);
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CronMistake::UnknownValue {
            given: if text.is_empty() { item } else { text }.to_owned(),
            field: kind.name,
            instead: instead_of(kind, text),
        });
    }
    let sunday = u32::from(kind.last == 6);
    let in_range = |value: &u32| (kind.first..=kind.last + sunday).contains(value);
    number(text).filter(in_range).ok_or_else(|| CronMistake::OutOfRange {
        given: text.to_owned(),
        field: kind.name,
        first: kind.first,
        last: kind.last + sunday,
        instead: match (kind.name, text) {
            ("hour", "24") => Some("midnight is hour 0 of the next day"),
            ("minute", "60") => Some("the full hour is minute 0"),
            _ => None,
        },
    })
}

fn named(kind: &FieldKind, text: &str) -> Option<u32> {
    (kind.first..).zip(kind.names).find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(value, _)| value)
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn instead_of(kind: &FieldKind, text: &str) -> String {
    let head = text.get(..3).unwrap_or(text);
    if let Some(value) = named(kind, head) {
        let name = (kind.first..).zip(kind.names).find(|(number, _)| *number == value);
        return name.map_or_else(String::new, |(_, name)| format!("did you mean `{name}`?"));
    }
    match FIELDS.iter().find(|other| named(other, head).is_some()) {
        Some(other) => format!("`{head}` belongs into {}; the order is `0 6 1 JAN MON`", other.name),
        None if kind.names.is_empty() => format!("write numbers from {} to {}", kind.first, kind.last),
        None => format!("there are {}", kind.names.join(", ")),
    }
}

/// Signs that other programs know and standard cron does not.
fn other_dialect(kind: &FieldKind, item: &str) -> Option<CronMistake> {
    let upper = item.to_ascii_uppercase();
    let is_value = |text: &str| text.is_empty() || number(text).is_some() || named(kind, text).is_some();
    let last = |text: &str| text.strip_suffix('L').is_some_and(is_value);
    let (dialect, instead) = if upper.contains('#') {
        (
            "the n-th weekday of a month is not",
            "name the weekday alone and let the run look at the date, or name a day of the month",
        )
    } else if upper.contains('?') {
        ("`?` is not", "write `*`")
    } else if upper.contains('~') || upper == "H" || upper.starts_with("H/") || upper.starts_with("H(") {
        ("a time chosen at random is not", "write a number; `jitter` spreads runs")
    } else if upper.strip_suffix('W').is_some_and(|day| number(day).is_some() || day == "L") {
        ("the nearest working day is not", "write `MON-FRI` as day-of-week, or a plain day")
    } else if last(&upper) || upper.starts_with("L-") {
        ("the last day is not", "write `28`, which every month has, or `1` of the next month")
    } else {
        return None;
    };
    Some(CronMistake::Dialect { given: item.to_owned(), field: kind.name, dialect, instead })
}
