//! `X-Hub-Signature`: HMAC-SHA256 over the raw body, `sha256=` and lower-case hex
//! (support.atlassian.com, "Manage webhooks"; confluence.atlassian.com, "Manage webhooks").
//!
//! GitHub's header of that name holds a SHA-1; here only `sha256=` is taken.

use http::HeaderMap;

use crate::error::{EmptySecret, Unverified};
use crate::handshake::{Handshake, header};
use crate::signature::{Keys, sha256_hex, single};

use super::EVENT;

const SIGNATURE: &str = "x-hub-signature";

/// The secrets of one Bitbucket webhook; several while one replaces another.
#[derive(Debug)]
pub struct Bitbucket {
    keys: Keys,
}

impl Bitbucket {
    /// A webhook that any of `secrets` may sign for.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn new(secrets: &[Vec<u8>]) -> Result<Self, EmptySecret> {
        Ok(Self { keys: Keys::new(secrets)? })
    }

    pub(crate) fn sign(&self, raw_body: &[u8]) -> Option<(&'static str, String)> {
        Some((SIGNATURE, format!("sha256={}", hex::encode(self.keys.sign(&[raw_body])?))))
    }

    pub(crate) fn verify(&self, headers: &HeaderMap, raw_body: &[u8]) -> Result<(), Unverified> {
        let malformed = Unverified::Malformed(SIGNATURE);
        let digits = single(headers, SIGNATURE)?.strip_prefix(b"sha256=").ok_or(malformed)?;
        self.keys.verify(&[raw_body], &[sha256_hex(digits).ok_or(malformed)?])
    }
}

/// Data Center's "Test connection" comes without a signature, as other receivers have found; it is
/// answered and forgotten. One that is signed wrongly is refused, so that the button tells it.
pub(crate) fn handshake(bitbucket: &Bitbucket, headers: &HeaderMap, raw_body: &[u8]) -> Option<Handshake> {
    let ping = header(headers, EVENT) == Some("diagnostics:ping");
    let believed = || !headers.contains_key(SIGNATURE) || bitbucket.verify(headers, raw_body).is_ok();
    (ping && believed()).then(Handshake::ok)
}
