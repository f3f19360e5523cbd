//! Where a value comes from: a place in the body, or the configuration itself.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// A JSON Pointer into the body (RFC 6901), which begins with `/`; any other text is the value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    /// The same for every delivery.
    Constant(String),
    /// `/data/issue/key`.
    Pointer(String),
}

/// A text that is neither a pointer nor a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no JSON Pointer: after `~` only `0` and `1` may stand (RFC 6901)")]
pub struct InvalidPlace(String);

impl TryFrom<String> for Place {
    type Error = InvalidPlace;
    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        if !text.starts_with('/') {
            return Ok(Self::Constant(text));
        }
        let escapes_ok = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if escapes_ok { Ok(Self::Pointer(text)) } else { Err(InvalidPlace(text)) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Constant(text) | Self::Pointer(text)) = self;
        f.write_str(text)
    }
}

impl Place {
    /// What is there; null is nothing.
    pub(super) fn of(&self, body: &Value) -> Option<Value> {
        match self {
            Self::Constant(text) => Some(Value::String(text.clone())),
            Self::Pointer(pointer) => body.pointer(pointer).filter(|value| !value.is_null()).cloned(),
        }
    }

    /// The text or number that is there, as text. U+0000, which PostgreSQL cannot store, becomes U+FFFD.
    pub(super) fn text(&self, body: &Value) -> Option<String> {
        match self.of(body)? {
            Value::String(text) if !text.is_empty() => Some(text.replace('\0', "\u{fffd}")),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}
