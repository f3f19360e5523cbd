//! `scheme:` of a generic webhook: how a tool of any kind proves itself.

use http::HeaderName;
use schemas::mapping::Encoding;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::layer::{Part, section};
use crate::secret::SecretList;
use crate::yaml::{Placed, Sources, YamlError, parsed};

use super::proof::Proof;

section! {
    /// `scheme: { … }`, with one of its keys
    SchemeFile {
        standard_webhooks: Option<SecretList>,
        hmac: Part<HmacFile>,
        bearer: Option<SecretList>,
    }
}

section! {
    /// `scheme: { hmac: { … } }`
    HmacFile {
        header: Option<Header>,
        prefix: Option<String>,
        encoding: Option<Encoding>,
        secret: Option<SecretList>,
    }
}

/// The one scheme that is stated.
pub(super) fn proof(scheme: &Placed<SchemeFile>, sources: &Sources) -> Result<Proof, Box<YamlError>> {
    match &scheme.value {
        SchemeFile { standard_webhooks: Some(tokens), hmac: Part(None), bearer: None } => {
            Ok(Proof::StandardWebhooks(tokens.references()))
        }
        SchemeFile { standard_webhooks: None, hmac: Part(Some(hmac)), bearer: None } => {
            of_hmac(hmac, sources)
        }
        SchemeFile { standard_webhooks: None, hmac: Part(None), bearer: Some(tokens) } => {
            Ok(Proof::Bearer(tokens.references()))
        }
        _ => {
            let error = sources.error_at(scheme.place, "`scheme` needs one way of proof, and no second one");
            Err(error.with_help("write `standard_webhooks`, `hmac` or `bearer`").boxed())
        }
    }
}

fn of_hmac(hmac: &Placed<HmacFile>, sources: &Sources) -> Result<Proof, Box<YamlError>> {
    let missing = |key: &str, help: &str| {
        sources.error_at(hmac.place, format!("`hmac` has no `{key}`")).with_help(help).boxed()
    };
    let header = hmac.header.as_ref().ok_or_else(|| {
        missing("header", "add the header that holds the signature, such as `header: X-Signature`")
    })?;
    let secret = hmac
        .secret
        .as_ref()
        .ok_or_else(|| missing("secret", "add `secret: ${env:NAME}`: without it anybody could deliver"))?;
    Ok(Proof::Hmac {
        header: header.0.clone(),
        prefix: hmac.prefix.clone().unwrap_or_default(),
        encoding: hmac.encoding.unwrap_or(Encoding::Hex),
        secrets: secret.references(),
    })
}

/// The name of a header.
#[derive(Debug)]
pub(crate) struct Header(String);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| match HeaderName::try_from(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(format!("`{text}` is no name of a header")),
        };
        parsed(deserializer, parse, "write the name alone, such as X-Signature")
    }
}
