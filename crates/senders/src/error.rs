//! Why a request is refused or a delivery cannot be read. No message holds a secret or payload text.

use schemas::event::SourceKind;

/// A webhook whose secret is empty: everybody could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's secret is empty; set the same non-empty secret here and at the sender")]
pub struct EmptySecret;

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
}

impl Unverified {
    /// One word for a metric's label.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Duplicated(_) => "duplicated",
            Self::Malformed(_) => "malformed",
            Self::Mismatch => "mismatch",
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
    /// Not exactly one field `payload`.
    #[error("the form must hold exactly one field `payload`")]
    NotOnePayload,
}

/// Why a delivery cannot be read as an event.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// This version reads no events of that kind.
    #[error("this version reads no events from {0}")]
    NoParser(SourceKind),
    /// A header that says what the body is about was not stored or not sent.
    #[error("the header `{0}` is missing")]
    MissingHeader(&'static str),
    /// A header holds something no sender would write there.
    #[error("the header `{0}` is malformed")]
    MalformedHeader(&'static str),
    /// The form around the JSON is broken.
    #[error("the body is no form that can be read")]
    Form(#[from] MalformedForm),
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
