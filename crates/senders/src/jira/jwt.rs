//! JSON Web Tokens by HS256 (RFC 7515 and RFC 7519), of which Jira documents no claim.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Unverified;
use crate::signature::Keys;

/// Our clock may be behind the issuer's by this many seconds.
const SKEW_SECONDS: f64 = 60.0;

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that must be understood; none is (RFC 7515, section 4.1.11).
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    /// Seconds since 1970, perhaps with a fraction. A token without an end is not taken.
    exp: f64,
    nbf: Option<f64>,
}

/// Whether `token` is by one of `keys` and in force at `now`. The signature is checked first:
/// nothing in an unsigned token is looked at.
pub(super) fn verify(
    keys: &Keys,
    token: &[u8],
    now: DateTime<Utc>,
    name: &'static str,
) -> Result<(), Unverified> {
    let malformed = Unverified::Malformed(name);
    let token = std::str::from_utf8(token).map_err(|_| malformed)?;
    let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(malformed)?;
    if claims.contains('.') {
        return Err(malformed);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok().and_then(|bytes| bytes.try_into().ok());
    keys.verify(&[signed.as_bytes()], &[signature.ok_or(malformed)?])?;
    let header: Header = part(header).ok_or(malformed)?;
    if header.alg != "HS256" || header.crit.is_some() {
        return Err(malformed);
    }
    let claims: Claims = part(claims).ok_or(malformed)?;
    let now = now.timestamp() as f64;
    let begun = claims.nbf.is_none_or(|nbf| nbf <= now + SKEW_SECONDS);
    if begun && now < claims.exp { Ok(()) } else { Err(Unverified::Stale(name)) }
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// A token of the first key that is in force for a minute.
pub(super) fn sign(keys: &Keys, now: DateTime<Utc>) -> Option<String> {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let now = now.timestamp();
    let header = encode(&json!({ "alg": "HS256", "typ": "JWT" }));
    let signed = format!("{header}.{}", encode(&json!({ "iat": now, "exp": now.saturating_add(60) })));
    let signature = URL_SAFE_NO_PAD.encode(keys.sign(&[signed.as_bytes()])?);
    Some(format!("{signed}.{signature}"))
}
