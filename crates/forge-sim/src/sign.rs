//! Signatures of webhook bodies.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// The `X-Hub-Signature-256` header of `body`
/// (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>).
#[must_use]
pub fn github(secret: &str, body: &[u8]) -> String {
    // HMAC takes a key of any length, so there is no failing case.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// The legacy `X-Hub-Signature` header, which GitHub still sends next to it.
#[must_use]
pub fn github_sha1(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    format!("sha1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_published_example() {
        let signature = super::github("It's a Secret to Everybody", b"Hello, World!");
        assert_eq!(signature, "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    }
}
