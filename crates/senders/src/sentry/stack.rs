//! An error as a person reads it: message, culprit, and the stack with the newest call last.

use std::fmt::Write as _;

use schemas::Untrusted;

use crate::node::Node;

/// More exceptions than this are a loop of causes.
const EXCEPTIONS: usize = 10;
/// Of each stack, the frames nearest to the fault.
const FRAMES: usize = 60;
/// A longer line is generated or minified code.
const LINE: usize = 300;

/// The text of an event: everything in it was written by whoever can make the application fail.
pub(super) fn text_of(event: Node<'_>) -> Untrusted {
    let mut text = String::new();
    for (name, key) in [
        ("Message", "message"),
        ("Culprit", "culprit"),
        ("Environment", "environment"),
        ("Release", "release"),
    ] {
        if let Some(value) = event.at(key).text() {
            let _ = writeln!(text, "{name}: {}", cut(&value));
        }
    }
    let exceptions = event.at("exception.values");
    let entries = event.at("entries").items().find(|entry| entry.at("type").word() == Some("exception"));
    let exceptions = if exceptions.is_there() {
        exceptions
    } else {
        entries.map_or(exceptions, |entry| entry.at("data.values"))
    };
    for exception in exceptions.items().rev().take(EXCEPTIONS).collect::<Vec<_>>().into_iter().rev() {
        let part = |key: &str| exception.at(key).text().unwrap_or_default();
        let _ = writeln!(text, "\n{}: {}", cut(&part("type")), cut(&part("value")));
        frames(exception.at("stacktrace.frames"), &mut text);
    }
    frames(event.at("stacktrace.frames"), &mut text);
    Untrusted::new(text.trim().to_owned())
}

/// Sentry lists the oldest call first.
fn frames(list: Node<'_>, text: &mut String) {
    let frames = list.items();
    let left_out = frames.len().saturating_sub(FRAMES);
    if left_out > 0 {
        let _ = writeln!(text, "  ({left_out} older calls)");
    }
    for frame in frames.skip(left_out) {
        let file = ["filename", "abs_path", "module", "package"].iter().find_map(|key| frame.at(key).text());
        let _ = write!(text, "  {}", cut(file.as_deref().unwrap_or("?")));
        if let Some(line) = frame.at("lineno").number() {
            let _ = write!(text, ":{line}");
        }
        if let Some(function) = frame.at("function").text() {
            let _ = write!(text, " in {}", cut(&function));
        }
        let theirs = if frame.at("in_app").flag() == Some(false) { " (library)" } else { "" };
        let _ = writeln!(text, "{theirs}");
        if let Some(line) = frame.at("context_line").text() {
            let _ = writeln!(text, "      {}", cut(line.trim()));
        }
    }
}

fn cut(text: &str) -> String {
    let end = text.char_indices().nth(LINE).map(|(end, _)| end);
    let (line, rest) = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""));
    line.replace(['\r', '\n'], " ") + if rest.is_empty() { "" } else { " …" }
}

/// The severity: a field, or a tag, which is a pair in one version and an object in another.
pub(super) fn level_of(event: Node<'_>) -> Option<String> {
    let word = |at: Node<'_>| at.word().map(str::to_ascii_lowercase);
    word(event.at("level")).or_else(|| {
        event.at("tags").items().find_map(|tag| {
            let mut pair = tag.items();
            let (key, value) = match (pair.next(), pair.next()) {
                (Some(key), Some(value)) => (key, value),
                _ => (tag.at("key"), tag.at("value")),
            };
            if key.word() == Some("level") { word(value) } else { None }
        })
    })
}

/// The title; before it is grouped, an event has only its parts.
pub(super) fn title_of(event: Node<'_>) -> Untrusted {
    let made = || {
        let (kind, value) = (event.at("metadata.type").text()?, event.at("metadata.value").text()?);
        Some(format!("{kind}: {value}"))
    };
    let title = event.at("title").text().or_else(made).or_else(|| event.at("message").text());
    Untrusted::new(title.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::tests::node;
    use serde_json::json;

    #[test]
    fn a_stack() {
        let event = json!({
            "message": "", "culprit": "api.orders in total",
            "exception": {"values": [
                {"type": "KeyError", "value": "'tax'\nrate", "stacktrace": {"frames": [
                    {"filename": "wsgi.py", "lineno": 8, "function": "call", "in_app": false},
                    {"filename": "orders.py", "lineno": 31, "function": "total", "context_line": "    rates['tax']"}
                ]}},
                {"type": "OrderError", "value": null, "stacktrace": null}
            ]}
        });
        let expected = "Culprit: api.orders in total\n\nKeyError: 'tax' rate\n  wsgi.py:8 in call (library)\n  \
                        orders.py:31 in total\n      rates['tax']\n\nOrderError:";
        assert_eq!(text_of(node(&event)).expose(), expected);
        let entries =
            json!({"entries": [{"type": "request"}, {"type": "exception", "data": event["exception"]}]});
        assert!(text_of(node(&entries)).expose().contains("orders.py:31"));
    }

    #[test]
    fn the_frames_nearest_to_the_fault_are_kept() {
        let frames: Vec<_> = (0..500).map(|line| json!({"filename": "deep.rs", "lineno": line})).collect();
        let event = json!({"exception": {"values": [{"type": "E", "value": "x".repeat(9_000), "stacktrace": {"frames": frames}}]}});
        let text = text_of(node(&event));
        assert!(text.expose().contains("(440 older calls)") && text.expose().contains("deep.rs:499"));
        assert!(!text.expose().contains("deep.rs:439") && text.expose().len() < 3_000);
    }

    #[test]
    fn levels() {
        let table = [
            (json!({"level": "Error"}), Some("error")),
            (json!({"tags": [["runtime", "x"], ["level", "fatal"]]}), Some("fatal")),
            (json!({"tags": [{"key": "level", "value": "warning"}]}), Some("warning")),
            (json!({"level": 40, "tags": [["level"], "level", null]}), None),
        ];
        for (event, expected) in table {
            assert_eq!(level_of(node(&event)).as_deref(), expected, "{event}");
        }
    }
}
