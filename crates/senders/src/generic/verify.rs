//! The three ways that tools without a scheme of their own prove themselves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName};
use schemas::mapping::Encoding;

use crate::error::{InvalidSecret, Unverified};
use crate::signature::{Keys, SHA256_BYTES, sha256_hex, single};
use crate::standard_webhooks::{self, SigningTokens};
use crate::token::Tokens;

const AUTHORIZATION: &str = "authorization";

/// How a tool proves itself. Several secrets while one replaces another.
pub enum Scheme {
    /// Standard Webhooks: id, time and body are signed. Tokens are `whsec_` and base64.
    StandardWebhooks {
        /// The signing tokens.
        tokens: Vec<String>,
    },
    /// An HMAC-SHA256 over the raw body in a header. A replay is not told from the first delivery.
    Hmac {
        /// The header's name.
        header: String,
        /// What the header holds before the signature, exactly: `sha256=`, or nothing.
        prefix: String,
        /// How the signature is written.
        encoding: Encoding,
        /// The secrets, as text.
        secrets: Vec<Vec<u8>>,
    },
    /// `Authorization: Bearer <token>`: a password in clear; says nothing about the body.
    Bearer {
        /// The tokens.
        tokens: Vec<Vec<u8>>,
    },
}

/// A configured webhook of any tool.
#[derive(Debug)]
pub struct Generic {
    proof: Proof,
    kept: Vec<&'static str>,
}

#[derive(Debug)]
enum Proof {
    StandardWebhooks(SigningTokens),
    Hmac { header: &'static str, prefix: String, encoding: Encoding, keys: Keys },
    Bearer(Tokens),
}

impl Generic {
    /// A webhook that proves itself by `scheme`. `id_header` is the header that its mapping's
    /// [`schemas::mapping::Dedupe::Header`] names.
    ///
    /// # Errors
    /// When there is no secret, one is empty or of the wrong form, or a header's name is none.
    pub fn new(scheme: Scheme, id_header: Option<&str>) -> Result<Self, InvalidSecret> {
        let mut kept = Vec::new();
        let proof = match scheme {
            Scheme::StandardWebhooks { tokens } => {
                kept.push(standard_webhooks::ID);
                Proof::StandardWebhooks(SigningTokens::new(&tokens)?)
            }
            Scheme::Hmac { header, prefix, encoding, secrets } => {
                Proof::Hmac { header: name(&header)?, prefix, encoding, keys: Keys::new(&secrets)? }
            }
            Scheme::Bearer { tokens } => Proof::Bearer(Tokens::new(tokens)?),
        };
        kept.extend(
            id_header.map(name).transpose()?.filter(|name| *name != standard_webhooks::ID || kept.is_empty()),
        );
        Ok(Self { proof, kept })
    }

    pub(crate) fn kept_headers(&self) -> &[&'static str] {
        &self.kept
    }

    pub(crate) fn verify(
        &self,
        headers: &HeaderMap,
        raw: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Unverified> {
        match &self.proof {
            Proof::StandardWebhooks(tokens) => tokens.verify(headers, raw, now),
            Proof::Hmac { header, prefix, encoding, keys } => {
                let text = single(headers, header)?.strip_prefix(prefix.as_bytes());
                let signature =
                    text.and_then(|text| decode(*encoding, text)).ok_or(Unverified::Malformed(header))?;
                keys.verify(&[raw], &[signature])
            }
            Proof::Bearer(tokens) => {
                let malformed = Unverified::Malformed(AUTHORIZATION);
                let given = single(headers, AUTHORIZATION)?.strip_prefix(b"Bearer ").ok_or(malformed)?;
                if tokens.holds(given) { Ok(()) } else { Err(Unverified::WrongToken(AUTHORIZATION)) }
            }
        }
    }

    /// The headers that the tool would send with a body.
    pub(crate) fn sign(&self, id: &str, now: DateTime<Utc>, raw: &[u8]) -> Vec<(&'static str, String)> {
        match &self.proof {
            Proof::StandardWebhooks(tokens) => tokens.sign(id, now, raw),
            Proof::Hmac { header, prefix, encoding, keys } => {
                let signature = keys.sign(&[raw]).map(|mac| format!("{prefix}{}", encode(*encoding, mac)));
                signature.map(|signature| (*header, signature)).into_iter().collect()
            }
            Proof::Bearer(tokens) => vec![(AUTHORIZATION, format!("Bearer {}", tokens.first()))],
        }
    }
}

fn decode(encoding: Encoding, text: &[u8]) -> Option<[u8; SHA256_BYTES]> {
    match encoding {
        Encoding::Hex => sha256_hex(text),
        Encoding::Base64 => STANDARD.decode(text).ok()?.try_into().ok(),
    }
}

fn encode(encoding: Encoding, mac: [u8; SHA256_BYTES]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(mac),
        Encoding::Base64 => STANDARD.encode(mac),
    }
}

/// A header's name, in lower case. It lives as long as the process: webhooks are read once, at start.
fn name(text: &str) -> Result<&'static str, InvalidSecret> {
    let name = HeaderName::try_from(text).map_err(|_| InvalidSecret::HeaderName)?;
    Ok(String::leak(name.as_str().to_owned()))
}
