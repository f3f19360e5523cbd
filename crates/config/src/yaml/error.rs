//! What is wrong with a text: where, a picture of the line, and what to do about it.

use std::fmt;

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use serde_saphyr::{Error as ParserError, MessageFormatter, UserMessageFormatter};

use super::picture::{printable, shown};
use super::sources::Text;
use super::{Place, place};

/// Stands between what is wrong and what to do about it in a message of ours that passes through
/// the parser's error type, which has room for one text only.
pub(super) const REMEDY: char = '\u{1e}';

/// Ends such a message when the value it is about may not be shown.
pub(super) const COVER: char = '\u{1f}';

/// A fault in a text, with its place. `Display` is one line: `file:line:column: what is wrong`;
/// as a [`Diagnostic`] it comes with the line, a caret and the remedy.
#[derive(Debug, Clone)]
pub struct YamlError {
    name: String,
    message: String,
    help: Option<String>,
    unknown_key: Option<String>,
    numbered: bool,
    position: Option<Position>,
    line_text: OneLine,
}

#[derive(Debug, Clone, Copy)]
struct Position {
    line: usize,
    column: usize,
    at: usize,
    len: usize,
}

impl YamlError {
    pub(super) fn new(text: &Text, place: Option<Place>, message: impl fmt::Display) -> Self {
        let position = place.map(|place| {
            let (at, len) = text.local(place);
            let before = text.text.get(..at).unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let rest = text.text.get(at..).unwrap_or_default();
            let to_line_end = rest.find('\n').unwrap_or(rest.len());
            Position {
                line: before.matches('\n').count() + 1,
                column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
                at,
                len: len.clamp(1, to_line_end.max(1)),
            }
        });
        Self {
            name: printable(&text.name),
            message: printable(&message.to_string()),
            help: None,
            unknown_key: None,
            numbered: text.numbered,
            line_text: OneLine(if position.is_some() { shown(&text.text) } else { String::new() }),
            position,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(printable(&help.to_string()));
        self
    }

    /// Says it in other words, for callers who know more about the key than the parser did.
    #[must_use]
    pub fn reword(mut self, message: impl fmt::Display, help: impl fmt::Display) -> Self {
        self.message = printable(&message.to_string());
        self.with_help(help)
    }

    /// Hides the rest of the line from the picture.
    fn cover(mut self) -> Self {
        if let Some(position) = self.position {
            let (before, after) = self.line_text.0.split_at_checked(position.at).unwrap_or_default();
            let end = after.find('\n').unwrap_or(after.len());
            let (line, rest) = after.split_at_checked(end).unwrap_or_default();
            self.line_text = OneLine(format!("{before}{}{rest}", "*".repeat(line.len())));
        }
        self
    }

    /// On the heap, as results carry it.
    #[must_use]
    pub fn boxed(self) -> Box<Self> {
        Box::new(self)
    }

    /// The name of the text.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.name
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The key that nobody asked for, when that is the fault.
    #[must_use]
    pub fn unknown_key(&self) -> Option<&str> {
        self.unknown_key.as_deref()
    }

    /// The line, counted from 1, where there is one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.position.filter(|_| self.numbered).map(|position| position.line)
    }

    /// The column in characters, counted from 1, where there is one.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.position.filter(|_| self.numbered).map(|position| position.column)
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let (Some(line), Some(column)) = (self.line(), self.column()) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for YamlError {}

impl Diagnostic for YamlError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.position.is_some().then_some(&self.line_text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let position = self.position?;
        let label = LabeledSpan::new_primary_with_span(Some("here".to_owned()), (position.at, position.len));
        Some(Box::new(std::iter::once(label)))
    }
}

/// A text of which a picture shows the line in question alone: its neighbours say nothing about
/// the fault, and may hold what nobody should read.
#[derive(Debug, Clone)]
struct OneLine(String);

impl SourceCode for OneLine {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.0.as_str();
        let (before, rest) = text.split_at_checked(span.offset()).ok_or(MietteError::OutOfBounds)?;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = rest.find('\n').map_or(text.len(), |newline| before.len() + newline);
        let line = text.get(start..end).ok_or(MietteError::OutOfBounds)?;
        let number = before.matches('\n').count();
        let span = SourceSpan::from((start, line.len()));
        Ok(Box::new(MietteSpanContents::new(line.as_bytes(), span, number, 0, 1)))
    }
}

