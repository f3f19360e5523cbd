//! `pullwright worker`: a worker that is a process of its own, here or on another machine.

mod health;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use config::{ControlPlane, Loaded, ProcessEnv, Role, Secrets};
use control_client::RemoteControl;
use schemas::{Clock, SystemClock};
use telemetry::{Format, Telemetry};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::lifecycle::Stop;
use crate::up::data_dir::DataDir;
use crate::up::local_worker::LocalWorker;
use crate::up::{explained, plain};

/// Runs until it is told to stop.
///
/// # Errors
/// When it cannot start, in words for the person who started it.
pub async fn run(config: Option<&Path>, format: Format) -> miette::Result<()> {
    let telemetry = Arc::new(
        telemetry::init(telemetry::Options {
            service: "pullwright-worker",
            version: env!("CARGO_PKG_VERSION"),
            format,
        })
        .map_err(|error| miette::miette!("{error}"))?,
    );
    let loaded = config::load(config, &ProcessEnv)?;
    let secrets = loaded.secrets(Role::Worker, &ProcessEnv)?;
    let stop = Stop::on_signals(loaded.settings.runs.stop_grace).map_err(plain)?;
    let result = serve(loaded, secrets, &stop, &telemetry).await.map_err(explained);
    // The exporters run on threads of their own and have to end before the runtime does.
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await.ok();
    result
}

async fn serve(
    loaded: Loaded,
    secrets: Secrets,
    stop: &Stop,
    telemetry: &Arc<Telemetry>,
) -> anyhow::Result<()> {
    let settings = loaded.settings;
    let Some(control_plane) = settings.control_plane.clone() else {
        bail!(
            "a worker needs its control plane: add `control_plane: {{ url: … }}` to {}",
            loaded.file.display()
        );
    };
    if settings.workers.slots == 0 {
        bail!("a worker without slots does nothing: set `workers.slots` to 1 or more");
    }
    refuse_foreign_records(&settings.data_dir)?;
    let listener = match settings.listen.health {
        Some(address) => Some(TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; stop what listens there, or change `listen.api`")
        })?),
        None => None,
    };
    let data_dir = DataDir::open(&settings.data_dir)?;
    let tracker = TaskTracker::new();
    let health = health::Health::new(Arc::clone(telemetry));
    if let Some(listener) = listener {
        let limits = ingress::ConnectionLimits::default();
        // Asked about until the last job ended.
        let serving = ingress::Stop { soft: stop.hard.clone(), hard: stop.hard.clone() };
        tracker.spawn(ingress::serve(listener, health::router(health.clone()), limits, serving));
    }
    let worked = work(&settings, &control_plane, secrets, &data_dir, &health, stop).await;
    stop.soft.cancel();
    stop.hard.cancel();
    tracker.close();
    tracker.wait().await;
    drop(data_dir);
    tracing::info!("stopped");
    worked
}

async fn work(
    settings: &config::Settings,
    control_plane: &ControlPlane,
    secrets: Secrets,
    data_dir: &DataDir,
    health: &health::Health,
    stop: &Stop,
) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let wake_up = Arc::new(Notify::new());
    let entered = control_client::enter(control_client::Settings {
        url: control_plane.url.clone(),
        ca_file: control_plane.ca_file.clone(),
        credential_file: data_dir.join("worker.credential"),
        enrolment: secrets.enrolment.clone(),
        slots: settings.workers.slots,
        software: concat!("pullwright ", env!("CARGO_PKG_VERSION")).to_owned(),
        clock: Arc::clone(&clock),
        wake_up: Arc::clone(&wake_up),
        stop: stop.soft.clone(),
        trace: telemetry::trace::current,
    });
    let control: Arc<RemoteControl> = match entered.await {
        Ok(control) => Arc::new(control),
        Err(control_client::EnterError::Stopped) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    health.control(Arc::clone(&control));
    let worker = LocalWorker {
        name: control.name(),
        control,
        clock,
        wake_up,
        data_dir: data_dir.join("worker"),
        git_ca_file: control_plane.ca_file.clone(),
        masked: secrets.enrolment.into_iter().collect(),
    };
    worker.work(settings, stop).await
}

/// A worker's commands are the most dangerous neighbours that a database can have.
fn refuse_foreign_records(data_dir: &Path) -> anyhow::Result<()> {
    for name in ["store.db", "queue.db", "gate.key", "admin.token"] {
        if data_dir.join(name).exists() {
            bail!(
                "{} holds {name}, which is the control plane's: give the worker a `data_dir` of its own",
                data_dir.display()
            );
        }
    }
    Ok(())
}
