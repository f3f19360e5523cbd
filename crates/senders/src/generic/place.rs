//! What stands at a place of a body.

use std::borrow::Cow;

use schemas::mapping::Place;

use crate::tree::Tree;

/// What is there; null is nothing.
pub(super) fn value_at<'a>(place: &'a Place, body: &Tree<'a>) -> Option<Tree<'a>> {
    match place {
        Place::Constant(text) => Some(Tree::Text(Cow::Borrowed(text))),
        Place::Pointer(pointer) => {
            body.pointer(pointer).filter(|value| !matches!(value, Tree::Null)).cloned()
        }
    }
}

/// The text or number that is there, as text. U+0000, which PostgreSQL cannot store, becomes U+FFFD.
pub(super) fn text_at(place: &Place, body: &Tree<'_>) -> Option<String> {
    match value_at(place, body)? {
        Tree::Text(text) if !text.is_empty() => Some(text.replace('\0', "\u{fffd}")),
        Tree::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