/// Puts the parser's error into our words. None of them repeats a value: it may be a secret that
/// somebody wrote where a reference belongs.
pub(super) fn from_parser(error: &ParserError, text: &Text) -> YamlError {
    let error = error.without_snippet();
    if let ParserError::AliasError { error, .. } = error {
        return from_parser(error, text);
    }
    let place = error.location().and_then(|location| place(location).or_else(|| text.place_of(location)));
    let new = |message: String| YamlError::new(text, place, message);
    match error {
        ParserError::Message { msg, .. } => match (msg.strip_suffix(COVER), msg.split_once(REMEDY)) {
            (Some(covered), Some((wrong, _))) => {
                let remedy = covered.rsplit(REMEDY).next().unwrap_or_default();
                new(wrong.to_owned()).with_help(remedy).cover()
            }
            (_, Some((wrong, remedy))) => new(wrong.to_owned()).with_help(remedy),
            _ => new(msg.clone()),
        },
        ParserError::SerdeUnknownField { field, expected, .. } => YamlError {
            unknown_key: Some(field.clone()),
            ..new(format!("unknown key `{field}`")).with_help(suggestion(field, expected))
        },
        ParserError::SerdeUnknownVariant { variant, expected, .. } => {
            new(format!("`{variant}` is not possible here")).with_help(suggestion(variant, expected))
        }
        ParserError::SerdeMissingField { field, .. } => {
            new(format!("the key `{field}` is missing")).with_help(format!("add `{field}:` here"))
        }
        ParserError::DuplicateMappingKey { key: Some(key), .. } => {
            new(format!("the key `{key}` appears twice")).with_help("keep one of the two")
        }
        ParserError::SerdeInvalidType { unexpected, expected, .. }
        | ParserError::SerdeInvalidValue { unexpected, expected, .. } => {
            new(format!("expected {}, found {}", plain(expected), kind(unexpected)))
        }
        ParserError::InvalidScalar { ty, .. } => new(format!("expected {}", plain(ty))),
        ParserError::Unexpected { expected, .. } => new(format!("expected {}", plain(expected))),
        ParserError::InvalidBooleanStrict { .. } => new("expected `true` or `false`".to_owned())
            .with_help("words like yes, no, on and off are text here"),
        ParserError::MultipleDocuments { .. } => new("a second document starts here".to_owned())
            .with_help("remove the line `---`; one file is one document"),
        ParserError::Budget { .. } => {
            new("the text is nested too deep, or too large once its aliases are expanded".to_owned())
                .with_help("write it flatter, with fewer anchors")
        }
        other => new(UserMessageFormatter.format_message(other).into_owned()),
    }
}

/// The kind alone of serde's `string "value"`, `integer `12``, `map`.
fn kind(unexpected: &str) -> &str {
    match unexpected.split(['"', '`']).next().map(str::trim) {
        Some("string") => "a text",
        Some("map") => "a map",
        Some("sequence") => "a list",
        Some("boolean") => "true or false",
        Some("integer" | "floating point") => "a number",
        Some("unit value" | "null" | "Option value") => "nothing",
        _ => "something else",
    }
}

/// The parser's and serde's words for what they wanted, without a type's name.
fn plain(expected: &str) -> &str {
    match expected.split(' ').next() {
        Some("struct" | "map" | "mapping") => "a map of keys",
        Some("sequence") => "a list",
        Some("string") => "a text",
        Some("u8" | "u16" | "u32" | "u64" | "usize") => {
            "a whole number that is not negative and not too large"
        }
        Some("i8" | "i16" | "i32" | "i64" | "isize") => "a whole number that is not too large",
        Some("a") if expected.starts_with("a nonzero") => "a whole number from 1",
        _ => expected,
    }
}

fn suggestion(given: &str, possible: &[&'static str]) -> String {
    match closest(given, possible.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None if possible.is_empty() => "nothing is possible here".to_owned(),
        None => format!("possible here: {}", possible.join(", ")),
    }
}

/// The word that was probably meant, if one is near.
#[must_use]
pub fn closest<'a>(given: &str, possible: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    possible
        .map(|word| (strsim::damerau_levenshtein(given, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
