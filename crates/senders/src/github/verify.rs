//! `X-Hub-Signature-256`: HMAC-SHA256 over the raw body, `sha256=` and lower-case hex
//! (docs.github.com, "Validating webhook deliveries").
//!
//! The older `X-Hub-Signature` (SHA-1) is never looked at: a weaker scheme next to a stronger one
//! is the weaker one.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

use crate::error::{EmptySecret, Unverified};
use crate::signature::{sha256_hex, single};

const SIGNATURE: &str = "x-hub-signature-256";

/// The secrets of one GitHub webhook; several while one replaces another.
pub struct GitHub {
    keys: Vec<Hmac<Sha256>>,
}

impl GitHub {
    /// A webhook that any of `secrets` may sign for.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn new(secrets: Vec<Vec<u8>>) -> Result<Self, EmptySecret> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.trim_ascii().is_empty()) {
            return Err(EmptySecret);
        }
        let keys = secrets.iter().map(|secret| Hmac::new_from_slice(secret).map_err(|_| EmptySecret));
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// The signature header that this sender would send with a body, by its first secret.
    pub(crate) fn sign(&self, raw_body: &[u8]) -> Option<(&'static str, String)> {
        let mac = self.keys.first()?.clone().chain_update(raw_body).finalize();
        Some((SIGNATURE, format!("sha256={}", hex::encode(mac.into_bytes()))))
    }

    pub(crate) fn verify(&self, headers: &HeaderMap, raw_body: &[u8]) -> Result<(), Unverified> {
        let digits =
            single(headers, SIGNATURE)?.strip_prefix(b"sha256=").ok_or(Unverified::Malformed(SIGNATURE))?;
        let signature = sha256_hex(digits).ok_or(Unverified::Malformed(SIGNATURE))?;
        let fits = |key: &Hmac<Sha256>| key.clone().chain_update(raw_body).verify_slice(&signature).is_ok();
        if self.keys.iter().any(fits) { Ok(()) } else { Err(Unverified::Mismatch) }
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitHub({} secrets)", self.keys.len())
    }
}
