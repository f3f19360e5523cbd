//! Reading a signature header strictly: once, not empty, one exact form.

use http::HeaderMap;

use crate::error::Unverified;

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
