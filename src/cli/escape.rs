//! Texts that others wrote, made safe for a terminal: they must not move the cursor, change its
//! title, hide themselves or look like lines of ours.

/// Whether a terminal might act on it, or show a line in another order than it is.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line, with what a terminal might act on written out.
pub(super) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// A line of a command's output: colours are left out, tabs stay, the rest as in [`line()`].
pub(super) fn log_line(text: &str) -> String {
    without_colours(text).split('\t').map(line).collect::<Vec<_>>().join("\t")
}

/// JSON that is shown as it is. Unsafe characters can stand only inside its strings, where an
/// escape means the same.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) && !matches!(c, '\n' | '\r' | '\t') {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// A text as a value of a query (RFC 3986, section 3.4).
pub(super) fn query(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Takes out the sequences that colour text (ECMA-48, SGR: `ESC [ … m`).
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'));
        match end.and_then(|end| after.get(end..)).and_then(|after| after.strip_prefix('m')) {
            Some(after) => rest = after,
            None => {
                out.push_str("\u{1b}[");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        for (text, safe) in [
            ("plain ü 漢", "plain ü 漢"),
            ("a\nb\rc\td", "a\\nb\\rc\\td"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
        ] {
            assert_eq!(line(text), safe);
        }
    }

    #[test]
    fn logs_lose_their_colours_and_nothing_else() {
        for (text, safe) in [
            ("\u{1b}[1;32mok\u{1b}[0m\tdone", "ok\tdone"),
            ("\u{1b}[2Jx", "\\u{1b}[2Jx"),
            ("\u{1b}[\u{1b}[mx", "\\u{1b}[x"),
            ("\u{1b}[38;5;1", "\\u{1b}[38;5;1"),
            ("\u{1b}\u{1b}[m[2J", "\\u{1b}[2J"),
        ] {
            assert_eq!(log_line(text), safe, "{text:?}");
        }
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = serde_json::json!({ "a": "\u{9b}2J \u{202e} \u{7f} \u{1b}", "b": [1, "\n"] });
        let shown = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!shown.chars().any(|c| is_unsafe(c) && c != '\n'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
