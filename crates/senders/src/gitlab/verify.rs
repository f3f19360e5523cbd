//! Signing tokens (GitLab 19.0, merge requests 230944 and 231325) and secret tokens.
//!
//! A signing token proves the body and its time; a secret token is a password sent in clear. Where
//! a signing token is configured only a signature counts. Where none is, a signed delivery is
//! refused: to ignore its signature would be to fall back.

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::error::{EmptySecret, InvalidSecret, Unverified};
use crate::signature::single;
use crate::standard_webhooks::{SIGNATURE, SigningTokens};
use crate::token::Tokens;

const TOKEN: &str = "x-gitlab-token";

/// The secrets of one GitLab webhook; several of a kind while one replaces another.
#[derive(Debug)]
pub struct GitLab {
    signing: Option<SigningTokens>,
    secret: Option<Tokens>,
}

impl GitLab {
    /// A webhook with signing tokens (`whsec_...`), secret tokens, or both; with both, the
    /// signature decides.
    ///
    /// # Errors
    /// When there is neither, one is empty or blank, or a signing token is not one.
    pub fn new(signing_tokens: Vec<String>, secret_tokens: Vec<Vec<u8>>) -> Result<Self, InvalidSecret> {
        if signing_tokens.is_empty() && secret_tokens.is_empty() {
            return Err(EmptySecret.into());
        }
        let some_signing = (!signing_tokens.is_empty()).then_some(signing_tokens);
        let some_secret = (!secret_tokens.is_empty()).then_some(secret_tokens);
        Ok(Self {
            signing: some_signing.as_deref().map(SigningTokens::new).transpose()?,
            secret: some_secret.map(Tokens::new).transpose()?,
        })
    }

    pub(crate) fn verify(
        &self,
        headers: &HeaderMap,
        raw: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Unverified> {
        if let Some(signing) = &self.signing {
            return signing.verify(headers, raw, now);
        }
        if headers.contains_key(SIGNATURE) {
            return Err(Unverified::NoKeyFor(SIGNATURE));
        }
        let given = single(headers, TOKEN)?;
        if given.is_empty() {
            return Err(Unverified::Malformed(TOKEN));
        }
        let known = self.secret.as_ref().is_some_and(|tokens| tokens.holds(given));
        if known { Ok(()) } else { Err(Unverified::WrongToken(TOKEN)) }
    }

    /// The headers that GitLab would send with a body.
    pub(super) fn sign(&self, id: &str, now: DateTime<Utc>, raw: &[u8]) -> Vec<(&'static str, String)> {
        let signature = self.signing.as_ref().map(|signing| signing.sign(id, now, raw));
        let token = self.secret.as_ref().map(|tokens| (TOKEN, tokens.first()));
        signature.into_iter().flatten().chain(token).collect()
    }
}
