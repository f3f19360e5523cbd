use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// What serde_json takes for JSON: its `IgnoredAny` follows the grammar, but skips over UTF-8.
fn expected(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

#[track_caller]
fn agrees(bytes: &[u8]) -> bool {
    let good = expected(bytes);
    assert_eq!(check(bytes, 128).is_ok(), good, "{}", bytes.escape_ascii());
    good
}

#[test]
fn what_is_json() {
    let good: [&str; 13] = [
        "{}",
        " {\"a\": [1, -2.5e3, null, true, \"\\u00e9\"]}\n",
        "1",
        "-0",
        "0.0E+0",
        "1e-5",
        "\"x\"",
        "\t[\r\n]",
        "{\"a\":1,\"a\":2}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\u{7f}\u{e9}\u{1f600}\"",
        // Half a surrogate pair and a number beyond every range are within the grammar.
        "[\"\\ud800\", {\"\\udc00\": 1e999}]",
        "[[[]],{},[{}]]",
    ];
    for good in good {
        assert_eq!(check(good.as_bytes(), 64), Ok(()), "{good}");
        assert!(agrees(good.as_bytes()));
    }
}

#[test]
fn what_is_none() {
    let bad = [
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "[}",
        "{}{}",
        "{} x",
        "{}\0",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1]",
        "[1}",
        "nul",
        "nulL",
        "truefalse",
        "True",
        "'x'",
        "\u{feff}{}",
        "NaN",
        "Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".1",
        "1e",
        "1e+",
        "1.e1",
        "0x1",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12",
        "\"\n\"",
        "\"\0\"",
        "\"1234567\u{1f}\"",
        "\"12345678\u{1f}\"",
        "\"\\",
        "/**/1",
        "\u{a0}1",
        "\u{c}1",
    ];
    for bad in bad {
        assert!(matches!(check(bad.as_bytes(), 64), Err(NotJson::Invalid { .. })), "{bad}");
        assert!(!agrees(bad.as_bytes()));
    }
    for bad in
        [b"\"\xff\"".as_slice(), b"{\"\xff\":1}", b"\xff", b"\"\xed\xa0\x80\"", b"\"\xc3", b"\"\xc0\x80\""]
    {
        assert!(matches!(check(bad, 64), Err(NotJson::Invalid { .. })), "{bad:?}");
    }
}

#[test]
fn where_the_mistake_is() {
    for (bad, line, column) in
        [("", 1, 1), ("[1,]", 1, 4), ("{\n \"a\": tru}\n", 2, 10), ("[\n\"\x01\"]", 2, 2), ("{}\n{}", 2, 1)]
    {
        assert_eq!(check(bad.as_bytes(), 64), Err(NotJson::Invalid { line, column }), "{bad:?}");
    }
    assert_eq!(check(b"[\n\"\xff\"]", 64), Err(NotJson::Invalid { line: 2, column: 2 }));
}

#[test]
fn how_deep() {
    assert_eq!(check(nested(64).as_bytes(), 64), Ok(()));
    assert_eq!(check(nested(65).as_bytes(), 64), Err(NotJson::TooDeep(64)));
    assert_eq!(check(nested(10_000).as_bytes(), 64), Err(NotJson::TooDeep(64)));
    assert_eq!(check("[".repeat(1 << 20).as_bytes(), 64), Err(NotJson::TooDeep(64)));
    assert_eq!(check("{\"a\":".repeat(65).as_bytes(), 64), Err(NotJson::TooDeep(64)));
    assert_eq!(check(format!("[{0},{0}]", nested(63)).as_bytes(), 64), Ok(()));
    assert_eq!(check(b"[]", 0), Err(NotJson::TooDeep(0)));
    assert_eq!(check(b"1", 0), Ok(()));
    assert_eq!(check(nested(128).as_bytes(), 1000), Ok(()));
    assert_eq!(check(nested(129).as_bytes(), 1000), Err(NotJson::TooDeep(1000)));
}

/// A quote, a backslash and every control character are seen at every place of eight bytes, whatever
/// stands around them.
#[test]
fn no_special_byte_is_passed_over() {
    for byte in 0..=u8::MAX {
        for at in 0..24 {
            for filler in [b' ', b'!', b'#', b'[', b']', b'a', 0x7f] {
                let mut text = [filler; 26];
                text[0] = b'"';
                text[25] = b'"';
                text[1 + at] = byte;
                agrees(&text);
            }
        }
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,24}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(".{0,12}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn it_agrees_with_the_parser_on_json(value in json(), pretty: bool) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        prop_assert!(agrees(text.as_bytes()));
    }

    #[test]
    fn it_agrees_with_the_parser_on_mutated_json(
        value in json(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..4),
    ) {
        let mut bytes = value.to_string().into_bytes();
        for (place, byte, how) in places {
            let at = place.index(bytes.len().max(1));
            match how {
                _ if bytes.is_empty() => {}
                0 => bytes[at] = byte,
                // One of those that mean something.
                1 => bytes[at] = b"[]{}\",:\\0-.eEu \n"[usize::from(byte) % 16],
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[usize::from(byte) % bytes.len()]),
            }
            agrees(&bytes);
        }
        bytes.truncate(bytes.len() / 2);
        agrees(&bytes);
    }

    #[test]
    fn it_agrees_with_the_parser_on_noise(text in "[\\[\\]{}\",:0-9a-z.\\\\ +-]{0,24}", bytes: Vec<u8>) {
        agrees(text.as_bytes());
        agrees(&bytes);
    }
}
