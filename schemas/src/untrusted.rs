//! Text that somebody outside wrote.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text from an event: a valid signature says who delivered it, not who wrote it.
///
/// It reaches an agent as data in files and a page through an escaping renderer; it has no
/// `Display`, so it cannot slip into a shell word, a template of ours or a command line.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Wraps text from outside; U+0000, which PostgreSQL cannot store, becomes U+FFFD.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.contains('\0') { Self(text.replace('\0', "\u{fffd}")) } else { Self(text) }
    }

    /// The raw text. The caller answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({} bytes)", self.0.len())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
