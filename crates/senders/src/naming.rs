//! Names that all senders build the same way: unmapped events and semantic keys.

use schemas::event::{EventType, SourceKind};
use sha2::{Digest, Sha256};

use crate::node::is_word;

/// The sender's own name for something we have no word for: `gitea.repository.created`.
///
/// Parts that are no short words are left out, so that a name is safe in a list and a metric.
pub(crate) fn unmapped(kind: SourceKind, parts: &[Option<&str>]) -> EventType {
    let words = parts.iter().flatten().copied().filter(|part| is_word(part));
    EventType::Unmapped(std::iter::once(kind.as_str()).chain(words).collect::<Vec<_>>().join("."))
}

/// One key for one happening: a hash of all that it is made of.
pub(crate) fn semantic_key(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

/// The host of an address, with its port.
pub(crate) fn host_of(url: &str) -> Option<&str> {
    url.split("://").nth(1)?.split('/').next().filter(|host| !host.is_empty())
}
