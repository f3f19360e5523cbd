//! `Sentry-Hook-Signature`: HMAC-SHA256 over the raw body, bare lower-case hex
//! (docs.sentry.io, "Webhooks"; `build_signature` in `sentry_apps/models/sentry_app.py`).
//!
//! Requests of an integration's interface components have `Sentry-App-Signature` instead, made the
//! same way. The samples in Sentry's documentation hash JSON that they wrote anew; that fails as
//! soon as an escape differs, so only the bytes that came are hashed here.

use http::HeaderMap;

use crate::error::{EmptySecret, Unverified};
use crate::handshake::Handshake;
use crate::signature::{Keys, sha256_hex, single};

use super::RESOURCE;

const HOOK: &str = "sentry-hook-signature";
const COMPONENT: &str = "sentry-app-signature";

/// The client secrets of one integration; several while one replaces another.
#[derive(Debug)]
pub struct Sentry {
    keys: Keys,
}

impl Sentry {
    /// An integration that any of `secrets` may sign for.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn new(secrets: &[Vec<u8>]) -> Result<Self, EmptySecret> {
        Ok(Self { keys: Keys::new(secrets)? })
    }

    pub(crate) fn sign(&self, raw_body: &[u8]) -> Option<(&'static str, String)> {
        Some((HOOK, hex::encode(self.keys.sign(&[raw_body])?)))
    }

    pub(crate) fn verify(&self, headers: &HeaderMap, raw_body: &[u8]) -> Result<(), Unverified> {
        let component = headers.contains_key(COMPONENT) && !headers.contains_key(HOOK);
        let name = if component { COMPONENT } else { HOOK };
        let signature = sha256_hex(single(headers, name)?).ok_or(Unverified::Malformed(name))?;
        self.keys.verify(&[raw_body], &[signature])
    }
}

/// An interface component may send an empty body: there is nothing to store in it.
pub(crate) fn handshake(sentry: &Sentry, headers: &HeaderMap, raw_body: &[u8]) -> Option<Handshake> {
    let component = headers.contains_key(COMPONENT) && !headers.contains_key(RESOURCE);
    let empty = component && raw_body.is_empty() && sentry.verify(headers, raw_body).is_ok();
    empty.then(Handshake::ok)
}
