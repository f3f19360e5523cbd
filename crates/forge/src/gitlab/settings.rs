//! What a connection is told: where GitLab is, its token, whom to trust.

use std::path::PathBuf;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::http_client::ClientError;

/// A connection's settings.
#[derive(Debug, Clone)]
pub struct GitLabSettings {
    /// `https://gitlab.com` or another instance, also below a path, with or without `/api/v4`.
    pub url: String,
    /// A personal, project or group access token with the scope `api`.
    pub token: SecretString,
    /// Certificates to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Why a connection cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("`{url}` is no address of a GitLab: write https://gitlab.example.com")]
    Url {
        /// What was given.
        url: String,
    },
    /// The token cannot be sent in a header.
    #[error("the token holds characters that no token has")]
    Token,
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl GitLabSettings {
    /// The address of the instance, with a slash at the end.
    pub(super) fn root(&self) -> Result<reqwest::Url, ConnectError> {
        let invalid = || ConnectError::Url { url: self.url.clone() };
        let mut url = reqwest::Url::parse(&self.url).map_err(|_| invalid())?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.has_host()
            && matches!(url.scheme(), "https" | "http");
        if !plain {
            return Err(invalid());
        }
        let path = url.path().trim_end_matches('/');
        let path = format!("{}/", path.strip_suffix("/api/v4").unwrap_or(path));
        url.set_path(&path);
        Ok(url)
    }

    /// The value of the `PRIVATE-TOKEN` header
    /// (<https://docs.gitlab.com/api/rest/authentication/>).
    pub(super) fn header(&self) -> Result<HeaderValue, ConnectError> {
        let mut value = HeaderValue::from_str(self.token.expose_secret()).map_err(|_| ConnectError::Token)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_instance_is() {
        for (url, expected) in [
            ("https://gitlab.com", Some("https://gitlab.com/")),
            ("https://gitlab.com/api/v4/", Some("https://gitlab.com/")),
            ("https://acme.dev/gitlab", Some("https://acme.dev/gitlab/")),
            ("https://acme.dev/gitlab/api/v4", Some("https://acme.dev/gitlab/")),
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000/")),
            ("https://user:secret@gitlab.com", None),
            ("https://gitlab.com/?x=1", None),
            ("ftp://gitlab.com", None),
            ("gitlab.com", None),
            ("", None),
        ] {
            let token = SecretString::from("t");
            let settings = GitLabSettings { url: url.to_owned(), token, ca_file: None };
            assert_eq!(settings.root().ok().map(|u| u.to_string()).as_deref(), expected, "{url}");
        }
    }
}
