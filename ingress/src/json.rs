//! Whether bytes are JSON, without building it: valid to the last byte, and not too deep.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

/// Why bytes are not taken as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// They are not JSON.
    #[error("the body is no JSON (line {line}, column {column})")]
    Invalid {
        /// Line of the first mistake, from 1.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// Arrays and objects are nested too deep.
    #[error("the body's JSON is nested deeper than {0}")]
    TooDeep(usize),
}

/// Checks that `bytes` are one JSON document, nested at most `max_depth` deep (a scalar has depth
/// 0; at most 127, where the parser's own limit lies).
///
/// # Errors
/// With the place of the first mistake.
pub fn check(bytes: &[u8], max_depth: usize) -> Result<(), NotJson> {
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let result = parser.deserialize_any(Within(max_depth)).and_then(|()| parser.end());
    result.map_err(|error| match error.classify() {
        // Any type is welcome, so the one error of this kind is the visitor's own.
        Category::Data => NotJson::TooDeep(max_depth),
        Category::Io | Category::Syntax | Category::Eof => {
            NotJson::Invalid { line: error.line(), column: error.column() }
        }
    })
}

/// Visits a value that may hold so many further levels.
#[derive(Clone, Copy)]
struct Within(usize);

impl Within {
    fn one_deeper<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Within {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.one_deeper()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.one_deeper()?;
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn what_is_json() {
        for good in
            ["{}", " {\"a\": [1, -2.5e3, null, true, \"\\u00e9\"]}\n", "1", "\"x\"", "{\"a\":1,\"a\":2}"]
        {
            assert_eq!(check(good.as_bytes(), 64), Ok(()), "{good}");
        }
        for bad in [
            "",
            " ",
            "{",
            "{}{}",
            "{} x",
            "{\"a\"}",
            "[1,]",
            "nul",
            "'x'",
            "{a:1}",
            "\u{feff}{}",
            "NaN",
            "01",
        ] {
            assert!(matches!(check(bad.as_bytes(), 64), Err(NotJson::Invalid { .. })), "{bad}");
        }
        for bad in [b"\"\xff\"".as_slice(), b"{\"\xff\":1}", b"\xff", b"{}\0"] {
            assert!(matches!(check(bad, 64), Err(NotJson::Invalid { .. })), "{bad:?}");
        }
    }

    #[test]
    fn how_deep() {
        assert_eq!(check(nested(64).as_bytes(), 64), Ok(()));
        assert_eq!(check(nested(65).as_bytes(), 64), Err(NotJson::TooDeep(64)));
        assert_eq!(check(nested(10_000).as_bytes(), 64), Err(NotJson::TooDeep(64)));
        assert_eq!(check("[".repeat(1 << 20).as_bytes(), 64), Err(NotJson::TooDeep(64)));
        assert_eq!(check("{\"a\":".repeat(65).as_bytes(), 64), Err(NotJson::TooDeep(64)));
        assert_eq!(check(b"[]", 0), Err(NotJson::TooDeep(0)));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_parser_on_noise(text in "[\\[\\]{}\",:0-9a-z.\\\\ ]{0,24}") {
            prop_assert_eq!(check(text.as_bytes(), 64).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
