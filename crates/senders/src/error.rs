//! Why a request is refused or a delivery cannot be read. No message holds a secret or payload text.

/// A webhook whose secret is empty: everybody could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's secret is empty; set the same non-empty secret here and at the sender")]
pub struct EmptySecret;

/// A key that signatures cannot be checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Everybody could sign.
    #[error(transparent)]
    Empty(#[from] EmptySecret),
    /// Not as senders hand it out (standard-webhooks.md, "Signature scheme").
    #[error("a signing token is `whsec_` and base64 of 24 to 64 bytes; copy it whole from the sender's page")]
    NoSigningToken,
    /// No name that HTTP allows for a header.
    #[error("this is no name of a header")]
    HeaderName,
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// No signature; senders leave it out when no secret is set.
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    /// Two signatures: which one a proxy before us looked at cannot be told.
    #[error("the header `{0}` came more than once")]
    Duplicated(&'static str),
    /// Not a signature of this scheme.
    #[error("the header `{0}` is not a signature of the expected form")]
    Malformed(&'static str),
    /// The signature belongs to another body or another secret.
    #[error("the signature does not fit the body")]
    Mismatch,
    /// A secret sent in clear that is not ours.
    #[error("the header `{0}` does not hold the secret")]
    WrongToken(&'static str),
    /// Signed too long ago, or in the future: a replay, or a clock that is wrong.
    #[error("the signed time `{0}` is missing or out of the accepted window; compare both clocks")]
    Stale(&'static str),
    /// A stronger proof than this webhook is configured for; ignoring it would be a way around it.
    #[error("the sender signs in the header `{0}`, but no key for it is configured; add the key here")]
    NoKeyFor(&'static str),
}

impl Unverified {
    /// One word for a metric's label.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Duplicated(_) => "duplicated",
            Self::Malformed(_) => "malformed",
            Self::Mismatch | Self::WrongToken(_) => "mismatch",
            Self::Stale(_) => "stale",
            Self::NoKeyFor(_) => "no_key",
        }
    }
}

/// Why the way a body is written is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedContent {
    /// Without a type the same bytes could be read in two ways.
    #[error("the header `content-type` is missing or came more than once")]
    NotOneType,
    /// A type this sender never sends.
    #[error("this content type is not accepted")]
    Type,
    /// JSON is UTF-8 (RFC 8259, section 8.1).
    #[error("only the charset utf-8 is accepted")]
    Charset,
    /// Nothing is decompressed at the door.
    #[error("a content encoding is not accepted")]
    Encoding,
}

/// A form that does not decode to one JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedForm {
    /// A `%` that two hex digits do not follow.
    #[error("the form holds a broken percent escape")]
    Escape,
    /// A field twice: which one a proxy before us looked at cannot be told.
    #[error("the form holds a field more than once")]
    Doubled,
    /// More fields than any sender's form has.
    #[error("the form holds more fields than any sender's")]
    TooManyFields,
    /// Not exactly one field `payload`.
    #[error("the form must hold exactly one field `payload`")]
    NotOnePayload,
}

/// Why a delivery cannot be read as an event.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// A body of no known shape.
    #[error("a webhook of the kind `generic` is read by its mapping only")]
    NoMapping,
    /// The body says nothing that names the event.
    #[error("nothing in the body says what happened: `{0}` is missing")]
    Nameless(&'static str),
    /// A header that says what the body is about was not stored or not sent.
    #[error("the header `{0}` is missing")]
    MissingHeader(&'static str),
    /// A header holds something no sender would write there.
    #[error("the header `{0}` is malformed")]
    MalformedHeader(&'static str),
    /// The form around the JSON is broken.
    #[error("the body is no form that can be read")]
    Form(#[from] MalformedForm),
    /// Larger than any genuine delivery, and built it would fill the memory.
    #[error("the body holds more than {0} values")]
    TooManyValues(usize),
    /// The body is no JSON object.
    #[error("the body is no JSON object")]
    Json(#[from] serde_json::Error),
    /// The unsigned event header and the signed body speak of different things: likely a replay
    /// of a genuine body under another name.
    #[error("the header says `{event}`, but the body {because}")]
    Disagrees {
        /// The event that the header names.
        event: String,
        /// What in the body speaks against it.
        because: &'static str,
    },
}
