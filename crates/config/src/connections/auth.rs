//! Who we are on a forge or tracker.

use schemas::ConnectionName;
use schemas::event::SourceKind;

use crate::layer::section;
use crate::secret::SecretRef;
use crate::yaml::{Place, Placed, Sources, YamlError};

section! {
    /// `auth:` of a connection
    AuthFile { token: Option<Placed<SecretRef>>, email: Option<Placed<String>>, app: AppFile }
}

section! {
    /// `auth: { app: … }`
    AppFile { id: Option<Placed<u64>>, private_key: Option<Placed<SecretRef>> }
}

/// Who we are on a forge or tracker. `S` is a reference to a secret, or the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth<S = SecretRef> {
    /// A personal or machine account's token.
    Token(S),
    /// A GitHub App.
    App {
        /// The App's id.
        id: u64,
        /// Its private key, PEM.
        private_key: S,
    },
    /// An account of Jira Cloud.
    Account {
        /// Its e-mail address.
        email: String,
        /// Its API token.
        token: S,
    },
}

impl<S> Auth<S> {
    /// The one secret in it.
    pub fn secret(&self) -> &S {
        match self {
            Self::Token(secret)
            | Self::App { private_key: secret, .. }
            | Self::Account { token: secret, .. } => secret,
        }
    }

    /// The same with another secret.
    pub(crate) fn with<T>(&self, secret: T) -> Auth<T> {
        match self {
            Self::Token(_) => Auth::Token(secret),
            Self::App { id, .. } => Auth::App { id: *id, private_key: secret },
            Self::Account { email, .. } => Auth::Account { email: email.clone(), token: secret },
        }
    }
}

impl AuthFile {
    /// The section of the connection `name`, which stands at `entry`, checked.
    pub(super) fn build(
        &self,
        kind: SourceKind,
        name: &ConnectionName,
        entry: Option<Place>,
        sources: &Sources,
    ) -> Result<Auth, Box<YamlError>> {
        let refuse =
            |place, wrong: &str, help: &str| Err(sources.error_at(place, wrong).with_help(help).boxed());
        self.refuse_foreign(kind, sources)?;
        if let Some(email) = self.email.as_ref().filter(|email| !is_email(email)) {
            let wrong = format!("`{}` is no e-mail address", email.value);
            return refuse(email.place, &wrong, "write the one that the account logs in with");
        }
        match (&self.token, &self.email, &self.app) {
            (Some(token), None, AppFile { id: None, private_key: None }) => {
                Ok(Auth::Token(SecretRef::placed(token)))
            }
            (Some(token), Some(email), AppFile { id: None, private_key: None }) => {
                Ok(Auth::Account { email: email.value.clone(), token: SecretRef::placed(token) })
            }
            (None, None, AppFile { id: Some(id), private_key: Some(key) }) => {
                Ok(Auth::App { id: id.value, private_key: SecretRef::placed(key) })
            }
            (Some(token), ..) => refuse(
                token.place,
                "`auth` has both a token and an App",
                "keep one: an App where you can, a token otherwise",
            ),
            (None, _, AppFile { id: Some(id), .. }) => refuse(
                id.place,
                "the App has no `private_key`",
                "add `private_key: ${file:/path/to/app.pem}`",
            ),
            (None, _, AppFile { private_key: Some(key), .. }) => refuse(
                key.place,
                "the App has no `id`",
                "add `id:` with the number on the App's settings page",
            ),
            (None, Some(email), _) => {
                refuse(email.place, "`auth` has an `email` and no `token`", "add `token: ${env:NAME}`")
            }
            (None, None, _) => {
                let help = match kind {
                    SourceKind::Github => {
                        "add `auth: { token: \"${env:NAME}\" }` or `auth: { app: { id: …, private_key: … } }`"
                    }
                    _ => "add `auth: { token: \"${env:NAME}\" }`",
                };
                refuse(entry, &format!("the connection `{name}` has no `auth`"), help)
            }
        }
    }

    fn refuse_foreign(&self, kind: SourceKind, sources: &Sources) -> Result<(), Box<YamlError>> {
        let app = self.app.id.as_ref().map(|id| id.place);
        let app = app.or_else(|| self.app.private_key.as_ref().map(|key| key.place));
        let email = self.email.as_ref().map(|email| email.place);
        let keys =
            [("app", app, SourceKind::Github, "GitHub's"), ("email", email, SourceKind::Jira, "Jira's")];
        for (key, place, owner, whose) in keys {
            if let Some(place) = place.filter(|_| kind != owner) {
                let error = sources.error_at(place, format!("`{key}` is {whose}"));
                let help = format!("a {kind} connection has `auth: {{ token: \"${{env:NAME}}\" }}`");
                return Err(error.with_help(help).boxed());
            }
        }
        Ok(())
    }
}

/// A colon would end the name early (RFC 7617, section 2).
fn is_email(text: &str) -> bool {
    text.contains('@') && !text.contains(|c: char| c == ':' || c.is_whitespace() || c.is_control())
}
