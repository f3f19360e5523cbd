//! Jira, Cloud or Data Center: who is in which group and has which role.
//!
//! Version 2 of the interface is the one that both have
//! (<https://developer.atlassian.com/cloud/jira/platform/rest/v2/intro/>).

mod call;
mod people;

use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::http_client::ClientError;
use crate::{Directory, ForgeError};

/// A connection's settings.
#[derive(Debug, Clone)]
pub struct JiraSettings {
    /// `https://acme.atlassian.net`, or an instance of one's own, also below a path.
    pub url: String,
    /// Who we are.
    pub auth: JiraAuth,
    /// Certificates to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Who we are on a Jira.
#[derive(Debug, Clone)]
pub enum JiraAuth {
    /// An account of Jira Cloud.
    Cloud {
        /// Its e-mail address.
        email: String,
        /// Its API token.
        token: SecretString,
    },
    /// A personal access token of Data Center.
    DataCenter(SecretString),
}

/// Why a connection cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("`{url}` is no address of a Jira: write https://acme.atlassian.net")]
    Url {
        /// What was given.
        url: String,
    },
    /// The credential cannot be sent in a header.
    #[error("the token holds characters that no token has")]
    Token,
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// One connection to a Jira.
#[derive(Debug)]
pub struct Jira {
    /// With a slash at the end.
    root: reqwest::Url,
    authorization: HeaderValue,
    client: reqwest::Client,
    /// What an account is asked for by: Cloud knows ids alone, Data Center names.
    account_key: &'static str,
}

impl Jira {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// When the address, the credential or the certificates are not usable.
    pub fn connect(settings: JiraSettings) -> Result<Self, ConnectError> {
        let invalid = || ConnectError::Url { url: settings.url.clone() };
        let mut root = reqwest::Url::parse(&settings.url).map_err(|_| invalid())?;
        let plain = root.username().is_empty()
            && root.password().is_none()
            && root.query().is_none()
            && root.fragment().is_none()
            && matches!(root.scheme(), "https" | "http");
        if !plain || !root.has_host() {
            return Err(invalid());
        }
        let path = format!("{}/", root.path().trim_end_matches('/'));
        root.set_path(&path);
        let (value, account_key) = match &settings.auth {
            JiraAuth::Cloud { email, token } => {
                let pair = BASE64_STANDARD.encode(format!("{email}:{}", token.expose_secret()));
                (format!("Basic {pair}"), "accountId")
            }
            JiraAuth::DataCenter(token) => (format!("Bearer {}", token.expose_secret()), "username"),
        };
        let mut authorization = HeaderValue::from_str(&value).map_err(|_| ConnectError::Token)?;
        authorization.set_sensitive(true);
        let client =
            crate::http_client::build(root.as_str(), settings.ca_file.as_deref(), Some(call::LIMIT))?;
        Ok(Self { root, authorization, client, account_key })
    }
}

#[async_trait]
impl Directory for Jira {
    async fn in_group(&self, group: &str, account: &str) -> Result<bool, ForgeError> {
        self.limit(people::in_group(self, group, account)).await
    }

    async fn in_role(&self, project: &str, role: &str, account: &str) -> Result<bool, ForgeError> {
        self.limit(people::in_role(self, project, role, account)).await
    }
}
