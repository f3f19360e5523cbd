//! YAML into typed values, and errors that show the place; the only module that knows serde-saphyr.
//!
//! Stricter than YAML: `true` and `false` alone are booleans, a key appears once, and size, depth
//! and aliases are bounded, so that a hostile file costs little.

mod error;
mod picture;
mod sources;
mod tree;

use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer};

pub use error::{YamlError, closest};
pub use sources::Sources;
pub use tree::Tree;

/// The largest text that is read: 1 MiB.
pub const LARGEST: usize = 1 << 20;

/// Reads one document. `name` is what messages call the text: a path, mostly.
///
/// # Errors
/// When the text is no YAML, or not what `T` asks for; the error shows the place.
pub fn from_str<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Box<YamlError>> {
    Sources::default().parse(name, text)
}

/// Where a value stands in the texts of one [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    start: usize,
    len: usize,
}

/// A value that knows its place, so that what is found wrong later can still be shown.
///
/// The place is lost below `#[serde(flatten)]`, `untagged` and internally tagged enums.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands; absent when the parser could not tell.
    pub place: Option<Place>,
}

impl<T> Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { place: place(spanned.referenced), value: spanned.value })
    }
}

fn place(location: serde_saphyr::Location) -> Option<Place> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let len = span.byte_len().and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
    (location.line() > 0).then_some(Place { start, len })
}

/// An error for use inside a `Deserialize` implementation: what is wrong, and what to do about it.
pub fn refusal<E: de::Error>(wrong: impl fmt::Display, remedy: impl fmt::Display) -> E {
    E::custom(format_args!("{wrong}{}{remedy}", error::REMEDY))
}

/// Like [`refusal`], for a value that no message may show.
pub fn refusal_of_secret<E: de::Error>(wrong: impl fmt::Display, remedy: impl fmt::Display) -> E {
    E::custom(format_args!("{wrong}{}{remedy}{}", error::REMEDY, error::COVER))
}

/// Reads a text and turns it into a value that says itself what is wrong with the text.
pub(crate) fn parsed<'de, D, T, R>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, R>,
    remedy: &str,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    R: fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(|wrong| refusal(wrong, remedy))
}
