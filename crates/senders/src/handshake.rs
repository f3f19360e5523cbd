//! Requests that are answered at once and leave nothing behind.

use http::HeaderMap;

/// The answer to a request that asks whether somebody is here; nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The HTTP status.
    pub status: u16,
    /// The body, which is JSON.
    pub body: String,
}

impl Handshake {
    /// `200` and an empty object.
    pub(crate) fn ok() -> Self {
        Self { status: 200, body: "{}".to_owned() }
    }
}

/// The value of `name`, when it came once and is ASCII.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
