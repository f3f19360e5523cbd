//! `Linear-Signature`: HMAC-SHA256 over the raw body, bare lower-case hex, and in the body the time
//! of sending, at most a minute away (github.com/linear/linear, `packages/sdk/src/webhooks`).
//!
//! The header `Linear-Timestamp` repeats that time unsigned.

use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde::Deserialize;

use crate::error::{EmptySecret, Unverified};
use crate::signature::{Keys, sha256_hex, single};

const SIGNATURE: &str = "linear-signature";
const TIME: &str = "webhookTimestamp";
const WINDOW_MILLIS: u64 = 60_000;

/// The secrets of one Linear webhook; several while one replaces another.
#[derive(Debug)]
pub struct Linear {
    keys: Keys,
}

/// The one field that verification reads, and only once the signature fits.
#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "webhookTimestamp")]
    millis: i64,
}

impl Linear {
    /// A webhook that any of `secrets` may sign for.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn new(secrets: &[Vec<u8>]) -> Result<Self, EmptySecret> {
        Ok(Self { keys: Keys::new(secrets)? })
    }

    pub(crate) fn sign(&self, raw_body: &[u8]) -> Option<(&'static str, String)> {
        Some((SIGNATURE, hex::encode(self.keys.sign(&[raw_body])?)))
    }

    pub(crate) fn verify(
        &self,
        headers: &HeaderMap,
        raw_body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Unverified> {
        let signature = sha256_hex(single(headers, SIGNATURE)?).ok_or(Unverified::Malformed(SIGNATURE))?;
        self.keys.verify(&[raw_body], &[signature])?;
        let sent: Sent = serde_json::from_slice(raw_body).map_err(|_| Unverified::Stale(TIME))?;
        let off = now.timestamp_millis().abs_diff(sent.millis);
        if off <= WINDOW_MILLIS { Ok(()) } else { Err(Unverified::Stale(TIME)) }
    }
}
