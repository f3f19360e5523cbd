//! Checks of the configuration and the files it names.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use config::{ConfigError, Credential, ExposeSecret, Role, Secrets, Settings};
use miette::Diagnostic;
use schemas::{ConnectionName, RepoRef, WebhookName};

use super::Check;

/// GitHub recommends a random secret of high entropy; 16 characters are the least that can be one.
const SHORTEST_SECRET: usize = 16;

/// The configuration that could not be read.
pub(super) fn invalid(error: &ConfigError) -> Check {
    Check::fail(
        "configuration",
        error.to_string(),
        remedy(error, "correct it; `pullwright check` shows the place"),
    )
}

/// The secret that is not there.
pub(super) fn missing_secret(error: &ConfigError) -> Check {
    Check::fail("secrets", error.to_string(), remedy(error, "provide it"))
}

fn remedy(error: &ConfigError, otherwise: &str) -> String {
    error.help().map_or_else(|| otherwise.to_owned(), |help| help.to_string())
}

/// Is there a route to deliver to?
pub(super) fn webhooks(settings: &Settings) -> Check {
    let routes: Vec<String> = settings.webhooks.keys().map(|name| format!("POST /webhooks/{name}")).collect();
    if routes.is_empty() {
        return Check::warn(
            "webhooks",
            "none is configured",
            "add one to `webhooks`: without it no event arrives",
        );
    }
    Check::ok("webhooks", routes.join(", "))
}

/// What is allowed, and probably not meant to stay.
pub(super) fn warnings(settings: &Settings) -> Vec<Check> {
    let warnings = settings.warnings().into_iter();
    let check = |warning: config::Warning| {
        Check::warn(format!("webhook {}", warning.webhook), format!("it {}", warning.what), warning.remedy)
    };
    warnings.map(check).collect()
}

/// The webhooks whose events belong to a connection.
pub(super) fn webhooks_of(settings: &Settings, connection: &ConnectionName) -> Vec<WebhookName> {
    let of_it = settings.webhooks.iter().filter(|(_, webhook)| webhook.connection == *connection);
    of_it.map(|(name, _)| name.clone()).collect()
}

/// Can the data folder be written to?
pub(super) fn data_dir(folder: &Path) -> Check {
    let name = "data folder";
    let shown = folder.display();
    let fail = |what: String| {
        Check::fail(name, what, format!("create {shown} and give it to the account that runs Pullwright"))
    };
    if !folder.exists() {
        let parent = folder.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("/"));
        return match tempfile_in(parent) {
            Ok(()) => Check::ok(name, format!("{shown} will be created")),
            Err(error) => fail(format!("{shown} is not there and cannot be created: {error}")),
        };
    }
    match tempfile_in(folder) {
        Ok(()) => Check::ok(name, format!("{shown} can be written to")),
        Err(error) => fail(format!("{shown} cannot be written to: {error}")),
    }
}

/// Writes a file of this process's own, flushes it and removes it.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".pullwright-doctor-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    let written = file.write_all(b"x").and_then(|()| file.sync_all());
    std::fs::remove_file(&path)?;
    written
}

/// What the automations say.
pub(super) struct Automations {
    pub(super) check: Check,
    /// The globs that they name repositories with.
    pub(super) repositories: Vec<String>,
}

/// Do the automations load?
pub(super) fn automations(source: &config::Automations) -> Automations {
    let name = "automations";
    let folder = match source {
        config::Automations::Folder(folder) => folder,
        config::Automations::Repository { repository, .. } => {
            let check = Check::ok(name, format!("pulled from {repository} while Pullwright runs"));
            return Automations { check, repositories: vec![repository.to_string()] };
        }
    };
    match dispatcher::rules::load_folder(folder) {
        Ok(set) => {
            let shown = folder.display();
            let check = match set.rules().len() {
                0 => Check::warn(
                    name,
                    format!("there is none in {shown}"),
                    "`pullwright init` writes one to start from",
                ),
                count => Check::ok(name, format!("{count} in {shown}")),
            };
            let repositories = set.rules().iter().flat_map(|rule| rule.automation.repos.clone()).collect();
            Automations { check, repositories }
        }
        Err(error) => {
            let check =
                Check::fail(name, error.to_string(), "`pullwright check` shows every mistake with its place");
            Automations { check, repositories: Vec::new() }
        }
    }
}

/// Every repository that is named in full, by a rule of the configuration or by an automation.
pub(super) fn named_repositories(settings: &Settings, globs: &[String]) -> Vec<RepoRef> {
    let rules = settings.repositories.iter().map(|rule| rule.pattern.as_str());
    let mut named: Vec<RepoRef> =
        rules.chain(globs.iter().map(String::as_str)).filter_map(|glob| glob.parse().ok()).collect();
    named.sort();
    named.dedup();
    named
}

/// The addresses that a role listens on, each once, with what it is for.
pub(super) fn addresses(settings: &Settings, role: Role) -> Vec<(&'static str, SocketAddr)> {
    let listen = &settings.listen;
    let all = [
        ("webhooks", listen.webhooks, role.verifies()),
        ("api", listen.api(), true),
        ("worker", listen.worker(), role.writes()),
    ];
    let mut once: Vec<(&'static str, SocketAddr)> = Vec::new();
    for (name, address, _) in all.into_iter().filter(|(_, _, used)| *used) {
        if once.iter().all(|(_, known)| *known != address) {
            once.push((name, address));
        }
    }
    once
}

/// Are the secrets what they should be? Says nothing of their contents.
pub(super) fn secrets(secrets: &Secrets) -> Vec<Check> {
    let mut checks = Vec::new();
    for (webhook, proof) in &secrets.webhooks {
        let name = format!("secret of webhook {webhook}");
        // An insecure one has none, and is warned of elsewhere.
        let Some(shortest) = proof.secrets().map(|secret| secret.expose_secret().len()).min() else {
            continue;
        };
        checks.push(if shortest < SHORTEST_SECRET {
            Check::warn(
                name,
                format!("it has less than {SHORTEST_SECRET} characters: it may be guessed"),
                "make one with `openssl rand -hex 32`, here and in the sender's settings",
            )
        } else {
            Check::ok(name, "present")
        });
    }
    for (connection, credential) in &secrets.connections {
        let name = format!("credential of {connection}");
        checks.push(match credential {
            Credential::Token(token) | Credential::Account { token, .. }
                if token.expose_secret().contains(char::is_whitespace) =>
            {
                Check::fail(
                    name,
                    "the token has a space or a line break in it",
                    "store the token alone, without quotes or a second line",
                )
            }
            Credential::App { private_key, .. }
                if !private_key.expose_secret().starts_with("-----BEGIN ") =>
            {
                Check::fail(
                    name,
                    "the App's private key is no PEM file",
                    "store the whole file that the App's settings page gives, from -----BEGIN to END-----",
                )
            }
            _ => Check::ok(name, "present"),
        });
    }
    checks
}
