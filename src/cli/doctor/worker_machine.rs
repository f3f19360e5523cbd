//! The machine of a worker: what `pullwright worker` would use.

use config::{ControlPlane, Env, Loaded, Role, Secrets};

use super::{Check, Parts, broker, host, settings};

const CONTROL_PLANE: &str = "control plane";

/// Looks at what a worker needs.
pub(super) async fn all(
    loaded: &Loaded,
    env: &dyn Env,
    assemble: impl AsyncFnOnce(Role, &Loaded, &Secrets) -> Parts,
) -> Vec<Check> {
    let mut checks = vec![
        settings::data_dir(&loaded.settings.data_dir),
        host::free_space(&loaded.settings.data_dir).await,
        match &loaded.settings.control_plane {
            Some(control_plane) => reachable(control_plane).await,
            None => Check::fail(
                CONTROL_PLANE,
                "none is configured",
                "name it: `control_plane: { url: https://pullwright.example.com }`",
            ),
        },
    ];
    let secrets = match loaded.secrets(Role::Worker, env) {
        Ok(secrets) => secrets,
        Err(error) => {
            checks.push(settings::missing_secret(&error));
            return checks;
        }
    };
    let parts = assemble(Role::Worker, loaded, &secrets).await;
    checks.extend(parts.missing);
    if let Some((settings, task)) = &parts.broker {
        checks.extend(broker::all(settings, task).await);
    }
    if let Some(sandbox) = &parts.sandbox {
        checks.push(host::sandbox(sandbox.as_ref()).await);
    }
    checks
}

async fn reachable(control_plane: &ControlPlane) -> Check {
    match control_client::probe(&control_plane.url, control_plane.ca_file.as_deref()).await {
        Ok(()) => Check::ok(CONTROL_PLANE, format!("{} answers", control_plane.url)),
        Err(problem) => Check::fail(
            CONTROL_PLANE,
            format!("{}: {problem}", control_plane.url),
            "check `control_plane.url` and `ca_file`; `/worker/v1/` has to reach its `listen.worker`",
        ),
    }
}
