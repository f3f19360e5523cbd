//! Forges from connections and their credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, bail};
use config::{Connection, Credential, Settings};
use forge::Forge;
use forge::github::{GitHub, GitHubAuth, GitHubSettings};
use forge::gitlab::{GitLab, GitLabSettings};
use schemas::ConnectionName;
use schemas::event::SourceKind;

/// The forges that this process writes to. Nothing is asked of them yet. Trackers are none: nothing
/// is written to them.
///
/// # Errors
/// When a credential is no credential.
pub fn forges(
    settings: &Settings,
    credentials: &BTreeMap<ConnectionName, Credential>,
) -> anyhow::Result<BTreeMap<ConnectionName, Arc<dyn Forge>>> {
    let mut forges: BTreeMap<ConnectionName, Arc<dyn Forge>> = BTreeMap::new();
    for (name, connection) in settings.connections.iter().filter(|(_, c)| c.has_repositories()) {
        let Some(credential) = credentials.get(name) else { continue };
        let forge = forge(connection, credential)
            .with_context(|| format!("the connection `{name}` cannot be used"))?;
        forges.insert(name.clone(), forge);
    }
    Ok(forges)
}

fn forge(connection: &Connection, credential: &Credential) -> anyhow::Result<Arc<dyn Forge>> {
    let (url, ca_file) = (connection.url.clone(), connection.ca_file.clone());
    Ok(match (connection.kind, credential) {
        (SourceKind::Github, Credential::Token(token)) => {
            let auth = GitHubAuth::Token(token.clone());
            Arc::new(GitHub::connect(GitHubSettings { url, auth, ca_file })?)
        }
        (SourceKind::Github, Credential::App { id, private_key }) => {
            let auth = GitHubAuth::App { id: *id, private_key: private_key.clone() };
            Arc::new(GitHub::connect(GitHubSettings { url, auth, ca_file })?)
        }
        (SourceKind::Gitlab, Credential::Token(token)) => {
            Arc::new(GitLab::connect(GitLabSettings { url, token: token.clone(), ca_file })?)
        }
        (kind, _) => bail!("{kind} takes no credential of this form"),
    })
}
