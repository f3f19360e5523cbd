//! Forges and trackers that the dispatcher calls.

mod auth;
mod url;

use std::path::{Path, PathBuf};

use schemas::ConnectionName;
use schemas::event::SourceKind;

use crate::layer::section;
use crate::yaml::{Placed, Sources, YamlError};

pub use auth::Auth;
use auth::AuthFile;
use url::Url;
pub(crate) use url::address;

section! {
    /// One entry of `connections:`
    ConnectionFile {
        kind: Option<Placed<SourceKind>>,
        url: Option<Url>,
        auth: AuthFile,
        ca_file: Option<PathBuf>,
    }
}

/// A forge or tracker and how to call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Whose API: GitHub's, GitLab's, Jira's or Sentry's.
    pub kind: SourceKind,
    /// The API's base address, without a slash at its end: `https://api.github.com`, or
    /// `https://host/api/v3` for GitHub Enterprise Server; elsewhere where the site is.
    pub url: String,
    /// Who we are there.
    pub auth: Auth,
    /// Certificates to trust in addition to the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

impl Connection {
    /// Whether it is a forge: repositories are named by it.
    #[must_use]
    pub fn has_repositories(&self) -> bool {
        matches!(self.kind, SourceKind::Github | SourceKind::Gitlab)
    }
}

impl ConnectionFile {
    /// The entry `name`, checked; paths start from `folder`.
    pub(crate) fn build(
        entry: &Placed<Self>,
        name: &ConnectionName,
        folder: &Path,
        sources: &Sources,
    ) -> Result<Connection, Box<YamlError>> {
        let refuse =
            |place, wrong: String, help: &str| Err(sources.error_at(place, wrong).with_help(help).boxed());
        let Some(kind) = &entry.kind else {
            let help = "add `kind: github`, or gitlab, jira, sentry";
            return refuse(entry.place, format!("the connection `{name}` says no `kind`"), help);
        };
        let (place, kind) = (kind.place, kind.value);
        let url = match (&entry.url, kind) {
            (_, SourceKind::Generic) => {
                let help = "leave it out: events of a generic webhook belong to any connection, or to none";
                return refuse(place, "a connection has a kind of its own".to_owned(), help);
            }
            (_, SourceKind::Pullwright) => {
                return refuse(place, "`pullwright` is no tool to connect to".to_owned(), "leave it out");
            }
            (_, SourceKind::Gitea | SourceKind::Bitbucket | SourceKind::Linear | SourceKind::Slack) => {
                let help = format!("leave it out: events of a {kind} webhook need no connection");
                return refuse(place, format!("this version does not call {kind}"), &help);
            }
            (Some(url), _) => url.0.clone(),
            (None, SourceKind::Github) => "https://api.github.com".to_owned(),
            (None, SourceKind::Gitlab) => "https://gitlab.com".to_owned(),
            (None, SourceKind::Sentry) => "https://sentry.io".to_owned(),
            (None, SourceKind::Jira) => {
                let wrong = format!("the connection `{name}` has no `url`");
                let help = "add `url: https://YOUR-SITE.atlassian.net`, or where your own Jira is";
                return refuse(entry.place, wrong, help);
            }
        };
        let auth = entry.auth.build(kind, name, entry.place, sources)?;
        let ca_file = entry.ca_file.as_ref().map(|path| folder.join(path));
        let connection = Connection { kind, url, auth, ca_file };
        if kind == SourceKind::Jira && connection.is_jira_cloud() && matches!(connection.auth, Auth::Token(_))
        {
            let wrong = format!("the connection `{name}` has a token without its `email`");
            let help = "add the account's: `auth: { email: …, token: … }`; Jira Cloud takes both together";
            return refuse(entry.place, wrong, help);
        }
        Ok(connection)
    }
}

impl Connection {
    /// Sites of Jira Cloud take an account's e-mail address with its token
    /// (developer.atlassian.com, "Basic auth for REST APIs").
    fn is_jira_cloud(&self) -> bool {
        let uri = self.url.parse::<http::Uri>().ok();
        uri.as_ref().and_then(http::Uri::host).is_some_and(|host| host.ends_with(".atlassian.net"))
    }
}
