//! Several texts that one value is read from: a file, and the variables that override parts of it.

use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_saphyr::Location;

use super::error::{YamlError, from_parser};
use super::{LARGEST, Place};

/// The texts that were parsed. They share one space of offsets, one after the other, so that a
/// [`Place`] alone says which text it is in, also after values of several were merged.
#[derive(Clone, Default)]
pub struct Sources {
    texts: Vec<Text>,
}

#[derive(Clone)]
pub(super) struct Text {
    pub(super) name: String,
    pub(super) text: String,
    start: usize,
    /// Whether a person who opens it sees these lines.
    pub(super) numbered: bool,
}

impl Text {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The place within this text, clamped to it.
    pub(super) fn local(&self, place: Place) -> (usize, usize) {
        let at = place.start.saturating_sub(self.start).min(self.text.len());
        (at, place.len.min(self.text.len() - at))
    }

    /// The place of a line and column that the parser gave for the padded text.
    pub(super) fn place_of(&self, location: Location) -> Option<Place> {
        let line = usize::try_from(location.line()).ok()?.checked_sub(1 + self.start)?;
        let column = usize::try_from(location.column()).ok()?.saturating_sub(1);
        let line_start: usize = self.text.split_inclusive('\n').take(line).map(str::len).sum();
        let into_line: usize = self.text.get(line_start..)?.chars().take(column).map(char::len_utf8).sum();
        Some(Place { start: self.start + line_start + into_line, len: 1 })
    }
}

impl Sources {
    /// Parses one more text.
    ///
    /// # Errors
    /// When it is no YAML, not what `T` asks for, or larger than [`LARGEST`].
    pub fn parse<T: DeserializeOwned>(&mut self, name: &str, text: &str) -> Result<T, Box<YamlError>> {
        self.add(name, text, true)
    }

    /// Parses the value of the variable `name` as if it stood under `keys` in a file of its own.
    ///
    /// # Errors
    /// As [`Sources::parse`]; the error names the variable and no line.
    pub fn parse_variable<T: DeserializeOwned>(
        &mut self,
        name: &str,
        keys: &[&str],
        value: &str,
    ) -> Result<T, Box<YamlError>> {
        let is_key = |key: &&str| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        };
        let alone = Text { name: name.to_owned(), text: String::new(), start: 0, numbered: false };
        if !keys.iter().all(is_key) {
            let help = "write PULLWRIGHT__ and the keys, with `__` between them";
            return Err(YamlError::new(&alone, None, "this variable names no key").with_help(help).boxed());
        }
        // A second line could set keys that the variable's name does not show.
        if value.contains(['\n', '\r']) {
            let help = "write lists and maps on one line: `[a, b]`, `{ a: 1 }`";
            return Err(YamlError::new(&alone, None, "the value has more than one line")
                .with_help(help)
                .boxed());
        }
        let nested = keys.iter().enumerate().map(|(depth, key)| format!("{:1$}{key}:", "", depth * 2));
        let text = format!("{} {value}", nested.collect::<Vec<_>>().join("\n"));
        self.add(name, &text, false)
    }

    fn add<T: DeserializeOwned>(
        &mut self,
        name: &str,
        text: &str,
        numbered: bool,
    ) -> Result<T, Box<YamlError>> {
        // One byte apart, so that the end of one text is not the start of the next.
        let start = self.texts.last().map_or(0, |last| last.end() + 1);
        let entry = Text { name: name.to_owned(), text: text.to_owned(), start, numbered };
        if text.len() > LARGEST {
            let shown = Text { text: String::new(), ..entry };
            return Err(YamlError::new(&shown, None, "the text is larger than 1 MiB")
                .with_help("split it, or move what is no configuration elsewhere")
                .boxed());
        }
        // Blank lines in front move the parser's offsets to this text's part of the space.
        let padded = format!("{}{text}", "\n".repeat(start));
        let result = serde_saphyr::from_str_with_options(&padded, options());
        let result = result.map_err(|error| from_parser(&error, &entry).boxed());
        self.texts.push(entry);
        result
    }

    /// Where a part of a value stands that was written at `place`, in quotes, folded or as it is.
    #[must_use]
    pub fn inside(&self, place: Place, value: &str, part: Range<usize>) -> Place {
        let Some(text) = self.text_at(place) else { return place };
        let (at, _) = text.local(place);
        // What was written holds the value's letters in their order, with quotes and indentation between.
        let mut written = text.text.get(at..).unwrap_or_default().char_indices();
        let mut find = |wanted: char| {
            let same = |c: char| c == wanted || (wanted.is_whitespace() && matches!(c, '\n' | '\\'));
            written.by_ref().find(|(_, c)| same(*c)).map(|(offset, _)| offset)
        };
        let mut found = None;
        for (offset, c) in value.char_indices() {
            let Some(here) = find(c) else { return place };
            if offset >= part.start {
                found = Some((here, value.len().min(part.end).saturating_sub(part.start)));
                break;
            }
        }
        found.map_or(place, |(here, len)| Place { start: text.start + at + here, len })
    }

    fn text_at(&self, place: Place) -> Option<&Text> {
        self.texts.iter().find(|text| (text.start..=text.end()).contains(&place.start))
    }

    /// An error about a value that was parsed, found after parsing.
    #[must_use]
    pub fn error_at(&self, place: Option<Place>, message: impl fmt::Display) -> YamlError {
        match place.and_then(|place| self.text_at(place)).or(self.texts.first()) {
            Some(text) => YamlError::new(text, place, message),
            None => YamlError::new(
                &Text { name: String::new(), text: String::new(), start: 0, numbered: false },
                None,
                message,
            ),
        }
    }
}

/// Names only: a text may hold what nobody should read in a log.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.texts.iter().map(|text| &text.name)).finish()
    }
}

fn options() -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! { max_documents: 2, max_depth: 48, max_aliases: 1_000 };
    serde_saphyr::options! { strict_booleans: true, with_snippet: false, budget: budget }
}
