//! Reading a body by path, taking what does not fit as absent.
//!
//! The counterpart of [`crate::lenient`] for senders whose bodies differ too much from event to
//! event for one struct each: absent, null and of another type are all the same nothing.

use chrono::{DateTime, Utc};
use schemas::Untrusted;
use serde_json::{Map, Value};

/// A body that is a JSON object.
///
/// # Errors
/// When it is anything else.
pub(crate) fn object(json: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Map<String, Value>>(json).map(Value::Object)
}

/// A place in a body, perhaps an empty one.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a>(Option<&'a Value>);

impl<'a> Node<'a> {
    pub(crate) fn of(body: &'a Value) -> Self {
        Self(Some(body))
    }

    /// The place at `path`, keys joined by dots.
    pub(crate) fn at(self, path: &str) -> Self {
        Self(
            path.split('.').try_fold(self.0, |at, key| Some(at?.get(key))).flatten().filter(|v| !v.is_null()),
        )
    }

    pub(crate) fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// Whether an object has `key`, if only as null.
    pub(crate) fn has(self, key: &str) -> bool {
        self.0.is_some_and(|value| value.get(key).is_some())
    }

    pub(crate) fn is_object(self) -> bool {
        self.0.is_some_and(Value::is_object)
    }

    /// A text that is not empty; U+0000, which PostgreSQL cannot store, becomes U+FFFD.
    pub(crate) fn text(self) -> Option<String> {
        let text = self.0?.as_str().filter(|text| !text.is_empty())?;
        Some(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() })
    }

    pub(crate) fn untrusted(self) -> Option<Untrusted> {
        self.text().map(Untrusted::new)
    }

    /// A short word, safe in a list, a metric and a rule; lower-case letters stay what they are.
    pub(crate) fn word(self) -> Option<&'a str> {
        self.0?.as_str().filter(|text| is_word(text))
    }

    /// An id: a number in one event, a text in another.
    pub(crate) fn id(self) -> Option<String> {
        match self.0? {
            Value::String(text) if !text.is_empty() && !text.contains('\0') => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(crate) fn number(self) -> Option<u64> {
        self.0?.as_u64()
    }

    pub(crate) fn flag(self) -> Option<bool> {
        self.0?.as_bool()
    }

    /// A point in time as text, with or without a colon in its offset. Go writes the year 1 where
    /// it has no time.
    pub(crate) fn time(self) -> Option<DateTime<Utc>> {
        let text = self.0?.as_str()?;
        let time = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
            // Ruby's own form, in GitLab's bodies.
            .or_else(|_| DateTime::parse_from_str(&text.replace(" UTC", " +0000"), "%Y-%m-%d %H:%M:%S %z"))
            .ok()?
            .with_timezone(&Utc);
        (time.timestamp() > 0).then_some(time)
    }

    /// A point in time as milliseconds since 1970, or as text.
    pub(crate) fn time_or_millis(self) -> Option<DateTime<Utc>> {
        self.0?.as_i64().and_then(DateTime::from_timestamp_millis).or_else(|| self.time())
    }

    /// What is there, whatever it is.
    pub(crate) fn value(self) -> Option<&'a Value> {
        self.0
    }

    /// The names in an object; nothing when it is none.
    pub(crate) fn keys(self) -> impl Iterator<Item = &'a str> {
        self.0.and_then(Value::as_object).into_iter().flat_map(|object| object.keys().map(String::as_str))
    }

    /// What a list holds; nothing when it is no list.
    pub(crate) fn items(self) -> impl DoubleEndedIterator<Item = Node<'a>> + ExactSizeIterator {
        self.0.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter().map(Node::of)
    }
}

/// Names of events, projects and levels as senders write them: `issue_comment`, `pr:opened`.
pub(crate) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places() {
        let body = json!({"a": {"b": "x", "n": 7, "none": null, "list": [1, 2], "empty": ""}});
        let body = Node::of(&body);
        assert_eq!(body.at("a.b").text().as_deref(), Some("x"));
        assert_eq!(body.at("a").at("n").id().as_deref(), Some("7"));
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
            assert_eq!(Node::of(&json!(text)).time(), expected, "{text}");
            assert_eq!(Node::of(&json!(text)).time_or_millis(), expected, "{text}");
        }
        assert_eq!(
            Node::of(&json!(1_551_431_315_592_i64)).time_or_millis().unwrap().timestamp(),
            1_551_431_315
        );
        assert_eq!(Node::of(&json!(i64::MAX)).time_or_millis(), None);
    }
}
