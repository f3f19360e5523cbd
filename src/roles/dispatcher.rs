//! `pullwright dispatcher`: reads deliveries from RabbitMQ, decides, writes to forges, and serves the API
//! to people and workers. It has the database and the credentials of forges, and no webhook's secret.

use config::Role;
use tokio_util::task::TaskTracker;

use super::{Started, needs_rabbitmq};
use crate::parts::control_plane::{ControlPlane, Start};
use crate::parts::data_dir::DataDir;
use crate::parts::explained;
use crate::parts::listeners::Listeners;
use crate::parts::queue::DeliveryQueue;

/// Runs until it is told to stop.
pub async fn serve(started: Started) -> miette::Result<()> {
    let Started { settings, secrets, clock, telemetry, .. } = &started;
    needs_rabbitmq(settings, Role::Dispatcher)?;
    let automations = Start::read(settings);
    let stop = started.stop_on_signals()?;
    let listen = &settings.listen;
    let addresses = [("api", listen.api()), ("worker", listen.worker())];
    let listeners = Listeners::bind(&addresses).await.map_err(explained)?;
    let data_dir = DataDir::open(&settings.data_dir).map_err(explained)?;
    let queue = DeliveryQueue::open(settings, secrets, Role::Dispatcher).await.map_err(explained)?;
    let meters = telemetry.meters();
    let control = ControlPlane::open(settings, secrets, &data_dir, queue, clock.clone(), meters).await?;
    control.take_automations(automations).await?;

    let tracker = TaskTracker::new();
    control.spawn(&tracker, &stop, settings);
    let serving = ingress::Stop { soft: stop.soft.clone(), hard: stop.hard.clone() };
    let api = control.api().merge(control.health(None, telemetry));
    let apps = [(listen.api(), api), (listen.worker(), control.worker_api())];
    listeners.serve(apps, settings, &serving, &tracker);
    tracing::info!(
        api = %listen.api(),
        worker = %listen.worker(),
        data_dir = %settings.data_dir.display(),
        "ready"
    );

    stop.soft.cancelled().await;
    control.end(&tracker, &stop).await;
    drop(data_dir);
    tracing::info!("stopped");
    Ok(())
}
