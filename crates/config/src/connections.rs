//! Forges that the dispatcher calls.

use std::path::{Path, PathBuf};

use schemas::ConnectionName;
use schemas::event::SourceKind;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::layer::section;
use crate::secret::SecretRef;
use crate::webhooks::Kind;
use crate::yaml::{Placed, Sources, YamlError, parsed};

/// GitHub's public API.
const GITHUB: &str = "https://api.github.com";

section! {
    /// One entry of `connections:`
    ConnectionFile { kind: Option<Kind>, url: Option<Url>, auth: AuthFile, ca_file: Option<PathBuf> }
}

section! {
    /// `auth:` of a connection
    AuthFile { token: Option<Placed<SecretRef>>, app: AppFile }
}

section! {
    /// `auth: { app: … }`
    AppFile { id: Option<Placed<u64>>, private_key: Option<Placed<SecretRef>> }
}

/// A forge and how to call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Whose API.
    pub kind: SourceKind,
    /// The API's base address, without a slash at its end: `https://api.github.com`, or
    /// `https://host/api/v3` for GitHub Enterprise Server.
    pub url: String,
    /// Who we are there.
    pub auth: Auth,
    /// Certificates to trust in addition to the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Who we are on a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// A personal or machine account's token.
    Token(SecretRef),
    /// A GitHub App.
    App {
        /// The App's id.
        id: u64,
        /// Its private key, PEM.
        private_key: SecretRef,
    },
}

impl ConnectionFile {
    /// The entry `name`, checked; paths start from `folder`.
    pub(crate) fn build(
        entry: &Placed<Self>,
        name: &ConnectionName,
        folder: &Path,
        sources: &Sources,
    ) -> Result<Connection, Box<YamlError>> {
        let Some(kind) = entry.kind else {
            let error = sources.error_at(entry.place, format!("the connection `{name}` says no `kind`"));
            return Err(error.with_help("add `kind: github`").boxed());
        };
        let auth = match &entry.auth {
            AuthFile { token: Some(token), app: AppFile { id: None, private_key: None } } => {
                Auth::Token(SecretRef::placed(token))
            }
            AuthFile { token: None, app: AppFile { id: Some(id), private_key: Some(key) } } => {
                Auth::App { id: id.value, private_key: SecretRef::placed(key) }
            }
            AuthFile { token: Some(token), .. } => {
                let error = sources.error_at(token.place, "`auth` has both a token and an App");
                return Err(error.with_help("keep one: an App where you can, a token otherwise").boxed());
            }
            AuthFile { app: AppFile { id: Some(id), .. }, .. } => {
                let error = sources.error_at(id.place, "the App has no `private_key`");
                return Err(error.with_help("add `private_key: ${file:/path/to/app.pem}`").boxed());
            }
            AuthFile { app: AppFile { private_key: Some(key), .. }, .. } => {
                let error = sources.error_at(key.place, "the App has no `id`");
                return Err(error.with_help("add `id:` with the number on the App's settings page").boxed());
            }
            AuthFile { .. } => {
                let error = sources.error_at(entry.place, format!("the connection `{name}` has no `auth`"));
                let help =
                    "add `auth: { token: \"${env:NAME}\" }` or `auth: { app: { id: …, private_key: … } }`";
                return Err(error.with_help(help).boxed());
            }
        };
        let url = entry.url.as_ref().map_or_else(|| GITHUB.to_owned(), |url| url.0.clone());
        let ca_file = entry.ca_file.as_ref().map(|path| folder.join(path));
        Ok(Connection { kind: kind.0, url, auth, ca_file })
    }
}

/// An address that a credential may travel to.
#[derive(Debug, Clone)]
pub(crate) struct Url(String);

impl Url {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let uri: http::Uri = text.parse().map_err(|_| "this is no address of an API")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("this is no address of an API");
        };
        if authority.as_str().contains('@') {
            return Err("an address holds no credential");
        }
        if uri.query().is_some() || text.contains('#') {
            return Err("an address of an API has no `?` and no `#`");
        }
        let host = authority.host().trim_matches(['[', ']']);
        let local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        match scheme {
            "https" => {}
            "http" if local => {}
            "http" => return Err("the credential would travel unencrypted"),
            _ => return Err("this is no address of an API"),
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(
            deserializer,
            Self::parse,
            "write it like https://api.github.com, or https://github.example.com/api/v3 for your own server",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn a_credential_goes_to_https_or_this_machine() {
        for text in [
            "https://api.github.com",
            "https://h/api/v3",
            "http://127.0.0.1:9",
            "http://[::1]:9",
            "http://localhost",
        ] {
            assert_eq!(Url::parse(text).unwrap().0, text);
            assert_eq!(Url::parse(&format!("{text}/")).unwrap().0, text);
        }
        for text in [
            "",
            "api.github.com",
            "/api",
            "http://api.github.com",
            "http://127.0.0.1.example.com",
            "ftp://h",
            "https://user:pass@h",
            "https://h?x=1",
            "https://h#x",
            "http://localhost.example.com",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
