//! `pullwright up`: ingress, dispatcher and worker in one process.

use config::{Credential, Proof, Role, Secrets};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Started;
use crate::lifecycle::Stop;
use crate::parts::control_plane::{ControlPlane, Start};
use crate::parts::data_dir::DataDir;
use crate::parts::listeners::Listeners;
use crate::parts::local_worker::LocalWorker;
use crate::parts::queue::DeliveryQueue;
use crate::parts::ready::WorkerState;
use crate::parts::{explained, routes};

/// Runs until it is told to stop.
pub async fn serve(started: Started) -> miette::Result<()> {
    let Started { settings, secrets, clock, telemetry, .. } = &started;
    let automations = Start::read(settings);
    if let Err(error) = ingress::raise_open_files() {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let stop = started.stop_on_signals()?;
    let listen = &settings.listen;
    let addresses = [("webhooks", listen.webhooks), ("api", listen.api()), ("worker", listen.worker())];
    let listeners = Listeners::bind(&addresses).await.map_err(explained)?;
    let data_dir = DataDir::open(&settings.data_dir).map_err(explained)?;
    let queue = DeliveryQueue::open(settings, secrets, Role::Up).await.map_err(explained)?;
    started.warn();
    let webhooks = routes::router(settings, secrets, queue.publisher(), clock, telemetry.meters())?;
    let meters = telemetry.meters();
    let control = ControlPlane::open(settings, secrets, &data_dir, queue, clock.clone(), meters).await?;
    control.take_automations(automations).await?;
    control.recover().await.map_err(explained)?;

    let tracker = TaskTracker::new();
    control.spawn(&tracker, &stop, settings);
    let worker = (settings.workers.slots > 0).then(WorkerState::default);
    let health = control.health(worker.clone(), telemetry);
    // A worker's last push comes in through the git gate: listening ends after it. Deliveries that
    // arrive until then are stored, and decided by the next start.
    let serving = ingress::Stop { soft: CancellationToken::new(), hard: stop.hard.clone() };
    let apps = [
        (listen.webhooks, webhooks),
        (listen.api(), control.api().merge(health)),
        (listen.worker(), control.worker_api()),
    ];
    listeners.serve(apps, settings, &serving, &tracker);
    let working = worker.map(|state| spawn_worker(&started, &control, &data_dir, &stop, state));
    tracing::info!(
        webhooks = %listen.webhooks,
        api = %listen.api(),
        data_dir = %settings.data_dir.display(),
        "ready"
    );

    stop.soft.cancelled().await;
    // The worker goes first: what it reports has still to be published.
    if let Some(working) = working {
        let _ = working.await;
    }
    serving.soft.cancel();
    control.end(&tracker, &stop).await;
    drop(data_dir);
    tracing::info!("stopped");
    Ok(())
}

/// Starts the worker of this process; the task ends when its last job did.
fn spawn_worker(
    started: &Started,
    control: &ControlPlane,
    data_dir: &DataDir,
    stop: &Stop,
    state: WorkerState,
) -> tokio::task::JoinHandle<()> {
    let worker = LocalWorker {
        name: control.local_worker(),
        control: control.for_worker(),
        clock: started.clock.clone(),
        wake_up: control.wake_up(&stop.soft),
        data_dir: data_dir.join("worker"),
        git_ca_file: None,
        masked: masked(&started.secrets),
    };
    worker.spawn(&started.settings, stop, state)
}

/// Every secret of this process, to be masked in what commands print: should one ever reach a
/// sandbox, it does not reach a log.
fn masked(secrets: &Secrets) -> Vec<SecretString> {
    let webhooks = secrets.webhooks.values().flat_map(Proof::secrets);
    let connections = secrets.connections.values().map(Credential::secret);
    let artifacts = secrets.artifacts.iter().map(|key| &key.secret_key);
    webhooks
        .chain(connections)
        .chain(artifacts)
        .chain(&secrets.database)
        .chain(&secrets.broker)
        .cloned()
        .collect()
}
