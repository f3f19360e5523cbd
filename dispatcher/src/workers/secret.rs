//! Tokens and credentials as they are shown: `NAME.SECRET`, the secret known by its hash alone.

use chrono::{DateTime, Utc};
use schemas::WorkerName;
use sha2::{Digest, Sha256};
use store::HashedSecret;
use subtle::ConstantTimeEq;

/// What somebody showed: whose it says it is, and the hash of its secret.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// Whose it says it is.
    pub(crate) name: WorkerName,
    hash: String,
}

impl Shown {
    /// Reads `NAME.SECRET`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, secret) = text.split_once('.')?;
        Some(Self { name: WorkerName::from(name), hash: hash(secret) })
    }

    /// Whether it is this secret and still counts; in time that says nothing of either.
    pub(crate) fn is(&self, secret: Option<&HashedSecret>, now: DateTime<Utc>) -> bool {
        let (known, counts) =
            secret.map_or(("", false), |secret| (secret.hash.as_str(), secret.expires_at > now));
        bool::from(self.hash.as_bytes().ct_eq(known.as_bytes())) && counts
    }

    /// The hash of what was shown, to tell one secret from another.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

/// SHA-256 in hex: the secrets are random, so that nothing slower is needed.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
