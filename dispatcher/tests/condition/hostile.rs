//! Texts and events that are made to do harm: refused or answered soon, and the process lives.

use std::time::Duration;

use dispatcher::condition::{Condition, EventValue};
use schemas::event::Item;
use schemas::{Clock, SystemClock, Untrusted};

use crate::support::everything;

/// Longer than any of it takes in a debug build on a busy machine, far shorter than an attack.
const SOON: Duration = Duration::from_secs(10);

fn soon<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let clock = SystemClock::new();
    let start = clock.monotonic();
    let result = work();
    let took = clock.monotonic() - start;
    assert!(took < SOON, "{what} took {took:?}");
    result
}

#[test]
fn texts_that_exhaust_parsers_are_refused() {
    let repeated = |part: &str| part.repeat(4096 / part.len());
    let mut texts: Vec<String> = [
        "[",
        "(",
        "{",
        "[[",
        "((",
        "{{",
        "[(",
        "[a?b:{",
        "a?b:",
        "a?",
        "-",
        "!",
        "!-",
        "1+",
        "a.",
        "a.b()",
        "a.b(",
        "a[",
        "'",
        "\"",
        "r'",
        "b'",
        "'''",
        "//",
        "// '\n(",
        "\\",
        "{a:",
        "[?",
        "a.?",
        "a==",
        "a&&",
        "a||b&&",
        "a in ",
        "size(",
        "has(",
        "a.all(x,",
        "a.map(x,a.map(y,",
        "\u{0}",
        "🦀",
        "\n",
        " ",
        "`",
        "a.`b`.",
        "0x",
        "1e",
        "9",
        "1u",
        ",",
        ":",
        ")",
        "]",
        "}",
        "?.",
        ";",
        "@",
    ]
    .into_iter()
    .map(repeated)
    .collect();
    texts.extend(["[".repeat(125), "[".repeat(156), "(".repeat(156), "[[[[[[[[[[".repeat(12) + "a?b:c"]);
    texts.push(format!("'{}' == event.label", "(".repeat(100)));
    texts.push(format!("event.comment.line == 1{}", "+1".repeat(2000)));
    texts.push(format!("event.label{} == ''", ".lower()".repeat(500)));
    texts.push(format!("event.item.draft{}", " == true".repeat(500)));
    for text in texts {
        let shown: String = text.chars().take(20).collect();
        let refused = soon(&shown, || Condition::compile(&text)).unwrap_err();
        assert!(text.get(refused.offset..refused.offset + refused.len).is_some(), "{shown}: {refused:?}");
    }
}

#[test]
fn four_thousand_negations_are_one_or_none() {
    assert!(Condition::compile(&format!("{}event.item.draft", "!".repeat(4000))).is_ok());
}

#[test]
fn brackets_in_a_text_are_counted_but_a_few_are_no_harm() {
    assert!(Condition::compile("event.label == '((('").is_ok());
    assert!(Condition::compile("event.label.matches('((a|b)|(c|d))')").is_ok());
}

/// The most expensive conditions that are taken, on an event as large as conditions look at.
#[test]
fn the_dearest_conditions_finish_soon() {
    let mut event = everything();
    event.item = Some(Item {
        labels: (0..1000).map(|n| Untrusted::new(format!("{n}{}", "a".repeat(1024)))).collect(),
        title: Untrusted::new("a".repeat(70_000)),
        body: Untrusted::new("a".repeat(70_000)),
        ..Item::default()
    });
    event.added_labels = event.item.as_ref().unwrap().labels.clone();
    let event = EventValue::new(&event);
    for text in [
        "event.labels.all(l, l.contains('b') || l.lower() != 'b' || 'b' in ['c', 'd'])",
        "event.labels.exists(l, ['b', 'c', 'd', 'e'].exists(p, l.startsWith(p) && l != event.label))",
        "event.labels.filter(l, l != 'b').map(l, l).exists(l, l == 'b')",
        "event.item.body.matches('(a|aa)+$') && event.item.body.matches('^(a*)*b')",
        "event.item.body.matches('(.*)(.*)(.*)(.*)x')",
        "event.item.title.matches('(x+x+)+y')",
        "event.labels.exists(l, l in event.added_labels[0].lower() == '' ? [] : ['b'])",
        "event.item.body.lower().lower().lower().contains('b')",
    ] {
        if let Ok(condition) = Condition::compile(text) {
            let outcome = soon(text, || condition.holds(&event));
            assert!(outcome.is_ok(), "{text}: {outcome:?}");
        } else {
            assert!(text.contains("? []"), "{text} is taken: {:?}", Condition::compile(text));
        }
    }
}

#[test]
fn what_could_take_long_is_refused_when_it_is_loaded() {
    for text in [
        "event.labels.all(a, event.labels.all(b, a == b))",
        "event.labels.all(a, event.added_labels.exists(b, a.contains(b)))",
        "event.labels.exists(a, event.item.body.contains(a) && event.comment.body.contains(a))",
        "event.labels.map(a, event.item.body.lower()).exists(b, b == '')",
        "event.labels.exists(a, a in event.added_labels)",
    ] {
        let refused = Condition::compile(text).unwrap_err();
        assert!(refused.message.contains("steps"), "{text}: {refused}");
    }
}
