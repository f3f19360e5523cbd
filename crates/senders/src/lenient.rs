//! Reading only what is used, and taking what does not fit as absent.
//!
//! Senders add fields, leave some out and send null or another type where documentation promises
//! one (protocol notes, sections 5 and 7 rule 7). Losing one optional field is better than losing
//! the event; what an event cannot do without is demanded where the event is built.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON object whose values are parsed when asked for.
pub(crate) struct Object<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json).map(Self)
    }

    /// The value of `key`; absent, null and of another shape are all `None`.
    pub(crate) fn read<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.0.get(key).and_then(|raw| serde_json::from_str(raw.get()).ok())
    }

    /// Whether `key` is there and not null.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|raw| raw.get() != "null")
    }
}

/// For `deserialize_with`: a value of another type is `None`, not an error.
pub(crate) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(T::deserialize(Value::deserialize(deserializer)?).ok())
}

/// A text; U+0000, which PostgreSQL cannot store, becomes U+FFFD.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if text.contains('\0') => Some(text.replace('\0', "\u{fffd}")),
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// An id: a number in one tool or event, a string in another.
pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() && !text.contains('\0') => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// A point in time: RFC 3339 text, or whole seconds since 1970.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => DateTime::parse_from_rfc3339(&text).ok().map(|time| time.with_timezone(&Utc)),
        Value::Number(number) => number.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        _ => None,
    })
}
