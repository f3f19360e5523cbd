//! Random conditions and events: never a panic, the same answer each time, errors with a place.

use dispatcher::condition::{Condition, EventValue};
use proptest::prelude::*;
use schemas::Untrusted;
use schemas::event::Event;

use crate::support::{everything, nothing};

const WORDS: &[&str] = &[
    "event",
    ".",
    "labels",
    "label",
    "item",
    "title",
    "body",
    "comment",
    "line",
    "exists",
    "all",
    "filter",
    "map",
    "(",
    ")",
    "[",
    "]",
    "l",
    ",",
    "==",
    "!=",
    "<",
    "in",
    "&&",
    "||",
    "!",
    "?",
    ":",
    "'a'",
    "1",
    "0",
    "-",
    "+",
    "/",
    "%",
    "size",
    "has",
    "int",
    "string",
    "contains",
    "matches",
    "'('",
    "lower",
    " ",
    "true",
    "null",
    "{",
    "}",
    "é",
    "\"",
    "'",
    "event.labels",
    "event.label",
    "event.item.draft",
    "event.comment.line",
    ".exists(l, l == 'a')",
    "9223372036854775807",
];

fn noise() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..24).prop_map(|words| words.concat())
}

/// Conditions that are well-formed, so that most of them are evaluated.
fn flag() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        "event.label",
        "event.item.title",
        "event.labels[0]",
        "'bug'",
        "event.item.body.lower()",
    ]);
    let number = prop::sample::select(vec![
        "event.comment.line",
        "size(event.labels)",
        "1",
        "int(event.item.key)",
        "9223372036854775807",
    ]);
    let leaf = prop_oneof![
        (text.clone(), prop::sample::select(vec!["==", "!=", "<", ">="]), text.clone())
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (number.clone(), prop::sample::select(vec!["+", "-", "*", "/", "%"]), number)
            .prop_map(|(a, op, b)| format!("{a} {op} {b} > 0")),
        (text.clone(), text).prop_map(|(a, b)| format!("{a}.contains({b})")),
        prop::sample::select(vec![
            "event.item.draft",
            "has(event.item)",
            "event.labels.exists(l, l == event.label)",
            "event.labels.filter(x, x != 'bug') == []",
            "event.label.matches('^b(u|g)+$')",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
        ]
    })
}

fn event() -> impl Strategy<Value = Event> {
    (any::<bool>(), prop::collection::vec(".{0,12}", 0..4), ".{0,40}", any::<Option<u64>>(), "[0-9a-z]{0,5}")
        .prop_map(|(full, labels, body, line, key)| {
            let mut event = if full { everything() } else { nothing() };
            if let (Some(item), Some(comment)) = (event.item.as_mut(), event.comment.as_mut()) {
                item.labels = labels.into_iter().map(Untrusted::new).collect();
                item.body = Untrusted::new(body);
                item.key = key;
                comment.line = line;
            }
            event
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_refused_with_a_place_or_evaluated(text in noise(), event in event()) {
        match Condition::compile(&text) {
            Ok(condition) => drop(condition.holds(&EventValue::new(&event))),
            Err(error) => {
                prop_assert!(text.get(error.offset..error.offset + error.len).is_some(), "{error:?}");
                prop_assert!(!error.message.is_empty() && !error.remedy.is_empty());
            }
        }
    }

    #[test]
    fn what_is_taken_never_fails_for_its_kinds(text in flag(), event in event()) {
        let condition = Condition::compile(&format!("({text}) && (event.confidential || true)")).unwrap();
        let value = EventValue::new(&event);
        let outcome = condition.holds(&value);
        prop_assert_eq!(&outcome, &condition.holds(&value));
        if let Err(sentence) = outcome {
            prop_assert!(!sentence.contains("cannot be evaluated") && !sentence.contains("broke off"), "{}: {}", text, sentence);
        }
        drop(condition.saw(&value));
    }
}
