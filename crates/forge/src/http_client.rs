//! HTTP clients as every forge needs them: own certificates, short connects, no redirects.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The certificates cannot be read.
    #[error("the certificates in {} cannot be read", path.display())]
    Read {
        /// Where they should be.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no certificates.
    #[error("{} holds no certificate in PEM form", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
}

/// A client for what lies below `base`, that trusts the system's certificates and those of `ca_file`.
///
/// It follows no redirect: a credential goes to the configured origin or nowhere, and a write that
/// is redirected would become a read.
pub(crate) fn build(
    base: &str,
    ca_file: Option<&Path>,
    read_timeout: Option<Duration>,
) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("pullwright/", env!("CARGO_PKG_VERSION")));
    // In clear a credential goes to this machine alone, and past no proxy.
    if base.starts_with("http://") {
        builder = builder.no_proxy();
    }
    if let Some(limit) = read_timeout {
        builder = builder.read_timeout(limit);
    }
    if let Some(path) = ca_file {
        let owned = || path.to_owned();
        let pem = std::fs::read(path).map_err(|source| ClientError::Read { path: owned(), source })?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if certificates.is_empty() {
            return Err(ClientError::NotPem { path: owned() });
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(ClientError::Setup)
}

/// The last cause of an error, which says most: `Connection refused (os error 111)`.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    shortened(&cause.to_string())
}

/// At most 200 characters on one line.
pub(crate) fn shortened(text: &str) -> String {
    const MAX: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
