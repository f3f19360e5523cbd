//! How a tool without a format of its own here is read: its owner says where its body holds what.

use std::fmt;

use serde::Deserialize;

/// Which place of a body is what. Only `type` is needed; what cannot be read is absent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The event's type: one of ours (`dispatch.received`), or the tool's own, which is kept as
    /// `unmapped.generic.<type>`.
    pub r#type: Place,
    /// What it is about, as people name it: `INC-7`; the work item is `<connection>:INC-7`.
    #[serde(default)]
    pub work_item: Option<Place>,
    /// A repository of the webhook's connection: `acme/api`.
    #[serde(default)]
    pub repository: Option<Place>,
    /// The login of who did it, as the repository's forge knows it.
    #[serde(default)]
    pub actor: Option<Place>,
    /// A title.
    #[serde(default)]
    pub title: Option<Place>,
    /// A text.
    #[serde(default)]
    pub body: Option<Place>,
    /// Labels: a list of texts, or of objects with a `name` or `title`; or one text.
    #[serde(default)]
    pub labels: Option<Place>,
    /// Where a person reads it; an `http` or `https` address.
    #[serde(default)]
    pub url: Option<Place>,
    /// When it happened: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default)]
    pub time: Option<Place>,
    /// The tool's id of what happened: two deliveries with one type and id are one happening.
    #[serde(default)]
    pub id: Option<Place>,
    /// What makes two deliveries one. Unless said, it is the id that the tool signs, or else the body.
    #[serde(default)]
    pub dedupe: Option<Dedupe>,
}

/// What makes two deliveries of a tool one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dedupe {
    /// A header with equal text. Where the tool does not sign that header, whoever saw a delivery
    /// can repeat it under another text; Standard Webhooks sign `webhook-id`.
    Header(String),
    /// Equal bodies.
    Body,
    /// Nothing: every delivery counts.
    None,
}

/// A JSON Pointer into the body (RFC 6901), which begins with `/`; any other text is the value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    /// The same for every delivery.
    Constant(String),
    /// `/data/issue/key`.
    Pointer(String),
}

/// A text that is neither a pointer nor a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no JSON Pointer: after `~` only `0` and `1` may stand (RFC 6901)")]
pub struct InvalidPlace(String);

impl TryFrom<String> for Place {
    type Error = InvalidPlace;
    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        if !text.starts_with('/') {
            return Ok(Self::Constant(text));
        }
        let escapes_ok = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if escapes_ok { Ok(Self::Pointer(text)) } else { Err(InvalidPlace(text)) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Constant(text) | Self::Pointer(text)) = self;
        f.write_str(text)
    }
}

/// How a signature is written as text; each has one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Lower-case hex digits.
    Hex,
    /// Base64 (RFC 4648, section 4) with its padding.
    Base64,
}
