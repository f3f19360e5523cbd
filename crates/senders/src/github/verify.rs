//! `X-Hub-Signature-256`: HMAC-SHA256 over the raw body, `sha256=` and lower-case hex
//! (docs.github.com, "Validating webhook deliveries").
//!
//! The older `X-Hub-Signature` (SHA-1) is never looked at: a weaker scheme next to a stronger one
//! is the weaker one.

use std::fmt;

use http::HeaderMap;

use crate::error::{EmptySecret, Unverified};
use crate::signature::{Keys, sha256_hex, single};

const SIGNATURE: &str = "x-hub-signature-256";

/// The secrets of one GitHub webhook; several while one replaces another.
pub struct GitHub {
    keys: Keys,
}

impl GitHub {
    /// A webhook that any of `secrets` may sign for.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn new(secrets: Vec<Vec<u8>>) -> Result<Self, EmptySecret> {
        Ok(Self { keys: Keys::new(&secrets)? })
    }

    /// The signature header that this sender would send with a body, by its first secret.
    pub(crate) fn sign(&self, raw_body: &[u8]) -> Option<(&'static str, String)> {
        Some((SIGNATURE, format!("sha256={}", hex::encode(self.keys.sign(&[raw_body])?))))
    }

    pub(crate) fn verify(&self, headers: &HeaderMap, raw_body: &[u8]) -> Result<(), Unverified> {
        let digits =
            single(headers, SIGNATURE)?.strip_prefix(b"sha256=").ok_or(Unverified::Malformed(SIGNATURE))?;
        let signature = sha256_hex(digits).ok_or(Unverified::Malformed(SIGNATURE))?;
        self.keys.verify(&[raw_body], &[signature])
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitHub({:?})", self.keys)
    }
}
