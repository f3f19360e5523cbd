//! Standard Webhooks: HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{raw body}`
//! (standard-webhooks.md, "Signature scheme"). GitLab's signing tokens are the same scheme.
//!
//! Signatures of other versions may stand beside ours; anything else in the header refuses it whole.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::error::{EmptySecret, InvalidSecret, Unverified};
use crate::signature::{Keys, SHA256_BYTES, fresh, single, unix_seconds};

/// The delivery's id, equal for all its attempts; signed.
pub(crate) const ID: &str = "webhook-id";
/// The time of the attempt, in whole seconds since 1970; signed.
pub(crate) const TIMESTAMP: &str = "webhook-timestamp";
/// `v1,` and base64, several separated by spaces.
pub(crate) const SIGNATURE: &str = "webhook-signature";

/// Some senders hand out tokens without the padding.
const TOKEN: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Signing tokens, `whsec_` and base64; the key is what the base64 stands for, not the text.
pub(crate) struct SigningTokens(Keys);

impl SigningTokens {
    pub(crate) fn new(tokens: &[String]) -> Result<Self, InvalidSecret> {
        if tokens.is_empty() || tokens.iter().any(|token| token.trim().is_empty()) {
            return Err(EmptySecret.into());
        }
        let keys = tokens.iter().map(|token| key_of(token).ok_or(InvalidSecret::NoSigningToken));
        Ok(Self(Keys::raw(&keys.collect::<Result<Vec<_>, _>>()?)?))
    }

    pub(crate) fn verify(
        &self,
        headers: &HeaderMap,
        raw: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Unverified> {
        let signatures = signatures(single(headers, SIGNATURE)?).ok_or(Unverified::Malformed(SIGNATURE))?;
        let id = single(headers, ID)?;
        if !is_id(id) {
            return Err(Unverified::Malformed(ID));
        }
        let timestamp = single(headers, TIMESTAMP)?;
        let seconds = unix_seconds(timestamp).ok_or(Unverified::Malformed(TIMESTAMP))?;
        fresh(seconds, now, TIMESTAMP)?;
        self.0.verify(&[id, b".", timestamp, b".", raw], &signatures)
    }

    /// The headers that a sender would sign `raw` with.
    pub(crate) fn sign(&self, id: &str, now: DateTime<Utc>, raw: &[u8]) -> Vec<(&'static str, String)> {
        let timestamp = now.timestamp().to_string();
        let signature = self.0.sign(&[id.as_bytes(), b".", timestamp.as_bytes(), b".", raw]);
        let signature = signature.map(|mac| (SIGNATURE, format!("v1,{}", STANDARD.encode(mac))));
        [(ID, id.to_owned()), (TIMESTAMP, timestamp)].into_iter().chain(signature).collect()
    }
}

impl fmt::Debug for SigningTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn key_of(token: &str) -> Option<Vec<u8>> {
    let key = TOKEN.decode(token.trim().strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&key.len()).then_some(key)
}

/// A dot in the id would let the same signed bytes be cut in two ways.
fn is_id(id: &[u8]) -> bool {
    (1..=256).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'.')
}

/// The signatures of version 1; `None` when there is none, or anything is not `version,base64`.
fn signatures(value: &[u8]) -> Option<Vec<[u8; SHA256_BYTES]>> {
    let mut found = Vec::new();
    for entry in std::str::from_utf8(value).ok()?.split(' ') {
        let (version, signature) = entry.split_once(',')?;
        let number = version.strip_prefix('v')?;
        if !(1..=8).contains(&number.len())
            || !number.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        {
            return None;
        }
        let signature = STANDARD.decode(signature).ok()?;
        if version == "v1" {
            found.push(signature.try_into().ok()?);
        }
    }
    (!found.is_empty()).then_some(found)
}
