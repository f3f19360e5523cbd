//! A body as a tree that borrows from it, built within bounds.
//!
//! A value of `serde_json` takes up to thirty times the room of its text, so that a body of 25 MB
//! could fill the machine. Here texts stay where they are unless they hold escapes, and a body of
//! more values than any sender's is refused.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Number;

use crate::error::ParseError;

/// Built, so many values take 150 MB at the worst (objects of one key each). A genuine body of
/// 25 MB that has more of them is a push, whose commits are not built.
const MOST_VALUES: usize = 500_000;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    /// In the body's order; of a key that comes twice the last counts, as in most readers of JSON.
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    /// A body that is a JSON object, without what is under `unread`: large lists that nothing is
    /// taken from.
    ///
    /// # Errors
    /// When it is anything else, nested more than 128 deep, or holds too many values.
    pub(crate) fn object(json: &'a [u8], unread: &[&str]) -> Result<Self, ParseError> {
        let left = Cell::new(MOST_VALUES);
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let tree = deserializer.deserialize_map(Root { unread, left: &left });
        let tree = tree.and_then(|tree| deserializer.end().map(|()| tree));
        tree.map_err(
            |error| if left.get() == 0 { ParseError::TooManyValues(MOST_VALUES) } else { error.into() },
        )
    }

    /// What an object has under `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What a JSON Pointer points to (RFC 6901).
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |at, part| match at {
            Self::Object(_) => at.get(&part.replace("~1", "/").replace("~0", "~")),
            // An index has no sign and no leading zero.
            Self::List(list) if part == "0" || !part.starts_with(['0', '+']) => {
                list.get(part.parse::<usize>().ok()?)
            }
            _ => None,
        })
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => serializer.collect_seq(list),
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

/// The outermost object.
struct Root<'b> {
    unread: &'b [&'b str],
    left: &'b Cell<usize>,
}

impl<'de> Visitor<'de> for Root<'_> {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            if self.unread.contains(&key.as_ref()) {
                map.next_value::<IgnoredAny>()?;
            } else {
                entries.push((key, map.next_value_seed(Branch(self.left))?));
            }
        }
        Ok(Tree::Object(entries))
    }
}

/// Any value, as long as there are values left.
struct Branch<'b>(&'b Cell<usize>);

impl<'de> DeserializeSeed<'de> for Branch<'_> {
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree<'de>, D::Error> {
        let left = self.0.get().saturating_sub(1);
        self.0.set(left);
        if left == 0 {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Branch<'_> {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree<'de>, E> {
        Ok(Number::from_f64(number).map_or(Tree::Null, Tree::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(Branch(self.0))? {
            list.push(value);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tree<'de>, A::Error> {
        Root { unread: &[], left: self.0 }.visit_map(map)
    }
}

/// A key, borrowed unless it holds escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn text(body: &str) -> String {
        Tree::object(body.as_bytes(), &[])
            .map(|tree| serde_json::to_string(&tree).unwrap())
            .unwrap_or_default()
    }

    #[test]
    fn bodies() {
        let table = [
            ("{}", "{}"),
            (r#" {"a":[1,-2,1.5,true,null,"x\n\u0041",{}]} "#, r#"{"a":[1,-2,1.5,true,null,"x\nA",{}]}"#),
            (r#"{"\u0061":1}"#, r#"{"a":1}"#),
            (r#"{"a":123456789012345678901234567890}"#, r#"{"a":1.2345678901234568e+29}"#),
            ("[]", ""),
            ("null", ""),
            ("", ""),
            ("{} {}", ""),
            (r#"{"a":1e999}"#, ""),
            ("{\"a\":\"\u{1}\"}", ""),
        ];
        for (body, expected) in table {
            assert_eq!(text(body), expected, "{body}");
        }
        assert!(Tree::object(b"{\"a\":\"\xff\"}", &[]).is_err());
        let twice = Tree::object(br#"{"a":1,"a":2}"#, &[]).unwrap();
        assert_eq!(twice.get("a"), Some(&Tree::Number(2.into())));
    }

    #[test]
    fn what_is_not_read_is_not_built() {
        let tree = Tree::object(br#"{"commits":[1],"in":{"commits":2}}"#, &["commits"]).unwrap();
        assert_eq!(serde_json::to_string(&tree).unwrap(), r#"{"in":{"commits":2}}"#);
    }

    #[test]
    fn bounds() {
        let wide = |count: usize| format!("{{\"a\":[0{}]}}", ",0".repeat(count));
        assert!(Tree::object(wide(MOST_VALUES - 10).as_bytes(), &[]).is_ok());
        let refused = Tree::object(wide(MOST_VALUES).as_bytes(), &[]).unwrap_err();
        assert!(matches!(refused, ParseError::TooManyValues(_)));
        assert!(Tree::object(wide(MOST_VALUES).as_bytes(), &["a"]).is_ok());
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Tree::object(deep(120).as_bytes(), &[]).is_ok());
        assert!(matches!(Tree::object(deep(200_000).as_bytes(), &[]), Err(ParseError::Json(_))));
    }

    #[test]
    fn pointers() {
        let body = json!({"a": {"b/c": [10, {"~": 1}], "": 2}}).to_string();
        let tree = Tree::object(body.as_bytes(), &[]).unwrap();
        for pointer in [
            "",
            "/a",
            "/a/b~1c/0",
            "/a/b~1c/1/~0",
            "/a/",
            "/a/b~1c/00",
            "/a/b~1c/+1",
            "/a/b~1c/2",
            "a",
            "/x/y",
        ] {
            let got = tree.pointer(pointer).map(|tree| serde_json::to_value(tree).unwrap());
            let value: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(got, value.pointer(pointer).cloned(), "{pointer}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fall_over(raw: Vec<u8>, quoted in "[\\[\\]{}\":,0a\\\\u]{0,40}") {
            let _ = Tree::object(&raw, &[]);
            prop_assert_eq!(
                Tree::object(quoted.as_bytes(), &[]).is_ok(),
                serde_json::from_str::<serde_json::Map<String, Value>>(&quoted).is_ok()
            );
        }
    }
}
