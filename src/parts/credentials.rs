//! Forges from connections and their credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, bail};
use config::{Connection, Credential, Settings};
use forge::github::{GitHub, GitHubAuth, GitHubSettings};
use forge::gitlab::{GitLab, GitLabSettings};
use forge::jira::{Jira, JiraAuth, JiraSettings};
use forge::{Directory, Forge};
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

/// The trackers whose groups and roles may be asked for. Nothing is asked of them yet.
///
/// # Errors
/// When a credential is no credential.
pub fn directories(
    settings: &Settings,
    credentials: &BTreeMap<ConnectionName, Credential>,
) -> anyhow::Result<BTreeMap<ConnectionName, Arc<dyn Directory>>> {
    let mut directories: BTreeMap<ConnectionName, Arc<dyn Directory>> = BTreeMap::new();
    for (name, connection) in settings.connections.iter().filter(|(_, c)| c.kind == SourceKind::Jira) {
        let auth = match credentials.get(name) {
            Some(Credential::Account { email, token }) => {
                JiraAuth::Cloud { email: email.clone(), token: token.clone() }
            }
            Some(Credential::Token(token)) => JiraAuth::DataCenter(token.clone()),
            Some(Credential::App { .. }) | None => continue,
        };
        let (url, ca_file) = (connection.url.clone(), connection.ca_file.clone());
        let jira = Jira::connect(JiraSettings { url, auth, ca_file })
            .with_context(|| format!("the connection `{name}` cannot be used"))?;
        directories.insert(name.clone(), Arc::new(jira));
    }
    Ok(directories)
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
