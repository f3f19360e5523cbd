//! `pullwright doctor` with the parts that `up` would start.

use std::sync::Arc;

use config::{Env, Loaded, Secrets};
use schemas::SystemClock;
use worker::sandbox::Bubblewrap;

use super::{credentials, local_worker, routes};
use crate::cli::Ending;
use crate::cli::args::Global;
use crate::cli::doctor::{self, Check, Parts};
use crate::database;

/// Looks at everything that `up` would use.
pub async fn run(global: &Global, env: &dyn Env) -> Ending {
    doctor::run(global, env, &SystemClock::new(), assemble).await
}

async fn assemble(loaded: &Loaded, secrets: &Secrets) -> Parts {
    let address = database::address(&loaded.settings, secrets.database.as_ref());
    let mut found = Parts { database: Some(address), ..Parts::default() };
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
