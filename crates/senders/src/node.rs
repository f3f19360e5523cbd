//! Reading a body by path, taking what does not fit as absent.
//!
//! Senders add fields, leave some out and send null or another type where documentation promises
//! one (protocol notes, sections 5 and 7 rule 7): absent, null and of another type are all the same
//! nothing. Losing one optional field is better than losing the event; what an event cannot do
//! without is demanded where the event is built.

use chrono::{DateTime, Utc};
use schemas::Untrusted;

use crate::tree::Tree;

/// A place in a body, perhaps an empty one.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a>(Option<&'a Tree<'a>>);

impl<'a> Node<'a> {
    pub(crate) fn of(body: &'a Tree<'a>) -> Self {
        Self(Some(body))
    }

    /// The place at `path`, keys joined by dots; null is nothing.
    pub(crate) fn at(self, path: &str) -> Self {
        let found = self.0.and_then(|at| path.split('.').try_fold(at, Tree::get));
        Self(found.filter(|value| !matches!(value, Tree::Null)))
    }

    pub(crate) fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// Whether an object has `key`, if only as null.
    pub(crate) fn has(self, key: &str) -> bool {
        self.0.is_some_and(|value| value.get(key).is_some())
    }

    pub(crate) fn is_object(self) -> bool {
        matches!(self.0, Some(Tree::Object(_)))
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(self.0, Some(Tree::Text(_)))
    }

    fn str(self) -> Option<&'a str> {
        if let Tree::Text(text) = self.0? { Some(text) } else { None }
    }

    pub(crate) fn integer(self) -> Option<i64> {
        if let Tree::Number(number) = self.0? { number.as_i64() } else { None }
    }

    /// A text that is not empty; U+0000, which PostgreSQL cannot store, becomes U+FFFD.
    pub(crate) fn text(self) -> Option<String> {
        let text = self.str().filter(|text| !text.is_empty())?;
        Some(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() })
    }

    pub(crate) fn untrusted(self) -> Option<Untrusted> {
        self.text().map(Untrusted::new)
    }

    /// A short word, safe in a list, a metric and a rule; lower-case letters stay what they are.
    pub(crate) fn word(self) -> Option<&'a str> {
        self.str().filter(|text| is_word(text))
    }

    /// An id: a number in one event, a text in another. A number that is not whole, or too large to
    /// be kept digit by digit, is none.
    pub(crate) fn id(self) -> Option<String> {
        match self.0? {
            Tree::Text(text) if !text.is_empty() && !text.contains('\0') => Some(text.to_string()),
            Tree::Number(number) if !number.is_f64() => Some(number.to_string()),
            _ => None,
        }
    }

    pub(crate) fn number(self) -> Option<u64> {
        if let Tree::Number(number) = self.0? { number.as_u64() } else { None }
    }

    pub(crate) fn flag(self) -> Option<bool> {
        if let Tree::Bool(flag) = self.0? { Some(*flag) } else { None }
    }

    /// A point in time as text, with or without a colon in its offset. Go writes the year 1 where
    /// it has no time.
    pub(crate) fn time(self) -> Option<DateTime<Utc>> {
        let text = self.str()?;
        let time = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
            // Ruby's own form, in GitLab's bodies.
            .or_else(|_| DateTime::parse_from_str(&text.replace(" UTC", " +0000"), "%Y-%m-%d %H:%M:%S %z"))
            .ok()?
            .with_timezone(&Utc);
        (time.timestamp() > 0).then_some(time)
    }

    /// A point in time as whole seconds since 1970, or as text.
    pub(crate) fn time_or_seconds(self) -> Option<DateTime<Utc>> {
        self.integer().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).or_else(|| self.time())
    }

    /// A point in time as milliseconds since 1970, or as text.
    pub(crate) fn time_or_millis(self) -> Option<DateTime<Utc>> {
        self.integer().and_then(DateTime::from_timestamp_millis).or_else(|| self.time())
    }

    /// What is there as JSON.
    pub(crate) fn json(self) -> Option<String> {
        serde_json::to_string(self.0?).ok()
    }

    /// The names in an object; nothing when it is none.
    pub(crate) fn keys(self) -> impl Iterator<Item = &'a str> {
        let entries = if let Some(Tree::Object(entries)) = self.0 { entries.as_slice() } else { &[] };
        entries.iter().map(|(key, _)| key.as_ref())
    }

    /// What a list holds; `None` when it is no list.
    pub(crate) fn list(self) -> Option<impl Iterator<Item = Node<'a>>> {
        if let Tree::List(list) = self.0? { Some(list.iter().map(Node::of)) } else { None }
    }

    /// What a list holds; nothing when it is no list.
    pub(crate) fn items(self) -> impl DoubleEndedIterator<Item = Node<'a>> + ExactSizeIterator {
        let list = if let Some(Tree::List(list)) = self.0 { list.as_slice() } else { &[] };
        list.iter().map(Node::of)
    }
}

/// Names of events, projects and levels as senders write them: `issue_comment`, `pr:opened`.
pub(crate) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.'))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A place that holds `value`, for as long as the tests run.
    pub(crate) fn node(value: &Value) -> Node<'static> {
        let text = json!({ "at": value }).to_string().leak();
        Node::of(Box::leak(Box::new(Tree::object(text.as_bytes(), &[]).unwrap()))).at("at")
    }

    #[test]
    fn places() {
        let body = json!({"a": {"b": "x", "n": 7, "none": null, "list": [1, 2], "empty": ""}});
        let body = node(&body);
        assert_eq!(body.at("a.b").text().as_deref(), Some("x"));
        assert_eq!(body.at("a").at("n").id().as_deref(), Some("7"));
        for no_id in [json!(7.5), json!(1e30), json!(""), json!("a\0"), json!(true), json!([7])] {
            assert_eq!(node(&no_id).id(), None, "{no_id}");
        }
        assert_eq!(body.at("a.list").items().filter_map(Node::number).collect::<Vec<_>>(), [1, 2]);
        for path in ["a.none", "a.none.more", "a.b.c", "a.list.0", "x", "", "a."] {
            assert!(!body.at(path).is_there(), "{path}");
        }
        assert_eq!(body.at("a.empty").text(), None);
    }

    #[test]
    fn times() {
        let table = [
            ("2019-03-01T10:08:35+0100", Some("2019-03-01T09:08:35Z")),
            ("2019-03-01T10:08:35+01:00", Some("2019-03-01T09:08:35Z")),
            ("2020-04-28T13:56:05.903Z", Some("2020-04-28T13:56:05.903Z")),
            ("2017-12-10 16:41:28 UTC", Some("2017-12-10T16:41:28Z")),
            ("2021-04-28 21:50:00 +0200", Some("2021-04-28T19:50:00Z")),
            ("0001-01-01T00:00:00Z", None),
            ("2019-03-01", None),
            ("", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|time| time.parse().unwrap());
            assert_eq!(node(&json!(text)).time(), expected, "{text}");
            assert_eq!(node(&json!(text)).time_or_millis(), expected, "{text}");
        }
        assert_eq!(node(&json!(1_551_431_315_592_i64)).time_or_millis().unwrap().timestamp(), 1_551_431_315);
        assert_eq!(node(&json!(i64::MAX)).time_or_millis(), None);
        assert_eq!(node(&json!(i64::MAX)).time_or_seconds(), None);
        assert_eq!(node(&json!(1_551_431_315)).time_or_seconds().unwrap().timestamp(), 1_551_431_315);
    }
}
