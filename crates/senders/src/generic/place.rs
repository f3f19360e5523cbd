//! What stands at a place of a body.

use schemas::mapping::Place;
use serde_json::Value;

/// What is there; null is nothing.
pub(super) fn value_at(place: &Place, body: &Value) -> Option<Value> {
    match place {
        Place::Constant(text) => Some(Value::String(text.clone())),
        Place::Pointer(pointer) => body.pointer(pointer).filter(|value| !value.is_null()).cloned(),
    }
}

/// The text or number that is there, as text. U+0000, which PostgreSQL cannot store, becomes U+FFFD.
pub(super) fn text_at(place: &Place, body: &Value) -> Option<String> {
    match value_at(place, body)? {
        Value::String(text) if !text.is_empty() => Some(text.replace('\0', "\u{fffd}")),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
