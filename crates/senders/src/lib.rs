//! Senders: the tools whose webhooks we take. Pure: no I/O, no clock.
//!
//! Ingress asks a [`Sender`] whether a request is genuine; the dispatcher asks [`parse`] what it
//! says. A sender is one folder and one arm of each `match` below. The route decides the sender,
//! never a header: several tools send each other's headers (protocol notes, section 7 rule 1).

mod content;
mod error;
pub mod github;
mod lenient;
mod signature;

use std::borrow::Cow;

use http::HeaderMap;
use schemas::event::SourceKind;
use schemas::{ConnectionName, Delivery, Event};

pub use content::BodyFormat;
pub use error::{EmptySecret, MalformedForm, ParseError, UnsupportedContent, Unverified};
pub use github::GitHub;

/// A configured sender: its scheme and its secrets.
#[derive(Debug)]
pub enum Sender {
    /// GitHub, github.com or GHES, by repository hook, organisation hook or App.
    GitHub(GitHub),
}

impl Sender {
    /// The kind that configuration names it by.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::GitHub(_) => SourceKind::Github,
        }
    }

    /// Whether who sent this knows the secret. `raw_body` is the body as it came over the wire.
    ///
    /// # Errors
    /// With the reason it cannot be believed; a missing signature is one.
    pub fn verify(&self, headers: &HeaderMap, raw_body: &[u8]) -> Result<(), Unverified> {
        match self {
            Self::GitHub(github) => github.verify(headers, raw_body),
        }
    }

    /// A harmless delivery as this sender makes it, signed: headers and body. `id` is its delivery id.
    #[must_use]
    pub fn sample(&self, id: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
        match self {
            Self::GitHub(github) => github::ping(github, id),
        }
    }

    /// How the body is written, from `Content-Type` and `Content-Encoding`.
    ///
    /// # Errors
    /// When it is written in a way this sender never does; a compressed body is one.
    pub fn check_content_type(&self, headers: &HeaderMap) -> Result<BodyFormat, UnsupportedContent> {
        match self {
            Self::GitHub(_) => content::check(headers, github::FORMATS),
        }
    }

    /// The headers that [`parse`] needs, in lower case; nothing else is stored with a delivery.
    #[must_use]
    pub fn kept_headers(&self) -> &'static [&'static str] {
        match self {
            Self::GitHub(_) => github::KEPT_HEADERS,
        }
    }

    /// The JSON in a body: itself, or the field `payload` of a form.
    ///
    /// # Errors
    /// When a form does not decode, or does not hold exactly one `payload`.
    pub fn json_of(format: BodyFormat, raw_body: &[u8]) -> Result<Cow<'_, [u8]>, MalformedForm> {
        content::json_of(format, raw_body)
    }
}

/// Reads a delivery as an event of `connection`; `raw` is its body, decompressed.
///
/// What the sender says is believed as far as the signature goes: it says who delivered, not who
/// wrote. An event without a mapping is kept as [`schemas::event::EventType::Unmapped`].
///
/// # Errors
/// When the delivery is not what its sender would send; it is to be kept for a person to look at.
pub fn parse(
    kind: SourceKind,
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    match kind {
        SourceKind::Github => github::parse(connection, delivery, raw),
        SourceKind::Gitlab | SourceKind::Jira | SourceKind::Sentry => Err(ParseError::NoParser(kind)),
    }
}
