//! `X-Gitea-Signature` and `X-Forgejo-Signature`: HMAC-SHA256, bare lower-case hex
//! (`services/webhook/deliver.go`; in Forgejo `services/webhook/shared/payloader.go`).
//!
//! It covers the JSON payload, also where that travels as a field of a form.

use http::HeaderMap;

use crate::content;
use crate::error::{EmptySecret, Unverified};
use crate::signature::{Keys, sha256_hex, single};

use super::FORMATS;

const SIGNATURE: &str = "x-gitea-signature";
const FORGEJO: &str = "x-forgejo-signature";

/// The secrets of one Gitea or Forgejo webhook; several while one replaces another.
#[derive(Debug)]
pub struct Gitea {
    keys: Keys,
}

impl Gitea {
    /// A webhook that any of `secrets` may sign for.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn new(secrets: &[Vec<u8>]) -> Result<Self, EmptySecret> {
        Ok(Self { keys: Keys::new(secrets)? })
    }

    pub(crate) fn sign(&self, payload: &[u8]) -> Option<(&'static str, String)> {
        Some((SIGNATURE, hex::encode(self.keys.sign(&[payload])?)))
    }

    /// Of the two headers one must be there, and each that is there must be right.
    pub(crate) fn verify(&self, headers: &HeaderMap, raw_body: &[u8]) -> Result<(), Unverified> {
        let forgejo = headers.contains_key(FORGEJO);
        let names: &[&'static str] = match (headers.contains_key(SIGNATURE), forgejo) {
            (true, true) => &[SIGNATURE, FORGEJO],
            (false, true) => &[FORGEJO],
            (_, false) => &[SIGNATURE],
        };
        // A form that holds no payload holds nothing that a signature could fit.
        let format = content::check(headers, FORMATS).map_err(|_| Unverified::Mismatch)?;
        let payload = content::json_of(format, raw_body).map_err(|_| Unverified::Mismatch);
        for name in names {
            let signature = sha256_hex(single(headers, name)?).ok_or(Unverified::Malformed(name))?;
            self.keys.verify(&[payload.as_deref().map_err(|error| *error)?], &[signature])?;
        }
        Ok(())
    }
}
