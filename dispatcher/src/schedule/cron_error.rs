//! What can be wrong with a cron text: the mistake, where it stands, and what to write instead.

use std::ops::Range;

/// A text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mistake}")]
pub struct CronError {
    /// The bytes of the text that are wrong: one field, or all of it.
    pub span: Range<usize>,
    /// What is wrong with them.
    pub mistake: CronMistake,
}

/// What is wrong with a cron text. `field` is the field's name, such as `day-of-month`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's fields are what its sentence names")]
pub enum CronMistake {
    /// Nothing was written.
    #[error("the schedule is empty")]
    Empty,
    /// Longer than any schedule needs to be.
    #[error("the schedule has {bytes} bytes; {longest} are allowed")]
    TooLong { bytes: usize, longest: usize },
    /// Less than five fields, or more than seven.
    #[error("the schedule has {given} fields; a schedule has five")]
    FieldCount { given: usize },
    /// Six or seven fields: a dialect with seconds or years.
    #[error("the schedule has {given} fields: this is standard cron, without seconds or years")]
    SecondsOrYears { given: usize, five: Option<String> },
    /// An `@` word that is not known.
    #[error("`{}` is no schedule", given.escape_debug())]
    UnknownMacro { given: String, nearest: Option<&'static str> },
    /// A sign of another dialect.
    #[error("`{}` in {field} is not supported: {dialect} standard cron", given.escape_debug())]
    Dialect { given: String, field: &'static str, dialect: &'static str, instead: &'static str },
    /// A word where only numbers or other words are possible.
    #[error("`{}` is no value for {field}", given.escape_debug())]
    UnknownValue { given: String, field: &'static str, instead: String },
    /// A number outside the field's range.
    #[error("{given} is out of range for {field}, which goes from {first} to {last}")]
    OutOfRange { given: String, field: &'static str, first: u32, last: u32, instead: Option<&'static str> },
    /// A range whose end comes before its start.
    #[error("the range `{given}` in {field} runs backwards")]
    Backwards { given: String, field: &'static str, instead: String },
    /// A step that is no number, zero, or larger than the field.
    #[error("`/{}` is no step for {field}", given.escape_debug())]
    Step { given: String, field: &'static str, largest: u32 },
    /// A comma with nothing on one of its sides.
    #[error("{field} has a comma with nothing beside it")]
    EmptyItem { field: &'static str },
    /// A date that no year has.
    #[error("the schedule never fires: no year has the date it names")]
    NeverFires,
}

impl CronError {
    /// What to do about it, for people.
    #[must_use]
    pub fn remedy(&self) -> String {
        const FIVE: &str = "write minute, hour, day-of-month, month and day-of-week: `0 6 * * MON`";
        match &self.mistake {
            CronMistake::Empty | CronMistake::FieldCount { .. } => FIVE.to_owned(),
            CronMistake::TooLong { .. } => "use ranges and steps, or several schedules".to_owned(),
            CronMistake::SecondsOrYears { five: Some(five), .. } => format!("did you mean `{five}`?"),
            CronMistake::SecondsOrYears { five: None, .. } => {
                format!("a minute is the finest step; {FIVE}")
            }
            CronMistake::UnknownMacro { nearest: Some(word), .. } => format!("did you mean `{word}`?"),
            CronMistake::UnknownMacro { nearest: None, .. } => {
                "there are `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`".to_owned()
            }
            CronMistake::Dialect { instead, .. } => (*instead).to_owned(),
            CronMistake::UnknownValue { instead, .. } | CronMistake::Backwards { instead, .. } => {
                instead.clone()
            }
            CronMistake::OutOfRange { instead: Some(instead), .. } => (*instead).to_owned(),
            CronMistake::OutOfRange { first, last, .. } => format!("write a number from {first} to {last}"),
            CronMistake::Step { largest, .. } => {
                format!("a step is a number from 1 to {largest}, and starts anew when the field does")
            }
            CronMistake::EmptyItem { .. } => "remove the comma".to_owned(),
            CronMistake::NeverFires => "name a day that the month has; `28` is in every month".to_owned(),
        }
    }
}
