//! Text of others as Markdown that stays text.

/// A code span around `text` on one line, at most `limit` characters of it.
#[must_use]
pub fn code(text: &str, limit: usize) -> String {
    let mut line: String = text.chars().map(visible).take(limit).collect();
    if text.chars().count() > limit {
        line.push('…');
    }
    let line = line.replace(['\n', '\r', '\t'], " ");
    let ticks = "`".repeat(longest_run(&line) + 1);
    let pad = if line.is_empty() || line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{line}{pad}{ticks}")
}

/// A fenced block around `text`, longer than any fence inside it.
#[must_use]
pub fn fence(text: &str, language: &str) -> String {
    let body: String = text.chars().map(|c| if c == '\n' { c } else { visible(c) }).collect();
    let ticks = "`".repeat(longest_run(&body).max(2) + 1);
    format!("{ticks}{language}\n{}\n{ticks}", body.trim_end_matches('\n'))
}

/// Control, bidirectional and zero-width characters become visible.
fn visible(c: char) -> char {
    match c {
        '\t' | '\n' => c,
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut current) = (0, 0);
    for c in text.chars() {
        current = if c == '`' { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}
