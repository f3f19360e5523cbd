//! How the deliveries of a webhook prove where they come from.

use schemas::event::SourceKind;
use schemas::mapping::Encoding;

use crate::secret::{SecretList, SecretRef};
use crate::yaml::{Place, Placed, Sources, YamlError};

use super::{WebhookFile, scheme};

/// How deliveries prove where they come from. Each list holds several secrets while one replaces
/// another, and is never empty except where it says so. `S` is a reference to a secret, or the
/// secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof<S = SecretRef> {
    /// Not at all: `insecure: true`.
    Nothing,
    /// By the scheme of the webhook's kind: `secret`.
    Secret(Vec<S>),
    /// GitLab's: `signing_token` and `secret_token`; one of the two lists may be empty.
    Tokens {
        /// `whsec_` and base64: the delivery is signed.
        signing: Vec<S>,
        /// Sent in clear.
        secret: Vec<S>,
    },
    /// The client secrets of an OAuth app of Jira's: `oauth`.
    OAuth(Vec<S>),
    /// Standard Webhooks, `whsec_` and base64.
    StandardWebhooks(Vec<S>),
    /// An HMAC-SHA256 over the body.
    Hmac {
        /// The header it is in.
        header: String,
        /// What the header holds before it.
        prefix: String,
        /// How it is written.
        encoding: Encoding,
        /// What it is made with.
        secrets: Vec<S>,
    },
    /// `Authorization: Bearer`, sent in clear.
    Bearer(Vec<S>),
}

impl<S> Proof<S> {
    /// Every secret in it.
    pub fn secrets(&self) -> impl Iterator<Item = &S> {
        let (first, second): (&[S], &[S]) = match self {
            Self::Nothing => (&[], &[]),
            Self::Tokens { signing, secret } => (signing, secret),
            Self::Secret(secrets)
            | Self::OAuth(secrets)
            | Self::StandardWebhooks(secrets)
            | Self::Hmac { secrets, .. }
            | Self::Bearer(secrets) => (secrets, &[]),
        };
        first.iter().chain(second)
    }

    /// The same with each secret replaced.
    pub(crate) fn try_map<T, E>(&self, resolve: impl Fn(&S) -> Result<T, E>) -> Result<Proof<T>, E> {
        let all = |secrets: &[S]| secrets.iter().map(&resolve).collect::<Result<Vec<T>, E>>();
        Ok(match self {
            Self::Nothing => Proof::Nothing,
            Self::Secret(secrets) => Proof::Secret(all(secrets)?),
            Self::Tokens { signing, secret } => {
                Proof::Tokens { signing: all(signing)?, secret: all(secret)? }
            }
            Self::OAuth(secrets) => Proof::OAuth(all(secrets)?),
            Self::StandardWebhooks(secrets) => Proof::StandardWebhooks(all(secrets)?),
            Self::Hmac { header, prefix, encoding, secrets } => Proof::Hmac {
                header: header.clone(),
                prefix: prefix.clone(),
                encoding: *encoding,
                secrets: all(secrets)?,
            },
            Self::Bearer(secrets) => Proof::Bearer(all(secrets)?),
        })
    }
}

/// What of an entry is about its proof, for a webhook of one kind.
pub(super) struct Given<'a> {
    pub(super) kind: SourceKind,
    pub(super) entry: &'a Placed<WebhookFile>,
    pub(super) sources: &'a Sources,
}

impl Given<'_> {
    /// The proof that the entry of the webhook `name` states.
    pub(super) fn proof(&self, name: &str) -> Result<Proof, Box<YamlError>> {
        self.refuse_foreign()?;
        let entry = self.entry;
        let list =
            |secrets: &Option<SecretList>| secrets.as_ref().map(SecretList::references).unwrap_or_default();
        let stated = match (self.kind, &entry.secret, &entry.oauth) {
            (_, Some(_), Some(oauth)) => {
                let wrong = "`secret` and `oauth` are two schemes, and a webhook has one";
                return self.refuse(oauth.place(), wrong, "keep the one that this webhook was made with");
            }
            (_, Some(secret), None) => Some(Proof::Secret(secret.references())),
            (_, None, Some(oauth)) => Some(Proof::OAuth(oauth.references())),
            (SourceKind::Generic, ..) => {
                let scheme = entry.scheme.0.as_ref();
                scheme.map(|scheme| scheme::proof(scheme, self.sources)).transpose()?
            }
            _ if entry.signing_token.is_some() || entry.secret_token.is_some() => {
                Some(Proof::Tokens { signing: list(&entry.signing_token), secret: list(&entry.secret_token) })
            }
            _ => None,
        };
        let insecure = entry.insecure.as_ref().filter(|insecure| insecure.value);
        match (stated, insecure) {
            (Some(_), Some(insecure)) => {
                let wrong = format!("the webhook `{name}` has a secret, and `insecure: true` ignores it");
                self.refuse(insecure.place, &wrong, "remove `insecure`, or remove the secret")
            }
            (Some(proof), None) => Ok(proof),
            (None, Some(_)) => Ok(Proof::Nothing),
            (None, None) => {
                let (all, first) = (keys_of(self.kind), first_key_of(self.kind));
                let wrong = format!("the webhook `{name}` has no {all}");
                let help = format!("add {first}: without it anybody could deliver");
                self.refuse(entry.place, &wrong, &help)
            }
        }
    }

    /// Keys of another kind do nothing: who wrote one believes something that is not so.
    fn refuse_foreign(&self) -> Result<(), Box<YamlError>> {
        use SourceKind::{Generic, Gitlab, Jira};
        let kind = self.kind;
        let place = |secrets: &Option<SecretList>| secrets.as_ref().map(SecretList::place);
        let WebhookFile { secret, signing_token, secret_token, oauth, scheme, mapping, .. } =
            &self.entry.value;
        let keys = [
            ("secret", place(secret), !matches!(kind, Gitlab | Generic), String::new()),
            ("signing_token", place(signing_token), kind == Gitlab, "GitLab's".to_owned()),
            ("secret_token", place(secret_token), kind == Gitlab, "GitLab's".to_owned()),
            ("oauth", place(oauth), kind == Jira, "Jira's".to_owned()),
            ("scheme", scheme.0.as_ref().map(|s| s.place), kind == Generic, "for `kind: generic`".to_owned()),
            ("mapping", mapping.as_ref().map(|m| m.place), kind == Generic, "for `kind: generic`".to_owned()),
        ];
        for (key, place, allowed, owner) in keys {
            let Some(place) = place.filter(|_| !allowed) else { continue };
            let wrong = if owner.is_empty() {
                format!("a {kind} webhook has no `{key}`")
            } else {
                format!("`{key}` is {owner}")
            };
            return self.refuse(place, &wrong, &format!("a {kind} webhook has {}", keys_of(kind)));
        }
        Ok(())
    }

    fn refuse<T>(&self, place: Option<Place>, wrong: &str, help: &str) -> Result<T, Box<YamlError>> {
        Err(self.sources.error_at(place, wrong).with_help(help).boxed())
    }
}

fn keys_of(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Gitlab => "`signing_token` or `secret_token`",
        SourceKind::Jira => "`secret` or `oauth`",
        SourceKind::Generic => "`scheme`",
        _ => "`secret`",
    }
}

fn first_key_of(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Gitlab => "`signing_token: ${env:NAME}`",
        SourceKind::Generic => "`scheme: { hmac: { header: X-Signature, secret: \"${env:NAME}\" } }`",
        _ => "`secret: ${env:NAME}`",
    }
}
