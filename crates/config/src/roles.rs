//! Which role may hold which secret.

use std::collections::BTreeMap;
use std::fmt;

use schemas::{ConnectionName, WebhookName};
use secrecy::SecretString;

use crate::artifacts::Artifacts;
use crate::connections::Auth;
use crate::env::Env;
use crate::secret::SecretRef;
use crate::settings::Settings;
use crate::webhooks::Proof;
use crate::yaml::{Sources, YamlError};

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything, in one process.
    Up,
    /// Takes deliveries: webhook secrets, and the broker's password.
    Ingress,
    /// Decides and publishes: forge credentials, and those of database, broker and artifact store.
    Dispatcher,
    /// Runs commands: none of these, but a password of its own for hearing of work.
    Worker,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Ingress => "ingress",
            Self::Dispatcher => "dispatcher",
            Self::Worker => "worker",
        })
    }
}

impl Role {
    /// Whether it takes deliveries.
    #[must_use]
    pub fn verifies(self) -> bool {
        matches!(self, Self::Up | Self::Ingress)
    }

    /// Whether it uses the broker.
    #[must_use]
    pub fn queues(self) -> bool {
        self != Self::Worker
    }

    /// Whether it runs commands.
    #[must_use]
    pub fn works(self) -> bool {
        matches!(self, Self::Up | Self::Worker)
    }

    /// Whether it decides, and writes to forges.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Up | Self::Dispatcher)
    }
}

/// The secrets of one role; what is not its own is empty.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// What the deliveries of each webhook prove themselves by.
    pub webhooks: BTreeMap<WebhookName, Proof<SecretString>>,
    /// The password of the database, where it has one.
    pub database: Option<SecretString>,
    /// Who we are on each forge.
    pub connections: BTreeMap<ConnectionName, Credential>,
    /// The password of the broker, where it has one.
    pub broker: Option<SecretString>,
    /// The key of the artifact store, where it has one.
    pub artifacts: Option<ArtifactKey>,
    /// A worker's enrolment token, where there still is one.
    pub enrolment: Option<SecretString>,
    /// The password that a worker hears of work with, where it has one.
    pub wake_ups: Option<SecretString>,
}

/// The key of an S3-compatible store, in clear.
#[derive(Debug, Clone)]
pub struct ArtifactKey {
    /// Its id.
    pub access_key: SecretString,
    /// The key.
    pub secret_key: SecretString,
}

/// Who we are on a forge or tracker, in clear.
pub type Credential = Auth<SecretString>;

/// A reference, what it is for in words, and the side that may hold it.
struct Use<'a> {
    reference: &'a SecretRef,
    what: String,
    owned: bool,
}

/// Resolves what `role` may hold, and refuses what it may not but could.
pub(crate) fn resolve(
    settings: &Settings,
    role: Role,
    env: &dyn Env,
    sources: &Sources,
) -> Result<Secrets, Box<YamlError>> {
    refuse_foreign(settings, role, env, sources)?;
    let mut secrets = Secrets::default();
    if role.verifies() {
        for (name, webhook) in &settings.webhooks {
            let what = webhook_secret(name);
            let proof = webhook.proof.try_map(|secret| secret.resolve(&what, env, sources))?;
            secrets.webhooks.insert(name.clone(), proof);
        }
    }
    if role.writes() {
        secrets.database = database_password(settings, env, sources)?;
        for (name, connection) in &settings.connections {
            let secret = connection.auth.secret().resolve(&credential(name), env, sources)?;
            secrets.connections.insert(name.clone(), connection.auth.with(secret));
        }
        if let Artifacts::S3(s3) = &settings.artifacts {
            let [access_key, secret_key] = [&s3.access_key, &s3.secret_key];
            secrets.artifacts = Some(ArtifactKey {
                access_key: access_key.resolve(ARTIFACTS, env, sources)?,
                secret_key: secret_key.resolve(ARTIFACTS, env, sources)?,
            });
        }
    }
    let of_broker = settings.broker.password().filter(|_| role.queues());
    secrets.broker = of_broker.map(|password| password.resolve(BROKER, env, sources)).transpose()?;
    let enrolment = settings.control_plane.as_ref().and_then(|control| control.enrolment.as_ref());
    // It is used once and may then be thrown away.
    if let Some(token) = enrolment.filter(|token| role == Role::Worker && token.is_present(env)) {
        secrets.enrolment = Some(token.resolve(ENROLMENT, env, sources)?);
    }
    if role == Role::Worker {
        let password = wake_ups(settings).map(|password| password.resolve(WAKE_UPS, env, sources));
        secrets.wake_ups = password.transpose()?;
    }
    Ok(secrets)
}

