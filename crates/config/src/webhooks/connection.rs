//! Which connection a webhook's events belong to. Its name is the first part of their work items,
//! so two tools must not come to share one by chance.

use std::collections::BTreeMap;

use schemas::ConnectionName;
use schemas::event::SourceKind;

use crate::connections::Connection;
use crate::name::Name;
use crate::yaml::{Sources, YamlError, closest};

use super::{WebhookFile, WebhookFiles};

/// The connection of the webhook `name`: the one it names, else the one of its own name. Where there
/// is none, its name alone stands in work items; others of its kind may share that by naming it.
pub(super) fn of(
    name: &Name,
    kind: SourceKind,
    webhooks: &WebhookFiles,
    connections: &BTreeMap<ConnectionName, Connection>,
    sources: &Sources,
) -> Result<ConnectionName, Box<YamlError>> {
    let entry = webhooks.get(name);
    let named = entry.and_then(|entry| entry.connection.as_ref());
    let place = named.map_or_else(|| entry.and_then(|entry| entry.place), |named| named.place);
    let wanted = ConnectionName(named.map_or(name, |named| &named.value).0.clone());
    let refuse = |wrong: String, help: String| Err(sources.error_at(place, wrong).with_help(help).boxed());

    if let Some(connection) = connections.get(&wanted) {
        if kind == SourceKind::Generic || connection.kind == kind {
            return Ok(wanted);
        }
        if named.is_some() {
            let wrong = format!("a {kind} webhook cannot belong to a {} connection", connection.kind);
            return refuse(wrong, "name one of its own kind".to_owned());
        }
        let wrong = format!(
            "the {kind} webhook `{wanted}` has the name of a {} connection: their work items could not be told apart",
            connection.kind
        );
        return refuse(
            wrong,
            "rename one of the two, or name the webhook's own with `connection:`".to_owned(),
        );
    }
    // What GitHub tells is acted on at GitHub.
    if named.is_none() && kind != SourceKind::Github {
        return Ok(wanted);
    }
    if let Some(other) = webhooks.get(&Name(wanted.0.clone())).filter(|_| named.is_some())
        && stands_alone(other)
        && let Some(theirs) = other.kind.as_ref()
    {
        if kind == SourceKind::Generic || theirs.value == kind {
            return Ok(wanted);
        }
        let wrong = format!("a {kind} webhook cannot share the name of a {} webhook", theirs.value);
        return refuse(wrong, "leave `connection` out, or name one of its own kind".to_owned());
    }
    let help = match closest(wanted.as_str(), connections.keys().map(ConnectionName::as_str)) {
        Some(near) => format!("did you mean `connection: {near}`?"),
        None => format!("add `{wanted}` to `connections`, or name another one with `connection:`"),
    };
    let wrong = format!("the webhook `{}` belongs to no connection: there is no `{wanted}`", name.0);
    refuse(wrong, help)
}

/// Whether a webhook's own name is what its work items are named by.
fn stands_alone(webhook: &WebhookFile) -> bool {
    let is_github = webhook.kind.as_ref().is_some_and(|kind| kind.value == SourceKind::Github);
    webhook.connection.is_none() && !is_github
}
