//! `pullwright doctor`: is everything here that Pullwright needs?
//!
//! Each check is a function that looks at one thing and returns a [`Check`]. Those that need the
//! parts of a running Pullwright get them through [`Parts`], made by the same code as `up` uses.

mod artifacts;
mod broker;
mod database;
mod forge;
mod host;
mod settings;
mod webhook;
mod worker_machine;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::artifacts::Artifacts;
use ::broker::amqp::{AmqpSettings, Task};
use ::forge::Forge;
use config::{Env, Loaded, Role, Secrets};
use ingress::Route;
use schemas::{Clock, ConnectionName, WebhookName};
use serde::Serialize;
use worker::sandbox::Sandbox;

use super::args::{DoctorArgs, Global};
use super::output::Output;
use super::{CliError, Ending};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and could be better.
    Warn,
    /// It will not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// How it came out.
    pub state: State,
    /// What was found.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn ok(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, what: what.into(), remedy: None }
    }

    /// It works, and could be better.
    pub fn warn(name: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { name: name.into(), state: State::Warn, what: what.into(), remedy }
    }

    /// It will not work.
    pub fn fail(name: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Fail, ..Self::warn(name, what, remedy) }
    }
}

/// The parts of a Pullwright that checks call.
#[derive(Default)]
pub struct Parts {
    /// The forges, by connection.
    pub forges: BTreeMap<ConnectionName, Arc<dyn Forge>>,
    /// The webhooks that can be served.
    pub routes: BTreeMap<WebhookName, Route>,
    /// The database of records.
    pub database: Option<store::Address>,
    /// Where results are kept.
    pub artifacts: Option<Artifacts>,
    /// RabbitMQ, and what is done with it.
    pub broker: Option<(AmqpSettings, Task)>,
    /// What holds the commands.
    pub sandbox: Option<Arc<dyn Sandbox>>,
    /// What could not be made, said as failed checks.
    pub missing: Vec<Check>,
}

/// Looks at everything and prints what it found; the ending is a problem when a check failed.
/// `assemble` makes the parts that the role would use.
pub async fn run(
    asked: &DoctorArgs,
    global: &Global,
    env: &dyn Env,
    clock: &dyn Clock,
    assemble: impl AsyncFnOnce(Role, &Loaded, &Secrets) -> Parts,
) -> Ending {
    let checks = all(asked.role.map(Role::from), global, env, clock, assemble).await;
    super::report(print(&checks, &mut Output::stdout(global.json)))
}

async fn all(
    asked: Option<Role>,
    global: &Global,
    env: &dyn Env,
    clock: &dyn Clock,
    assemble: impl AsyncFnOnce(Role, &Loaded, &Secrets) -> Parts,
) -> Vec<Check> {
    let mut checks = Vec::new();
    if asked.is_none_or(Role::works) {
        checks.extend([host::git().await, host::bubblewrap().await]);
    }
    let loaded = match config::load(global.config.as_deref(), env) {
        Ok(loaded) => loaded,
        Err(error) => {
            checks.push(settings::invalid(&error));
            return checks;
        }
    };
    checks.push(Check::ok("configuration", loaded.file.display().to_string()));
    let elsewhere = loaded.settings.control_plane.is_some();
    let role = asked.unwrap_or(if elsewhere { Role::Worker } else { Role::Up });
    if role == Role::Worker {
        checks.extend(worker_machine::all(&loaded, env, assemble).await);
        return checks;
    }
    if role.verifies() {
        checks.push(settings::webhooks(&loaded.settings));
        checks.extend(settings::warnings(&loaded.settings));
    }
    let mut named = Vec::new();
    if role.writes() {
        checks.push(settings::data_dir(&loaded.settings.data_dir));
        checks.push(host::free_space(&loaded.settings.data_dir).await);
        let rules = settings::automations(&loaded.settings.automations);
        checks.push(rules.check);
        named = rules.repositories;
    }
    for (name, address) in settings::addresses(&loaded.settings, role) {
        checks.push(host::listen(name, address, loaded.settings.listen.api()).await);
    }
    checks.extend(broker::embedded(&loaded.settings.broker, role));
    let secrets = match loaded.secrets(role, env) {
        Ok(secrets) => secrets,
        Err(error) => {
            checks.push(settings::missing_secret(&error));
            return checks;
        }
    };
    checks.extend(settings::secrets(&secrets));
    let parts = assemble(role, &loaded, &secrets).await;
    checks.extend(parts.missing);
    if let Some(address) = &parts.database {
        checks.extend(database::all(address, clock).await);
    }
    if let Some(store) = &parts.artifacts {
        checks.push(artifacts::all(store, clock).await);
    }
    if let Some((settings, task)) = &parts.broker {
        checks.extend(broker::all(settings, task).await);
    }
    checks.extend(webhook::all(&loaded.settings, &parts.routes, clock).await);
    if let Some(sandbox) = &parts.sandbox {
        checks.push(host::sandbox(sandbox.as_ref()).await);
    }
    let repositories = settings::named_repositories(&loaded.settings, &named);
    for (name, connection) in &loaded.settings.connections {
        let Some(forge) = parts.forges.get(name).map(AsRef::as_ref) else {
            checks.extend(forge::tracker(name, connection).filter(|_| role.writes()));
            continue;
        };
        let found = forge::identity(name, connection.kind, forge, clock).await;
        let reachable = found.iter().all(|check| check.state != State::Fail);
        checks.extend(found);
        let webhooks = settings::webhooks_of(&loaded.settings, name);
        // After a refused credential every repository would only say so again.
        for repo in repositories.iter().filter(|repo| reachable && repo.connection == *name) {
            checks.push(forge::repository(repo, forge).await);
            checks.extend(forge::hooks(repo, forge, &webhooks).await);
        }
    }
    checks
}

fn print(checks: &[Check], out: &mut Output<'_>) -> Result<Ending, CliError> {
    if out.json {
        let json = serde_json::to_string_pretty(checks).map_err(std::io::Error::other)?;
        out.raw_json(&json)?;
    } else {
        let row = |check: &Check| {
            let state = match check.state {
                State::Ok => "ok",
                State::Warn => "warn",
                State::Fail => "FAIL",
            };
            vec![
                state.to_owned(),
                check.name.clone(),
                check.what.clone(),
                check.remedy.clone().unwrap_or_default(),
            ]
        };
        out.rows(&["state", "check", "found", "what to do"], &checks.iter().map(row).collect::<Vec<_>>())?;
    }
    let failed = checks.iter().any(|check| check.state == State::Fail);
    Ok(if failed { Ending::Problems } else { Ending::Fine })
}

#[cfg(test)]
mod tests;
