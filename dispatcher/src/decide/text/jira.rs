//! Jira's wiki markup.

use std::ops::Range;

/// Where a part begins that is no word of the writer's own, and where it ends.
const MACROS: [(&str, &str); 4] =
    [("{code", "{code}"), ("{noformat", "{noformat}"), ("{quote", "{quote}"), ("{{", "}}")];

/// The parts that are in no quote and no code, line by line.
pub(super) fn own_words(text: &str) -> Vec<Range<usize>> {
    let mut own = Vec::new();
    let mut start = 0;
    while let Some((at, opening, closing)) = next_macro(text, start) {
        lines(text, start..at, &mut own);
        let inside = at + opening;
        // What is never closed is shown as it is opened: to the end.
        let closed = text.get(inside..).and_then(|rest| rest.find(closing));
        start = closed.map_or(text.len(), |length| inside + length + closing.len());
    }
    lines(text, start..text.len(), &mut own);
    own
}

/// The next opening from `start` on, its length, and what closes it.
fn next_macro(text: &str, start: usize) -> Option<(usize, usize, &'static str)> {
    let rest = text.get(start..)?;
    rest.match_indices('{').find_map(|(at, _)| {
        let from = rest.get(at..)?;
        MACROS.iter().find_map(|(opening, closing)| {
            let after = from.strip_prefix(opening)?;
            let length = match *opening {
                "{{" => opening.len(),
                _ if after.starts_with('}') => closing.len(),
                _ => opening.len() + after.strip_prefix(':')?.find('}')? + 2,
            };
            Some((start + at, length, *closing))
        })
    })
}

/// Adds the lines of a part but those that quote: `bq. …`, and `> …` from mails.
fn lines(text: &str, part: Range<usize>, own: &mut Vec<Range<usize>>) {
    let mut start = part.start;
    for line in text.get(part).unwrap_or_default().split_inclusive(['\n', '\r']) {
        let words = line.trim_start();
        if !words.starts_with("bq.") && !words.starts_with('>') {
            own.push(start..start + line.len());
        }
        start += line.len();
    }
}
