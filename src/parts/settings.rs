//! What the dispatcher is told, from the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use artifacts::Artifacts;
use config::{Automations, Settings};
use dispatcher::links::{Tracker, Trackers};
use dispatcher::{AutomationsRepository, GateKey};
use forge::Directory;
use schemas::ConnectionName;

use super::deciding;

/// Work items that are written to at the same time.
const WRITES_AT_ONCE: usize = 8;
/// After an unclear write, when to look whether it happened. GitHub's lists were seen to lag by seconds.
const SETTLE: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(20)];

/// The settings of the dispatcher.
pub fn of_dispatcher(
    settings: &Settings,
    name: String,
    gate_key: GateKey,
    artifacts: Artifacts,
    directories: BTreeMap<ConnectionName, Arc<dyn Directory>>,
) -> dispatcher::Settings {
    let repositories = settings.clone();
    dispatcher::Settings {
        name,
        webhooks: deciding::readings(settings),
        routing: deciding::routing(settings),
        directories,
        trackers: trackers(settings),
        repository_setup: Box::new(move |repo| repositories.repository(repo)),
        automations: match &settings.automations {
            Automations::Folder(_) => None,
            Automations::Repository { repository, path, branch } => Some(AutomationsRepository {
                repository: repository.clone(),
                path: path.clone(),
                branch: branch.clone(),
            }),
        },
        lease: settings.runs.lease,
        lost_retries: 1,
        settle: SETTLE.to_vec(),
        writes_at_once: WRITES_AT_ONCE,
        artifacts,
        gate_key,
        gate_url: format!("http://{}/worker/v1/git", reachable(settings.listen.worker())),
        commit_author: ("Pullwright".to_owned(), "pullwright@localhost".to_owned()),
    }
}

/// Whose pages texts may point to.
fn trackers(settings: &Settings) -> Trackers {
    let connections = settings.connections.iter().filter(|(_, connection)| !connection.has_repositories());
    let tracker =
        |connection: &config::Connection| Tracker { kind: connection.kind, url: connection.url.clone() };
    connections.map(|(name, connection)| (name.clone(), tracker(connection))).collect()
}

/// An address that this machine reaches itself by, for one that listens everywhere.
fn reachable(mut address: std::net::SocketAddr) -> std::net::SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}
