//! What people see, made the same in every run.

use super::world::World;

/// A comment as a reader sees it: without the hidden marker, ids, times and this machine's versions.
pub fn comment(body: &str) -> String {
    let lines = body.lines().filter(|line| !line.starts_with("<!--"));
    let visible: Vec<&str> = lines
        .map(|line| if line.starts_with("Run in ") { "Run in <sandbox> on <worker>." } else { line })
        .collect();
    times(&ids(&visible.join("\n"))).trim().to_owned()
}

/// Output of a command without this world's folder, addresses, ids and times.
pub fn redact(text: &str, world: &World) -> String {
    let folder = world.folder().display().to_string();
    let text = text.replace(&folder, "<folder>").replace(&world.sim.url, "<forge>");
    let text = text.replace(&format!("127.0.0.1:{}", world.port()), "<address>");
    let text = times(&ids(&text));
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// UUIDs become `<id>`, git's object ids and hashes `<hex>`.
fn ids(text: &str) -> String {
    let part = |c: char| c.is_ascii_hexdigit() || c == '-';
    words(text, part, |word| {
        if uuid::Uuid::parse_str(word).is_ok() && word.len() == 36 {
            "<id>".to_owned()
        } else if word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            "<hex>".to_owned()
        } else {
            word.to_owned()
        }
    })
}

/// `12 ms` and `1.5 s` become `<time>`.
fn times(text: &str) -> String {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c| !number(c)).unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        let unit = [" ms |", " s |", "ms\n", "s\n"].iter().find(|unit| after.starts_with(**unit));
        let stands_alone = before.ends_with([' ', '\t']) || before.is_empty();
        out.push_str(before);
        match unit.filter(|_| stands_alone) {
            Some(unit) => {
                out.push_str("<time>");
                let unit_only = unit.trim_end_matches(" |").trim_end_matches('\n');
                rest = &after[unit_only.len()..];
            }
            None => {
                out.push_str(digits);
                rest = after;
            }
        }
    }
    out + rest
}

/// Replaces every longest run of characters that are `part`.
fn words(text: &str, part: impl Fn(char) -> bool, replace: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars() {
        if part(c) {
            word.push(c);
        } else {
            out.push_str(&replace(&word));
            word.clear();
            out.push(c);
        }
    }
    out + &replace(&word)
}
