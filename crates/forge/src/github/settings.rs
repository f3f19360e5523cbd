//! What a connection is told: where GitHub is, who we are there, whom to trust.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::http_client::ClientError;

/// A connection's settings.
#[derive(Debug, Clone)]
pub struct GitHubSettings {
    /// `https://api.github.com`, or an Enterprise Server with or without `/api/v3`.
    pub url: String,
    /// Who we are there.
    pub auth: GitHubAuth,
    /// Certificates to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Who we are on GitHub.
#[derive(Debug, Clone)]
pub enum GitHubAuth {
    /// A personal access token, classic or fine-grained.
    Token(SecretString),
    /// An App.
    App {
        /// Its id.
        id: u64,
        /// Its RSA private key, PEM.
        private_key: SecretString,
    },
}

/// Why a connection cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("`{url}` is no address of a GitHub: write https://api.github.com, or https://host/api/v3")]
    Url {
        /// What was given.
        url: String,
    },
    /// The key cannot be read.
    #[error("the App's private key is no RSA key in PEM form")]
    PrivateKey,
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Where the parts of a GitHub are, without a slash at the end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    pub api: http::Uri,
    pub git: String,
}

impl GitHubSettings {
    pub(super) fn addresses(&self) -> Result<Addresses, ConnectError> {
        let invalid = || ConnectError::Url { url: self.url.clone() };
        let url = reqwest::Url::parse(&self.url).map_err(|_| invalid())?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let host = url.host_str().filter(|_| plain && matches!(url.scheme(), "https" | "http"));
        let host = host.ok_or_else(invalid)?;
        let origin = url.origin().ascii_serialization();
        let path = url.path().trim_end_matches('/');
        let (api, git) = match host {
            "github.com" | "api.github.com" => {
                ("https://api.github.com".to_owned(), "https://github.com".to_owned())
            }
            // Enterprise Cloud with data residency: `api.NAME.ghe.com` and `NAME.ghe.com`.
            _ if host.starts_with("api.") && host.ends_with(".ghe.com") => {
                (origin.clone(), origin.replacen("://api.", "://", 1))
            }
            // Enterprise Server, possibly below a path of a proxy.
            _ => {
                let root = path.strip_suffix("/api/v3").unwrap_or(path);
                (format!("{origin}{root}/api/v3"), format!("{origin}{root}"))
            }
        };
        Ok(Addresses { api: api.parse().map_err(|_| invalid())?, git })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(url: &str) -> Option<(String, String)> {
        let auth = GitHubAuth::Token("t".to_owned().into());
        let settings = GitHubSettings { url: url.to_owned(), auth, ca_file: None };
        let found = settings.addresses().ok()?;
        Some((found.api.to_string().trim_end_matches('/').to_owned(), found.git))
    }

    #[test]
    fn where_things_are() {
        let both = |api: &str, git: &str| Some((api.to_owned(), git.to_owned()));
        for (url, expected) in [
            ("https://api.github.com", both("https://api.github.com", "https://github.com")),
            ("https://api.github.com/", both("https://api.github.com", "https://github.com")),
            ("https://github.com", both("https://api.github.com", "https://github.com")),
            ("https://api.acme.ghe.com", both("https://api.acme.ghe.com", "https://acme.ghe.com")),
            ("https://git.acme.dev", both("https://git.acme.dev/api/v3", "https://git.acme.dev")),
            ("https://git.acme.dev/api/v3/", both("https://git.acme.dev/api/v3", "https://git.acme.dev")),
            ("http://127.0.0.1:3000", both("http://127.0.0.1:3000/api/v3", "http://127.0.0.1:3000")),
            ("https://acme.dev/gh", both("https://acme.dev/gh/api/v3", "https://acme.dev/gh")),
            ("ftp://github.com", None),
            ("https://user:secret@git.acme.dev", None),
            ("https://git.acme.dev/?x=1", None),
            ("github.com", None),
            ("", None),
        ] {
            assert_eq!(addresses(url), expected, "{url}");
        }
    }
}
