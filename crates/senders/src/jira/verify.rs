//! `X-Hub-Signature`: HMAC-SHA256 over the raw body, `sha256=` and lower-case hex, for webhooks of
//! an administrator, Cloud and Data Center alike (developer.atlassian.com, "Webhooks").
//!
//! Webhooks that an OAuth app registers for itself are not signed: they bear a token of the app,
//! which says who sends but nothing of what is sent. Whoever sees one may send another body with
//! it until it expires. Prefer a webhook with a secret.

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::error::{EmptySecret, Unverified};
use crate::signature::{Keys, sha256_hex, single};

use super::jwt;

const SIGNATURE: &str = "x-hub-signature";
const AUTHORIZATION: &str = "authorization";

/// The secrets of one Jira webhook; several while one replaces another.
#[derive(Debug)]
pub struct Jira {
    scheme: Scheme,
}

#[derive(Debug)]
enum Scheme {
    Signature(Keys),
    Token(Keys),
}

impl Jira {
    /// A webhook with a secret, Cloud or Data Center: the body is signed.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn signed(secrets: &[Vec<u8>]) -> Result<Self, EmptySecret> {
        Ok(Self { scheme: Scheme::Signature(Keys::new(secrets)?) })
    }

    /// A webhook that an OAuth app registered: a JWT by the app's client secret, HS256, whose `exp`
    /// is checked. It does not cover the body.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn oauth(client_secrets: &[Vec<u8>]) -> Result<Self, EmptySecret> {
        Ok(Self { scheme: Scheme::Token(Keys::new(client_secrets)?) })
    }

    pub(crate) fn verify(
        &self,
        headers: &HeaderMap,
        raw: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Unverified> {
        match &self.scheme {
            Scheme::Signature(keys) => {
                // The documentation keeps other methods for later; a weaker one is not to slip in.
                let digits = single(headers, SIGNATURE)?.strip_prefix(b"sha256=");
                let signature = digits.and_then(sha256_hex).ok_or(Unverified::Malformed(SIGNATURE))?;
                keys.verify(&[raw], &[signature])
            }
            Scheme::Token(keys) => {
                let token = single(headers, AUTHORIZATION)?.strip_prefix(b"Bearer ");
                jwt::verify(keys, token.ok_or(Unverified::Malformed(AUTHORIZATION))?, now, AUTHORIZATION)
            }
        }
    }

    /// The header that Jira would send with a body.
    pub(super) fn sign(&self, now: DateTime<Utc>, raw: &[u8]) -> Option<(&'static str, String)> {
        match &self.scheme {
            Scheme::Signature(keys) => {
                Some((SIGNATURE, format!("sha256={}", hex::encode(keys.sign(&[raw])?))))
            }
            Scheme::Token(keys) => Some((AUTHORIZATION, format!("Bearer {}", jwt::sign(keys, now)?))),
        }
    }
}