/// The password that the database is opened with.
pub(crate) fn database_password(
    settings: &Settings,
    env: &dyn Env,
    sources: &Sources,
) -> Result<Option<SecretString>, Box<YamlError>> {
    let password = settings.database.password();
    password.map(|password| password.resolve(DATABASE_PASSWORD, env, sources)).transpose()
}

const DATABASE_PASSWORD: &str = "the password of the database";
const BROKER: &str = "the password of the broker";
const ARTIFACTS: &str = "the key of the artifact store";
const ENROLMENT: &str = "the enrolment token";
const WAKE_UPS: &str = "the password of a worker's wake-ups";

fn wake_ups(settings: &Settings) -> Option<&SecretRef> {
    settings.control_plane.as_ref()?.wake_ups.as_ref()?.password.as_ref()
}

fn webhook_secret(name: &WebhookName) -> String {
    format!("the secret of the webhook `{name}`")
}

fn credential(name: &ConnectionName) -> String {
    format!("the credential of the connection `{name}`")
}

fn refuse_foreign(
    settings: &Settings,
    role: Role,
    env: &dyn Env,
    sources: &Sources,
) -> Result<(), Box<YamlError>> {
    let of_webhooks = settings.webhooks.iter().flat_map(|(name, webhook)| {
        let what = webhook_secret(name);
        webhook.proof.secrets().map(move |reference| Use {
            reference,
            what: what.clone(),
            owned: role.verifies(),
        })
    });
    let of_connections = settings.connections.iter().map(|(name, connection)| Use {
        reference: connection.auth.secret(),
        what: credential(name),
        owned: role.writes(),
    });
    let of_database = settings.database.password().map(|reference| Use {
        reference,
        what: DATABASE_PASSWORD.to_owned(),
        owned: role.writes(),
    });
    let of_broker = settings.broker.password().map(|reference| Use {
        reference,
        what: BROKER.to_owned(),
        owned: role.queues(),
    });
    let keys = match &settings.artifacts {
        Artifacts::Folder(_) => Vec::new(),
        Artifacts::S3(s3) => vec![&s3.access_key, &s3.secret_key],
    };
    let of_artifacts =
        keys.into_iter().map(|reference| Use { reference, what: ARTIFACTS.to_owned(), owned: role.writes() });
    let enrolment = settings.control_plane.iter().filter_map(|control| control.enrolment.as_ref());
    let of_workers = enrolment
        .map(|reference| (reference, ENROLMENT))
        .chain(wake_ups(settings).map(|reference| (reference, WAKE_UPS)))
        .map(|(reference, what)| Use { reference, what: what.to_owned(), owned: role == Role::Worker });
    let foreign = of_webhooks
        .chain(of_connections)
        .chain(of_database)
        .chain(of_broker)
        .chain(of_artifacts)
        .chain(of_workers)
        .find(|used| !used.owned && used.reference.is_present(env));
    match foreign {
        None => Ok(()),
        Some(Use { reference, what, .. }) => Err(reference
            .error(
                sources,
                format!("the role `{role}` may not hold {what}, and {reference} is within its reach"),
            )
            .with_help("start this role in an environment without it")
            .boxed()),
    }
}
