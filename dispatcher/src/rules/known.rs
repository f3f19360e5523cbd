//! What the configuration has and automations name.

use std::collections::{BTreeMap, BTreeSet};

use config::Settings;
use config::yaml::closest;
use schemas::event::SourceKind;
use schemas::{ConnectionName, WebhookName};

/// Connections and webhooks, so that an automation that names another one is a mistake.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What each connection is to.
    pub connections: BTreeMap<ConnectionName, SourceKind>,
    /// The webhooks.
    pub webhooks: BTreeSet<WebhookName>,
}

impl Known {
    /// What to write in place of a connection that is not there.
    pub(super) fn other_connection(&self, name: &str) -> String {
        let names = || self.connections.keys().map(ConnectionName::as_str);
        match closest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.connections.is_empty() => "the configuration has no connections".to_owned(),
            None => format!("the configuration has {}", names().collect::<Vec<_>>().join(", ")),
        }
    }
}

impl From<&Settings> for Known {
    fn from(settings: &Settings) -> Self {
        let kinds = settings.connections.iter().map(|(name, connection)| (name.clone(), connection.kind));
        Self { connections: kinds.collect(), webhooks: settings.webhooks.keys().cloned().collect() }
    }
}
