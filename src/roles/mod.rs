//! The roles: what a process is, composed of [`crate::parts`].

mod dispatcher;
mod ingress;
mod up;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Broker, ProcessEnv, Role, Secrets, Settings};
use schemas::{Clock, SystemClock};
use telemetry::{Format, Telemetry};

use crate::lifecycle::Stop;
use crate::parts::plain;

/// What every role begins with.
struct Started {
    settings: Settings,
    /// The file of the settings.
    file: PathBuf,
    /// Those of the role, and no others.
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    telemetry: Arc<Telemetry>,
}

/// Runs as `role` until it is told to stop.
///
/// # Errors
/// When it cannot start, in words for the person who started it.
pub async fn run(role: Role, config: Option<&Path>, format: Format) -> miette::Result<()> {
    let service = match role {
        Role::Up => "pullwright",
        Role::Ingress => "pullwright-ingress",
        Role::Dispatcher => "pullwright-dispatcher",
        Role::Worker => "pullwright-worker",
    };
    let options = telemetry::Options { service, version: env!("CARGO_PKG_VERSION"), format };
    let telemetry = Arc::new(telemetry::init(options).map_err(|error| miette::miette!("{error}"))?);
    let loaded = config::load(config, &ProcessEnv)?;
    let secrets = loaded.secrets(role, &ProcessEnv)?;
    let started = Started {
        settings: loaded.settings,
        file: loaded.file,
        secrets,
        clock: Arc::new(SystemClock::new()),
        telemetry: Arc::clone(&telemetry),
    };
    let result = match role {
        Role::Up => up::serve(started).await,
        Role::Ingress => ingress::serve(started).await,
        Role::Dispatcher => dispatcher::serve(started).await,
        Role::Worker => worker::serve(started).await,
    };
    // The exporters run on threads of their own and have to end before the runtime does.
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await.ok();
    result
}

impl Started {
    fn stop_on_signals(&self) -> miette::Result<Stop> {
        Stop::on_signals(self.settings.runs.stop_grace).map_err(plain)
    }

    /// Says what is allowed, and probably not meant to stay.
    fn warn(&self) {
        for warning in self.settings.warnings() {
            tracing::warn!("{warning}");
        }
    }
}

/// Refuses a queue that no other process can reach.
fn needs_rabbitmq(settings: &Settings, role: Role) -> miette::Result<()> {
    match settings.broker {
        Broker::Amqp(_) => Ok(()),
        Broker::Embedded { .. } => Err(miette::miette!(
            help = "set `broker: amqps://USER:${{env:PASSWORD}}@HOST/VHOST`, or start everything in one process with `pullwright up`",
            "the role `{role}` needs RabbitMQ: with `broker: embedded` deliveries lie in a file that one process uses"
        )),
    }
}
