//! GitLab carries out lines such as `/merge` in notes and descriptions, as the one who wrote them.
//! What we write quotes others, so no line of ours may be one.
//!
//! After `lib/gitlab/quick_actions/extractor.rb` of GitLab: carriage returns are dropped first, and
//! a command begins at the very start of a line.

/// The text with a space before each line that could be a command. Markdown does not show it.
pub(super) fn defused(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let line = line.replace('\r', "");
        if line.starts_with('/') { format!(" {line}") } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_begins_a_command() {
        for (text, expected) in [
            ("/merge", " /merge"),
            ("done\n/close\n", "done\n /close\n"),
            ("done\n\r/close", "done\n /close"),
            ("\r\r/close", " /close"),
            ("a/b\n  /indented", "a/b\n  /indented"),
            ("one\r\ntwo", "one\ntwo"),
            ("", ""),
        ] {
            assert_eq!(defused(text), expected, "{text:?}");
        }
    }
}
