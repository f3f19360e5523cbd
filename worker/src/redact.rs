//! Masks secrets in what commands print: the worker's own values in their usual encodings, and
//! well-known shapes of tokens.
//!
//! A mask is a net, not a wall: the sandbox holds no secret in the first place, and a command that
//! wants to can always write one in a way that no pattern knows.

mod encodings;
mod shapes;

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;
use secrecy::SecretString;

/// What stands where a secret was.
const MASK: &str = "[redacted]";
/// A line this long is a part of a longer one, cut by the sandbox at 16 KiB.
const CUT_LINE: usize = (16 << 10) - 4;
/// How much of a cut line is kept until its next part is there.
const HELD: usize = 2 << 10;
/// A match that reaches further back than this is given up on.
const HELD_AT_MOST: usize = 64 << 10;

/// The patterns cannot be searched for.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// A shape of ours is wrong.
    #[error("a token pattern is not a regular expression")]
    Shape(#[from] regex::Error),
    /// There are too many secrets, or they are too long.
    #[error("the secrets cannot be searched for")]
    Values(#[from] aho_corasick::BuildError),
}

/// Knows what to mask.
#[derive(Debug)]
pub(crate) struct Redactor {
    values: AhoCorasick,
    shapes: Regex,
}

impl Redactor {
    /// Masks `secrets` and the well-known shapes.
    pub(crate) fn new(secrets: &[SecretString]) -> Result<Self, RedactError> {
        let needles: Vec<String> = secrets.iter().flat_map(encodings::of).collect();
        let values = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(needles)?;
        Ok(Self { values, shapes: Regex::new(&shapes::pattern())? })
    }

    /// A mask for the lines of one stream, in order.
    pub(crate) fn lines(&self) -> LineMask<'_> {
        LineMask { redactor: self, held: String::new(), in_private_key: false }
    }

    /// Where secrets are, in order and without overlaps.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let values = self.values.find_iter(text).map(|found| found.range());
        let mut found: Vec<_> =
            values.chain(self.shapes.find_iter(text).map(|found| found.range())).collect();
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }
}

/// Masks one stream line by line.
#[derive(Debug)]
pub(crate) struct LineMask<'a> {
    redactor: &'a Redactor,
    held: String,
    in_private_key: bool,
}

impl LineMask<'_> {
    /// Takes a line and returns what may be shown: of a line that goes on, all but its end.
    pub(crate) fn push(&mut self, line: &str) -> String {
        let text = std::mem::take(&mut self.held) + line;
        if line.len() < CUT_LINE || text.len() > HELD_AT_MOST {
            return self.mask(&text);
        }
        let mut cut = text.len().saturating_sub(HELD);
        if let Some(across) =
            self.redactor.find(&text).iter().find(|found| found.start < cut && cut < found.end)
        {
            cut = across.start;
        }
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let (shown, held) = text.split_at(cut);
        self.held = held.to_owned();
        self.mask(shown)
    }

    /// What is still held when the stream ends.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let held = std::mem::take(&mut self.held);
        (!held.is_empty()).then(|| self.mask(&held))
    }

    /// Masks a whole line; its end, if it has one, stays.
    pub(crate) fn mask(&mut self, line: &str) -> String {
        if line.contains("-----END ") || line.len() > shapes::KEY_LINE {
            self.in_private_key = false;
        } else if self.in_private_key && !line.trim().is_empty() {
            return masked_line(line);
        }
        if shapes::begins_private_key(line) {
            self.in_private_key = true;
            return masked_line(line);
        }
        let mut masked = String::with_capacity(line.len());
        let mut end = 0;
        for found in self.redactor.find(line) {
            masked.push_str(line.get(end..found.start).unwrap_or_default());
            masked.push_str(MASK);
            end = found.end;
        }
        masked.push_str(line.get(end..).unwrap_or_default());
        masked
    }
}

fn masked_line(line: &str) -> String {
    if line.ends_with('\n') { format!("{MASK}\n") } else { MASK.to_owned() }
}
