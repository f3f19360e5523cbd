//! Forges from connections and their credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use config::{Credential, Settings};
use forge::Forge;
use forge::github::{GitHub, GitHubAuth, GitHubSettings};
use schemas::ConnectionName;

/// The forges that this process writes to. Nothing is asked of them yet.
///
/// # Errors
/// When a credential is no credential.
pub fn forges(
    settings: &Settings,
    credentials: &BTreeMap<ConnectionName, Credential>,
) -> anyhow::Result<BTreeMap<ConnectionName, Arc<dyn Forge>>> {
    let mut forges: BTreeMap<ConnectionName, Arc<dyn Forge>> = BTreeMap::new();
    for (name, connection) in &settings.connections {
        let Some(credential) = credentials.get(name) else { continue };
        let auth = match credential {
            Credential::Token(token) => GitHubAuth::Token(token.clone()),
            Credential::App { id, private_key } => {
                GitHubAuth::App { id: *id, private_key: private_key.clone() }
            }
        };
        let settings =
            GitHubSettings { url: connection.url.clone(), auth, ca_file: connection.ca_file.clone() };
        let github =
            GitHub::connect(settings).with_context(|| format!("the connection `{name}` cannot be used"))?;
        forges.insert(name.clone(), Arc::new(github));
    }
    Ok(forges)
}
