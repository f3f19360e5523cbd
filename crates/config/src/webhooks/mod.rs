//! Routes that senders deliver to.

mod connection;
mod proof;
mod rate;
mod scheme;

use std::collections::BTreeMap;

use http::HeaderName;
use ipnet::IpNet;
use schemas::event::SourceKind;
use schemas::mapping::{Dedupe, Mapping};
use schemas::{ConnectionName, WebhookName};

use crate::connections::Connection;
use crate::layer::{Part, section};
use crate::listen::Listen;
use crate::name::Name;
use crate::network::Network;
use crate::secret::SecretList;
use crate::yaml::{Placed, Sources, YamlError};

use proof::Given;
pub use proof::Proof;
pub use rate::Rate;
use scheme::SchemeFile;

section! {
    /// One entry of `webhooks:`
    WebhookFile {
        kind: Option<Placed<SourceKind>>,
        secret: Option<SecretList>,
        signing_token: Option<SecretList>,
        secret_token: Option<SecretList>,
        oauth: Option<SecretList>,
        scheme: Part<SchemeFile>,
        mapping: Option<Placed<Mapping>>,
        connection: Option<Placed<Name>>,
        networks: Option<Placed<Vec<Network>>>,
        rate: Option<Rate>,
        insecure: Option<Placed<bool>>,
    }
}

/// All entries of `webhooks:`
pub(crate) type WebhookFiles = BTreeMap<Name, Placed<WebhookFile>>;

/// A route that one sender delivers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Whose signature scheme and payloads.
    pub kind: SourceKind,
    /// How deliveries prove where they come from.
    pub proof: Proof,
    /// The connection that its events belong to; work items are named by it. There need not be one
    /// of that name, except for GitHub.
    pub connection: ConnectionName,
    /// Where a body holds what; for [`SourceKind::Generic`], and always there for it.
    pub mapping: Option<Mapping>,
    /// The networks that deliveries may come from; empty allows all.
    pub networks: Vec<IpNet>,
    /// How many deliveries it may bring; `None` is any number.
    pub rate: Option<Rate>,
}

impl Webhook {
    /// Whether deliveries are believed without proof.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.proof == Proof::Nothing
    }
}

/// All webhooks, checked.
pub(crate) fn build(
    entries: &WebhookFiles,
    connections: &BTreeMap<ConnectionName, Connection>,
    listen: &Listen,
    sources: &Sources,
) -> Result<BTreeMap<WebhookName, Webhook>, Box<YamlError>> {
    let mut webhooks = BTreeMap::new();
    for (name, entry) in entries {
        let Some(kind) = &entry.kind else {
            let error = sources.error_at(entry.place, format!("the webhook `{}` says no `kind`", name.0));
            return Err(error.with_help("add `kind: github`, or another sender's").boxed());
        };
        if kind.value == SourceKind::Pullwright {
            let error = sources.error_at(kind.place, "`pullwright` delivers no webhooks");
            return Err(error.with_help("name the tool that does: `github`, `gitlab`, `jira`, …").boxed());
        }
        let kind = kind.value;
        let webhook = Webhook {
            kind,
            proof: Given { kind, entry, sources }.proof(&name.0)?,
            connection: connection::of(name, kind, entries, connections, sources)?,
            mapping: entry.mapping.as_ref().map(|mapping| mapping.value.clone()),
            networks: networks(entry, sources)?,
            rate: entry.rate,
        };
        check_loopback(&webhook, entry, listen, sources)?;
        if kind == SourceKind::Generic {
            check_mapping(&webhook, name, entry, connections, sources)?;
        }
        webhooks.insert(WebhookName(name.0.clone()), webhook);
    }
    Ok(webhooks)
}

fn networks(entry: &Placed<WebhookFile>, sources: &Sources) -> Result<Vec<IpNet>, Box<YamlError>> {
    let Some(networks) = &entry.networks else { return Ok(Vec::new()) };
    if networks.is_empty() {
        let error = sources.error_at(networks.place, "nobody may deliver to a webhook without a network");
        return Err(error.with_help("list some, or leave `networks` out to let all in").boxed());
    }
    Ok(networks.iter().map(|network| network.0).collect())
}

fn check_loopback(
    webhook: &Webhook,
    entry: &Placed<WebhookFile>,
    listen: &Listen,
    sources: &Sources,
) -> Result<(), Box<YamlError>> {
    if !webhook.is_insecure() || listen.webhooks.ip().is_loopback() {
        return Ok(());
    }
    let place = entry.insecure.as_ref().and_then(|insecure| insecure.place);
    let wrong = format!("anybody who reaches {} could deliver to an insecure webhook", listen.webhooks);
    let help = "write `listen: { webhooks: 127.0.0.1:8080 }`, or give the webhook a secret";
    Err(sources.error_at(place, wrong).with_help(help).boxed())
}

fn check_mapping(
    webhook: &Webhook,
    name: &Name,
    entry: &Placed<WebhookFile>,
    connections: &BTreeMap<ConnectionName, Connection>,
    sources: &Sources,
) -> Result<(), Box<YamlError>> {
    let Some(Placed { value: mapping, place }) = &entry.mapping else {
        let error = sources.error_at(entry.place, format!("the webhook `{}` has no `mapping`", name.0));
        let help = "say where its bodies hold what: `mapping: { type: dispatch.received, title: /title }`";
        return Err(error.with_help(help).boxed());
    };
    if let Some(Dedupe::Header(header)) = &mapping.dedupe
        && HeaderName::try_from(header.as_str()).is_err()
    {
        let error = sources.error_at(*place, format!("`{header}` is no name of a header"));
        return Err(error.with_help("write the name alone, such as X-Request-Id").boxed());
    }
    let has_repositories = |connection: &Connection| connection.has_repositories();
    if mapping.repository.is_some() && !connections.get(&webhook.connection).is_some_and(has_repositories) {
        let wrong = format!("`{}` is no connection with repositories", webhook.connection);
        let help = "add `connection:` with one of GitHub or GitLab, or leave out `repository`";
        return Err(sources.error_at(*place, wrong).with_help(help).boxed());
    }
    Ok(())
}
