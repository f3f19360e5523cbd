//! `pullwright ingress`: takes deliveries and puts them on RabbitMQ. It has the secrets of webhooks and
//! may publish; it opens no database and knows no forge.

use config::Role;
use tokio_util::task::TaskTracker;

use super::{Started, needs_rabbitmq};
use crate::parts::listeners::Listeners;
use crate::parts::queue::DeliveryQueue;
use crate::parts::{explained, ready, routes};

/// Runs until it is told to stop.
pub async fn serve(started: Started) -> miette::Result<()> {
    let Started { settings, secrets, clock, telemetry, .. } = &started;
    needs_rabbitmq(settings, Role::Ingress)?;
    if let Err(error) = ingress::raise_open_files() {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let stop = started.stop_on_signals()?;
    let listen = &settings.listen;
    let addresses = [("webhooks", listen.webhooks), ("api", listen.api())];
    let listeners = Listeners::bind(&addresses).await.map_err(explained)?;
    started.warn();
    let queue = DeliveryQueue::open(settings, secrets, Role::Ingress).await.map_err(explained)?;
    let queue = std::sync::Arc::new(queue);
    let webhooks = routes::router(settings, secrets, queue.publisher(), clock, telemetry.meters())?;
    let looked_at = queue.clone();
    let health = ready::router(telemetry, move || std::future::ready(vec![looked_at.check()]));
    let tracker = TaskTracker::new();
    let serving = ingress::Stop { soft: stop.soft.clone(), hard: stop.hard.clone() };
    listeners.serve([(listen.webhooks, webhooks), (listen.api(), health)], settings, &serving, &tracker);
    tracing::info!(webhooks = %listen.webhooks, health = %listen.api(), "ready");

    // Requests that are being read end first, with what RabbitMQ answers.
    stop.finished(&tracker).await;
    if let Some(queue) = std::sync::Arc::into_inner(queue) {
        queue.close().await;
    }
    tracing::info!("stopped");
    Ok(())
}
