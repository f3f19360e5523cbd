//! What of a text may be shown: no control characters, and no value that looks like a secret.
//!
//! Both keep every byte offset as it was, so that carets still point at the right place.

/// Words that a key ends with when its value may be a secret.
const SECRET_KEYS: [&str; 10] = [
    "secret",
    "token",
    "private_key",
    "password",
    "auth",
    "secrets",
    "scheme",
    "bearer",
    "hmac",
    "standard_webhooks",
];

/// The text as a picture may show it.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        out.push_str(&covered(&printable_same_length(line)));
    }
    out
}

/// A message for one line of a terminal or log.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect()
}

fn is_unprintable(c: char) -> bool {
    // Bidirectional overrides can make a line look like another one.
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn printable_same_length(line: &str) -> String {
    line.chars()
        .flat_map(|c| {
            let replaced = is_unprintable(c) && c != '\n' && c != '\t';
            let (c, times) = if replaced { ('?', c.len_utf8()) } else { (c, 1) };
            std::iter::repeat_n(c, times)
        })
        .collect()
}

/// Covers with `*` what follows a key with a secret's name, unless it is a reference or a map.
fn covered(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(colon) = rest.find(':') {
        let (key, value) = rest.split_at(colon + 1);
        out.push_str(key);
        rest = value;
        let name = key.trim_end_matches(':').trim_end_matches(['"', '\'', ' ']).to_ascii_lowercase();
        if SECRET_KEYS.iter().any(|word| name.ends_with(word)) {
            let bare = value.trim_start_matches([' ', '"', '\'', '[']);
            let is_map = value.trim_start().starts_with('{');
            if !is_map && !bare.starts_with("${") {
                let end = value.find([',', '}', '\n']).unwrap_or(value.len());
                let (secret, after) = value.split_at(end);
                out.extend(secret.chars().flat_map(|c| {
                    let c_or_star = if c == ' ' { ' ' } else { '*' };
                    std::iter::repeat_n(c_or_star, c.len_utf8())
                }));
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
    use proptest::prelude::*;

    #[test]
    fn values_under_secret_keys_are_covered() {
        for (line, expected) in [
            ("secret: hunter2", "secret: *******"),
            ("  webhook_secret: 'a b'", "  webhook_secret: ** **"),
            ("{ kind: github, secret: abc, connection: x }", "{ kind: github, secret: ***, connection: x }"),
            ("auth: { token: \"ghp_1\" }", "auth: { token: ******* }"),
            ("auth: ghp_1", "auth: *****"),
            ("oauth: abc", "oauth: ***"),
            ("scheme: { bearer: abc }", "scheme: { bearer: *** }"),
            ("  standard_webhooks: whsec_1", "  standard_webhooks: *******"),
            ("secret: ${env:NAME}", "secret: ${env:NAME}"),
            ("secret: [\"${env:A}\", \"${env:B}\"]", "secret: [\"${env:A}\", \"${env:B}\"]"),
            ("url: https://example.com", "url: https://example.com"),
        ] {
            assert_eq!(shown(line).trim_end_matches(' '), expected.trim_end_matches(' '), "{line}");
        }
    }

    proptest! {
        #[test]
        fn offsets_stay(text: String) {
            let shown = shown(&text);
            prop_assert_eq!(shown.len(), text.len());
            prop_assert!(shown.chars().all(|c| !is_unprintable(c) || c == '\n' || c == '\t'));
        }
    }
}
