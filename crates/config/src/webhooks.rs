//! Routes that senders deliver to.

use schemas::event::SourceKind;
use schemas::{ConnectionName, WebhookName};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::layer::section;
use crate::secret::SecretRef;
use crate::yaml::{Placed, Sources, YamlError, parsed, refusal};

section! {
    /// One entry of `webhooks:`
    WebhookFile { kind: Option<Kind>, secret: Option<SecretList>, connection: Option<Placed<Name>> }
}

/// A route that one sender delivers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Whose signature scheme and payloads.
    pub kind: SourceKind,
    /// What deliveries are signed with; several while one is being replaced. Never empty.
    pub secrets: Vec<SecretRef>,
    /// The connection that its events belong to.
    pub connection: ConnectionName,
}

impl WebhookFile {
    /// The entry `name`, checked; whether its connection exists is for the caller to check.
    pub(crate) fn build(
        entry: &Placed<Self>,
        name: &WebhookName,
        sources: &Sources,
    ) -> Result<Webhook, Box<YamlError>> {
        let Some(kind) = entry.kind else {
            let error = sources.error_at(entry.place, format!("the webhook `{name}` says no `kind`"));
            return Err(error.with_help("add `kind: github`").boxed());
        };
        let Some(secrets) = &entry.secret else {
            let error = sources.error_at(entry.place, format!("the webhook `{name}` has no `secret`"));
            let help = "add `secret: ${env:NAME}`: without it anybody could deliver";
            return Err(error.with_help(help).boxed());
        };
        let connection = entry
            .connection
            .as_ref()
            .map_or_else(|| ConnectionName(name.0.clone()), |c| ConnectionName(c.0.clone()));
        Ok(Webhook { kind: kind.0, secrets: secrets.0.iter().map(SecretRef::placed).collect(), connection })
    }
}

/// A kind of sender or forge that this version knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind(pub(crate) SourceKind);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| match text {
            "github" => Ok(Self(SourceKind::Github)),
            "gitlab" | "jira" | "sentry" => Err(format!("`kind: {text}` is not supported by this version")),
            _ => Err("this kind is not known".to_owned()),
        };
        parsed(deserializer, parse, "this version knows `kind: github`")
    }
}

/// The name of an entry, which appears in addresses and work items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) String);

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| {
            let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
            let fits = text.len() <= 63
                && text.bytes().all(lower)
                && text.starts_with(|c: char| c.is_ascii_lowercase());
            if fits { Ok(Self(text.to_owned())) } else { Err(format!("`{text}` cannot be a name")) }
        };
        let remedy =
            "start with a letter and use at most 63 of a-z, 0-9, `-` and `_`: it becomes part of addresses";
        parsed(deserializer, parse, remedy)
    }
}

/// One reference, or a list of them.
#[derive(Debug)]
pub(crate) struct SecretList(Vec<Placed<SecretRef>>);

impl<'de> Deserialize<'de> for SecretList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Vec<Placed<SecretRef>>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a reference such as ${env:NAME}, or a list of them")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(vec![Placed { value: SecretRef::parse(text)?, place: None }])
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut secrets = Vec::new();
                while let Some(secret) = list.next_element()? {
                    secrets.push(secret);
                }
                if secrets.is_empty() {
                    return Err(refusal("no secret is listed", "add one, such as ${env:NAME}"));
                }
                Ok(secrets)
            }
        }
        struct Parsed(Vec<Placed<SecretRef>>);
        impl<'de> Deserialize<'de> for Parsed {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(OneOrMany).map(Parsed)
            }
        }
        let Placed { value: Parsed(mut secrets), place } = Placed::deserialize(deserializer)?;
        for secret in &mut secrets {
            secret.place = secret.place.or(place);
        }
        Ok(Self(secrets))
    }
}
