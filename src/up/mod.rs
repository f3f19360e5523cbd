//! `pullwright up`: ingress, dispatcher and worker in one process, on SQLite or PostgreSQL and the embedded queue.

mod credentials;
pub mod data_dir;
pub mod deciding;
pub mod doctor;
mod local_worker;
mod parts;
mod ready;
mod reload;
pub mod routes;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use config::{Loaded, ProcessEnv, Role};
use dispatcher::rules::load_folder_knowing;
use schemas::{Clock, SystemClock};
use telemetry::{Format, Telemetry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::lifecycle::Stop;
use parts::{Parts, Start};

/// Runs until it is told to stop.
///
/// # Errors
/// When it cannot start, in words for the person who started it.
pub async fn run(config: Option<&Path>, format: Format) -> miette::Result<()> {
    let telemetry = Arc::new(
        telemetry::init(telemetry::Options {
            service: "pullwright",
            version: env!("CARGO_PKG_VERSION"),
            format,
        })
        .map_err(|error| miette::miette!("{error}"))?,
    );
    let loaded = config::load(config, &ProcessEnv)?;
    let secrets = loaded.secrets(Role::Up, &ProcessEnv)?;
    // A mistake in the automations is shown with its place before anything is opened.
    let automations = match &loaded.settings.automations {
        config::Automations::Folder(folder) => {
            let known = (&loaded.settings).into();
            Start::Folder(folder.clone(), load_folder_knowing(folder, Some(&known)))
        }
        config::Automations::Repository { .. } => Start::Repository,
    };
    let result = serve(loaded, secrets, automations, &telemetry).await;
    // The exporters run on threads of their own and have to end before the runtime does.
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await.ok();
    result
}

async fn serve(
    loaded: Loaded,
    secrets: config::Secrets,
    automations: Start,
    telemetry: &Arc<Telemetry>,
) -> miette::Result<()> {
    let settings = loaded.settings;
    if let Err(error) = ingress::raise_open_files() {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let stop = Stop::on_signals(settings.runs.stop_grace).map_err(plain)?;
    let listeners = Listeners::bind(&settings).await.map_err(explained)?;
    let data_dir = data_dir::DataDir::open(&settings.data_dir).map_err(explained)?;
    let parts = Parts::open(&settings, secrets, &data_dir, clock, telemetry.meters()).await?;
    parts.take_automations(automations).await?;
    parts.recover().await.map_err(explained)?;

    let meters = Arc::clone(telemetry);
    let metrics: ready::MetricsText = Arc::new(move || meters.metrics_text());
    let tracker = TaskTracker::new();
    parts.spawn(&tracker, &stop, &settings);
    let workers = parts.spawn_worker(&settings, &stop);
    // A worker's last push comes in through the git gate: listening ends after it. Deliveries that
    // arrive until then are stored, and decided by the next start.
    let serving = ingress::Stop { soft: CancellationToken::new(), hard: stop.hard.clone() };
    listeners.serve(&parts, &settings, metrics, &serving, &tracker);
    tracing::info!(
        webhooks = %settings.listen.webhooks,
        api = %settings.listen.api(),
        data_dir = %settings.data_dir.display(),
        "ready"
    );

    stop.soft.cancelled().await;
    // The worker goes first: what it reports has still to be published.
    let _ = workers.await;
    serving.soft.cancel();
    parts.stop_publishing();
    tracker.close();
    tokio::select! {
        () = tracker.wait() => {}
        () = stop.hard.cancelled() => {}
    }
    parts.close().await;
    drop(data_dir);
    tracing::info!("stopped");
    Ok(())
}

/// Sockets are taken before anything is opened, so that a port in use is the first thing said.
struct Listeners {
    webhooks: TcpListener,
    api: Option<TcpListener>,
    worker: Option<TcpListener>,
}

impl Listeners {
    async fn bind(settings: &config::Settings) -> anyhow::Result<Self> {
        let bind = async |key: &str, address: std::net::SocketAddr| {
            TcpListener::bind(address).await.with_context(|| {
                format!("cannot listen on {address}; stop what listens there, or change `listen.{key}`")
            })
        };
        let listen = &settings.listen;
        let webhooks = bind("webhooks", listen.webhooks).await?;
        let api = match listen.api.filter(|api| *api != listen.webhooks) {
            Some(api) => Some(bind("api", api).await?),
            None => None,
        };
        let elsewhere =
            |worker: &std::net::SocketAddr| *worker != listen.webhooks && Some(*worker) != listen.api;
        let worker = match listen.worker.filter(elsewhere) {
            Some(worker) => Some(bind("worker", worker).await?),
            None => None,
        };
        Ok(Self { webhooks, api, worker })
    }

    /// Serves each address with what belongs there.
    fn serve(
        self,
        parts: &Parts,
        settings: &config::Settings,
        metrics: ready::MetricsText,
        stop: &ingress::Stop,
        tracker: &TaskTracker,
    ) {
        let listen = &settings.listen;
        let mut public = parts.webhooks();
        let mut api = parts.api().merge(parts.health(metrics));
        let worker = parts.git_gate();
        match self.worker {
            Some(listener) => spawn_server(listener, worker, settings, stop, tracker),
            None if listen.worker.is_some() && listen.worker == listen.api => api = api.merge(worker),
            None => public = public.merge(worker),
        }
        match self.api {
            Some(listener) => spawn_server(listener, api, settings, stop, tracker),
            None => public = public.merge(api),
        }
        spawn_server(self.webhooks, public, settings, stop, tracker);
    }
}

fn spawn_server(
    listener: TcpListener,
    app: Router,
    settings: &config::Settings,
    stop: &ingress::Stop,
    tracker: &TaskTracker,
) {
    let limits = parts::connection_limits(settings);
    tracker.spawn(ingress::serve(listener, app, limits, stop.clone()));
}

/// An error whose chain is the message.
fn explained(error: anyhow::Error) -> miette::Report {
    miette::miette!("{error:#}")
}

fn plain(error: std::io::Error) -> miette::Report {
    miette::miette!("{error}")
}
