//! Reading a signature header strictly: once, not empty, one exact form.

use std::fmt;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

use crate::error::{EmptySecret, Unverified};

/// Bytes in an HMAC-SHA256.
pub(crate) const SHA256_BYTES: usize = 32;

/// The only value of `name`.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a [u8], Unverified> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Unverified::Missing(name))?;
    if values.next().is_some() {
        return Err(Unverified::Duplicated(name));
    }
    Ok(value.as_bytes())
}

/// 64 lower-case hex digits as bytes. Upper case is refused: one signature has one spelling.
pub(crate) fn sha256_hex(digits: &[u8]) -> Option<[u8; SHA256_BYTES]> {
    if digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut mac = [0; SHA256_BYTES];
    hex::decode_to_slice(digits, &mut mac).ok()?;
    Some(mac)
}

/// The secrets of one webhook, as keys of HMAC-SHA256; several while one replaces another.
#[derive(Clone)]
pub(crate) struct Keys(Vec<Hmac<Sha256>>);

impl Keys {
    /// Refuses none at all, and one that is empty or blank.
    pub(crate) fn new<S: AsRef<[u8]>>(secrets: &[S]) -> Result<Self, EmptySecret> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.as_ref().trim_ascii().is_empty()) {
            return Err(EmptySecret);
        }
        Self::raw(secrets)
    }

    /// Keys that are bytes, not text: any byte may be in them.
    pub(crate) fn raw<S: AsRef<[u8]>>(keys: &[S]) -> Result<Self, EmptySecret> {
        let keys = keys.iter().map(|key| Hmac::new_from_slice(key.as_ref()).map_err(|_| EmptySecret));
        Ok(Self(keys.collect::<Result<_, _>>()?))
    }

    /// The signature of the first key over `parts`, one after the other.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Option<[u8; SHA256_BYTES]> {
        Some(over(self.0.first()?, parts).finalize().into_bytes().into())
    }

    /// Whether one of `signatures` is one key's over `parts`. The body is hashed once a key,
    /// however many signatures are offered.
    pub(crate) fn verify(
        &self,
        parts: &[&[u8]],
        signatures: &[[u8; SHA256_BYTES]],
    ) -> Result<(), Unverified> {
        let fits = |key: &Hmac<Sha256>| {
            let mac = over(key, parts);
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        };
        if self.0.iter().any(fits) { Ok(()) } else { Err(Unverified::Mismatch) }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

fn over(key: &Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    parts.iter().fold(key.clone(), |mac, part| mac.chain_update(part))
}

/// How far a signed time may be off, both ways: 300 s, as in Slack's documentation and all
/// reference libraries of Standard Webhooks.
pub(crate) const WINDOW_SECONDS: i64 = 300;

/// Whole seconds since 1970 in plain ASCII digits; another script's digits are no digits here.
pub(crate) fn unix_seconds(digits: &[u8]) -> Option<i64> {
    let plain = (1..=12).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// Refuses a signed time that is more than [`WINDOW_SECONDS`] from `now`.
pub(crate) fn fresh(seconds: i64, now: DateTime<Utc>, header: &'static str) -> Result<(), Unverified> {
    let off = now.timestamp().abs_diff(seconds);
    if off <= WINDOW_SECONDS.unsigned_abs() { Ok(()) } else { Err(Unverified::Stale(header)) }
}
