//! A secret value in the encodings it is usually seen in.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// Anything shorter is found everywhere; masking it would only show where it is.
const SHORTEST: usize = 6;

/// Every form of `secret` to search for.
pub(super) fn of(secret: &SecretString) -> Vec<String> {
    let value = secret.expose_secret().trim();
    let lines = value.lines().map(str::trim).filter(|_| value.contains('\n'));
    let mut forms = Vec::new();
    for text in std::iter::once(value).chain(lines).filter(|text| text.len() >= SHORTEST) {
        forms.push(text.to_owned());
        forms.push(text.escape_default().to_string());
        forms.extend(serde_json::to_string(text).map(|json| json.trim_matches('"').to_owned()));
        forms.push(percent(text));
        forms.push(percent(text).to_ascii_lowercase());
        forms.push(hex::encode(text));
        forms.push(hex::encode_upper(text));
        forms.extend((0..3).flat_map(|shift| base64_at(text, shift)));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Base64 of `text` where `shift` other bytes precede it: the part that only `text` decides.
fn base64_at(text: &str, shift: usize) -> [String; 2] {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(text.as_bytes());
    // Each character holds 6 bits: those that also hold bits of a neighbour are left out.
    let (first, end) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
    let inner = |encoded: String| encoded.get(first..end).unwrap_or_default().to_owned();
    [inner(STANDARD_NO_PAD.encode(&bytes)), inner(URL_SAFE_NO_PAD.encode(&bytes))]
}

/// Percent-encoding of all but RFC 3986's unreserved characters.
fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            // Writing to a string cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}
