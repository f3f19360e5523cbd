//! The YAML reader against hostile and odd texts.

use std::collections::BTreeMap;

use config::yaml::{LARGEST, Placed, Sources, Tree, from_str};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Small {
    #[serde(default)]
    name: String,
    #[serde(default)]
    on: Option<bool>,
    #[serde(default)]
    list: Vec<Placed<String>>,
}

#[test]
fn words_that_look_like_booleans_stay_words() {
    for word in ["NO", "off", "yes", "on", "y", "null_", "1.10", "0x1f"] {
        assert_eq!(from_str::<Small>("x", &format!("name: {word}")).unwrap().name, word);
    }
    assert_eq!(from_str::<Small>("x", "on: true").unwrap().on, Some(true));
    let error = from_str::<Small>("x", "on: yes").unwrap_err();
    assert_eq!(error.to_string(), "x:1:5: expected `true` or `false`");
}

#[test]
fn bombs_are_refused() {
    let deep = format!("list: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut aliases = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (this, last) in ('b'..='j').zip('a'..) {
        aliases += &format!("{this}: &{this} [{}]\n", vec![format!("*{last}"); 10].join(", "));
    }
    let large = "# ".to_owned() + &"x".repeat(LARGEST);
    for text in [deep, aliases, large] {
        assert!(from_str::<BTreeMap<String, serde_json::Value>>("x", &text).is_err());
    }
}

#[test]
fn a_second_document_is_refused() {
    let error = from_str::<Small>("x", "name: a\n---\nname: b\n").unwrap_err();
    assert_eq!(error.message(), "a second document starts here");
}

#[test]
fn a_place_says_which_text_it_is_in() {
    let mut sources = Sources::default();
    let one: Small =
        sources.parse("one", "name: é\nlist:\n  - a\n  - ä: b\n".replace("ä: b", "äb").as_str()).unwrap();
    let two: Small = sources.parse("two", "list: [c]").unwrap();
    let three: Small = sources.parse_variable("THREE", &["list"], "[d]").unwrap();
    let at = |item: &Placed<String>| sources.error_at(item.place, "no").to_string();
    assert_eq!(at(&one.list[0]), "one:3:5: no");
    assert_eq!(at(&one.list[1]), "one:4:5: no");
    assert_eq!(at(&two.list[0]), "two:1:8: no");
    assert_eq!(at(&three.list[0]), "THREE: no");
}

#[test]
fn control_characters_never_reach_a_terminal() {
    let error = from_str::<Small>("a\u{1b}[2J", "nam\u{7f}: \"\u{202e}\"\n").unwrap_err();
    let shown = format!("{error} {:?}", error.remedy());
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text: String) {
        if let Err(error) = from_str::<Small>("x", &text) {
            prop_assert!(!error.to_string().is_empty());
            prop_assert!(error.line().is_none_or(|line| line <= text.lines().count() + 1));
            let mut out = String::new();
            miette::GraphicalReportHandler::new().render_report(&mut out, error.as_ref()).unwrap();
        }
    }

    #[test]
    fn any_value_of_a_variable_is_read_or_refused(value: String) {
        let mut sources = Sources::default();
        let _ = sources.parse_variable::<Small>("V", &["name"], &value);
    }
}

#[test]
fn a_tree_knows_the_place_of_every_key_and_value() {
    let text = "a: { b: [x, 'y z'] }\nc:\n  - d: 1\n    e: |\n      one\n      two\n";
    let mut sources = Sources::default();
    let tree: Tree = sources.parse("t.yaml", text).unwrap();
    let at = |place| {
        let error = sources.error_at(place, "");
        (error.line().unwrap(), error.column().unwrap())
    };
    let (a, c) = (tree.get("a").unwrap(), &tree.get("c").unwrap().items()[0]);
    assert_eq!(at(tree.key_place("a")), (1, 1));
    assert_eq!(at(a.key_place("b")), (1, 6));
    assert_eq!(at(a.get("b").unwrap().items()[1].place()), (1, 13));
    assert_eq!(at(c.place()), (3, 5));
    assert_eq!(at(c.key_place("e")), (4, 5));
    assert_eq!(at(c.get("d").unwrap().place()), (3, 8));
    assert_eq!(at(c.get("e").unwrap().place()), (5, 7));
    assert!(tree.get("b").is_none() && a.items().is_empty());
}

#[test]
fn a_part_of_a_value_is_found_in_what_was_written() {
    for (text, value, part, expected) in [
        ("a: one two", "one two", "two", (1, 8)),
        ("a: 'it''s two'", "it's two", "two", (1, 11)),
        ("a: \"tab\\t and two\"", "tab\t and two", "two", (1, 15)),
        ("a: |\n  one\n  two", "one\ntwo", "two", (3, 3)),
        ("a: >\n  one\n  two", "one two", "two", (3, 3)),
        ("a: >-\n    a ||\n    b", "a || b", "b", (3, 5)),
    ] {
        let mut sources = Sources::default();
        let tree: Tree = sources.parse("t.yaml", text).unwrap();
        let start = value.find(part).unwrap();
        let place = tree.get("a").unwrap().place().unwrap();
        let error = sources.error_at(Some(sources.inside(place, value, start..start + part.len())), "");
        assert_eq!((error.line().unwrap(), error.column().unwrap()), expected, "{text}");
    }
}
