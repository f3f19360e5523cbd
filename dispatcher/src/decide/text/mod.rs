//! What a comment says in its writer's own words: commands and mentions outside quotes and code.

mod jira;
mod markdown;

use std::ops::Range;

use schemas::event::SourceKind;

/// A line that begins with a word like `/agent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The word, with its slash: `/agent`.
    pub word: String,
    /// What follows it on the line; somebody outside wrote it.
    pub rest: String,
}

/// The command lines of a text, in order.
#[must_use]
pub fn commands(source: SourceKind, text: &str) -> Vec<CommandLine> {
    let mut found = Vec::new();
    for range in own_words(source, text) {
        let mut start = range.start;
        for line in text.get(range).unwrap_or_default().split_inclusive(['\n', '\r']) {
            if alone_before(text, start) {
                found.extend(command(text.get(start..).unwrap_or_default()));
            }
            start += line.len();
        }
    }
    found
}

/// Whether a text mentions a name like `@pullwright`, in any case of letters.
#[must_use]
pub fn mentions(source: SourceKind, text: &str, name: &str) -> bool {
    // Only ASCII letters change, so that places stay what they are.
    let (lower, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let part_of_a_name = |c: char| c.is_alphanumeric() || "_-/@\\".contains(c);
    let alone = |at: usize| {
        let before = lower.get(..at).and_then(|text| text.chars().next_back());
        let mut after = lower.get(at + name.len()..).unwrap_or_default().chars();
        // A full stop ends a sentence, unless the name goes on behind it.
        let next = after.next();
        let next = if next == Some('.') { after.next() } else { next };
        !before.is_some_and(|c| part_of_a_name(c) || c == '.') && !next.is_some_and(part_of_a_name)
    };
    !name.is_empty()
        && own_words(source, text).into_iter().any(|range| {
            let places = lower.match_indices(&name).map(|(at, _)| at);
            places.filter(|at| range.contains(at)).any(alone)
        })
}

/// The parts of a text that its writer says himself.
pub(crate) fn own_words(source: SourceKind, text: &str) -> Vec<Range<usize>> {
    match source {
        SourceKind::Jira => jira::own_words(text),
        _ => markdown::own_words(text),
    }
}

/// Whether nothing but space stands before `at` on its line.
fn alone_before(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
    line.chars().all(|c| c == ' ' || c == '\t')
}

fn command(from: &str) -> Option<CommandLine> {
    let line = from.split(['\n', '\r']).next()?.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let word = word.trim_end_matches([',', ':', '.', '!']);
    let named = word.strip_prefix('/')?.starts_with(|c: char| c.is_alphanumeric());
    named.then(|| CommandLine { word: word.to_owned(), rest: rest.trim().to_owned() })
}
