//! `pullwright doctor` with the parts that a role would start.

use std::sync::Arc;

use broker::amqp::Task;
use config::{Broker, Env, Loaded, Role, Secrets};
use schemas::SystemClock;
use worker::sandbox::Bubblewrap;

use super::{artifacts, credentials, local_worker, queue, routes};
use crate::cli::Ending;
use crate::cli::args::{DoctorArgs, Global};
use crate::cli::doctor::{self, Check, Parts};
use crate::database;

/// Looks at everything that the role which is `asked` for would use.
pub async fn run(asked: &DoctorArgs, global: &Global, env: &dyn Env) -> Ending {
    doctor::run(asked, global, env, &SystemClock::new(), assemble).await
}

async fn assemble(role: Role, loaded: &Loaded, secrets: &Secrets) -> Parts {
    let address = || database::address(&loaded.settings, secrets.database.as_ref());
    let mut found = Parts { database: role.writes().then(address), ..Parts::default() };
    for (name, route) in routes::each(&loaded.settings, secrets, &SystemClock::new()) {
        match route {
            Ok(route) => {
                found.routes.insert(name, route);
            }
            Err(error) => found.missing.push(Check::fail(
                format!("webhook {name}"),
                error.source.to_string(),
                "mend what its secret in the configuration refers to",
            )),
        }
    }
    match credentials::forges(&loaded.settings, &secrets.connections) {
        Ok(forges) => found.forges = forges,
        Err(error) => found.missing.push(Check::fail(
            "connections",
            format!("{error:#}"),
            "mend the credential that is named",
        )),
    }
    // A look makes no folder; the first start does.
    let is_there = match &loaded.settings.artifacts {
        config::Artifacts::Folder(folder) => folder.is_dir(),
        config::Artifacts::S3(_) => true,
    };
    if role.writes() && is_there {
        match artifacts::open(&loaded.settings, secrets) {
            Ok(artifacts) => found.artifacts = Some(artifacts),
            Err(error) => {
                found.missing.push(Check::fail("artifacts", format!("{error:#}"), "check `artifacts`"));
            }
        }
    }
    if let Broker::Amqp(amqp) = &loaded.settings.broker
        && role.queues()
    {
        let task = if role == Role::Ingress { Task::Ingress } else { Task::Dispatcher };
        match queue::rabbitmq(amqp, secrets, role) {
            Ok(settings) => found.broker = Some((settings, task)),
            Err(error) => {
                found.missing.push(Check::fail(
                    "broker",
                    format!("{error:#}"),
                    "check `broker.amqp.ca_file`",
                ));
            }
        }
    }
    if let Some(control_plane) = loaded.settings.control_plane.as_ref().filter(|_| role == Role::Worker) {
        match queue::wake_ups(control_plane, secrets) {
            Ok(settings) => {
                let credential = loaded.settings.data_dir.join(local_worker::CREDENTIAL);
                let task = Task::Worker { pool: control_client::pool_of(&credential).0 };
                found.broker = settings.map(|settings| (settings, task));
            }
            Err(error) => found.missing.push(Check::fail(
                "broker",
                format!("{error:#}"),
                "check `control_plane.ca_file`",
            )),
        }
    }
    if !role.works() {
        return found;
    }
    // The probe needs a folder of its own; the data folder may not exist yet.
    let folder = loaded.settings.data_dir.join("worker");
    let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
    match Bubblewrap::find(local_worker::sandbox_options(&loaded.settings, folder)).await {
        Ok(sandbox) => found.sandbox = Some(Arc::new(sandbox)),
        Err(error) => found.missing.push(Check::fail(
            "sandbox",
            error.to_string(),
            "install bubblewrap 0.8 or newer, and check `workers.toolchains`",
        )),
    }
    found
}
