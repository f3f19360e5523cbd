//! Names of webhooks and connections, which appear in addresses and work items.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::yaml::refusal;

/// What schedules name their work items by: `schedule:weekly:github/acme/api`.
const RESERVED: &str = "schedule";

/// The name of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) String);

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let fits = text.len() <= 63
            && text.bytes().all(allowed)
            && text.starts_with(|c: char| c.is_ascii_lowercase());
        if !fits {
            return Err(refusal(
                format!("`{text}` cannot be a name"),
                "start with a letter and use at most 63 of a-z, 0-9, `-` and `_`: it becomes part of addresses",
            ));
        }
        if text == RESERVED {
            return Err(refusal(
                format!("`{text}` cannot be a name: what schedules start is named so"),
                "choose another name",
            ));
        }
        Ok(Self(text))
    }
}
