//! Sends webhook deliveries, one after the other, once each: GitHub does not retry by itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::model::{DeliveryRecord, Webhook};
use crate::sign;
use crate::world::World;

/// GitHub waits ten seconds for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A delivery to be made.
pub(crate) struct Outgoing {
    pub webhook: Webhook,
    pub guid: String,
    pub event: String,
    pub payload: Value,
    /// Where the outcome goes besides the record.
    pub outcome: Option<oneshot::Sender<DeliveryRecord>>,
}

impl World {
    /// Queues an event for every webhook that wants it.
    pub(crate) fn announce(&self, event: &str, payload: &Value) {
        let full_name = payload["repository"]["full_name"].as_str().unwrap_or_default();
        let webhooks: Vec<Webhook> = self.model().webhooks.clone();
        // The guid is shared by all deliveries of one event.
        let guid = self.clock.fresh_id().to_string();
        for webhook in webhooks.into_iter().filter(|w| w.wants(event, full_name)) {
            let outgoing = Outgoing {
                webhook,
                guid: guid.clone(),
                event: event.to_owned(),
                payload: payload.clone(),
                outcome: None,
            };
            // The other end lives as long as the server; afterwards nobody waits for deliveries.
            drop(self.outbox.send(outgoing));
        }
    }

    /// Sends one delivery and waits for its outcome.
    pub(crate) async fn deliver(
        &self,
        webhook: Webhook,
        guid: String,
        event: &str,
        payload: Value,
    ) -> Option<DeliveryRecord> {
        let (sender, receiver) = oneshot::channel();
        let outgoing = Outgoing { webhook, guid, event: event.to_owned(), payload, outcome: Some(sender) };
        self.outbox.send(outgoing).ok()?;
        receiver.await.ok()
    }
}

/// Empties the outbox until it closes.
pub(crate) async fn run(world: Arc<World>, mut outbox: mpsc::UnboundedReceiver<Outgoing>) {
    while let Some(mut outgoing) = outbox.recv().await {
        let outcome = outgoing.outcome.take();
        let record = send(&world, outgoing).await;
        world.model().deliveries.push(record.clone());
        if let Some(outcome) = outcome {
            drop(outcome.send(record));
        }
    }
}

async fn send(world: &World, outgoing: Outgoing) -> DeliveryRecord {
    let Outgoing { webhook, guid, event, payload, .. } = outgoing;
    let action = payload["action"].as_str().unwrap_or_default().to_owned();
    let target = payload["repository"]["id"].to_string();
    let body = payload.to_string().into_bytes();
    let mut request = world
        .http
        .post(&webhook.url)
        .timeout(PATIENCE)
        .header("Accept", "*/*")
        .header("Content-Type", "application/json")
        .header("User-Agent", "GitHub-Hookshot/51e0a2c")
        .header("X-GitHub-Delivery", &guid)
        .header("X-GitHub-Event", &event)
        .header("X-GitHub-Hook-ID", webhook.id.to_string())
        .header("X-GitHub-Hook-Installation-Target-ID", target)
        .header("X-GitHub-Hook-Installation-Target-Type", "repository");
    if !webhook.secret.is_empty() {
        request = request
            .header("X-Hub-Signature", sign::github_sha1(&webhook.secret, &body))
            .header("X-Hub-Signature-256", sign::github(&webhook.secret, &body));
    }
    let (status, answer) = match request.body(body).send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            (Some(status), response.text().await.unwrap_or_default())
        }
        Err(error) => (None, error.to_string()),
    };
    DeliveryRecord { guid, url: webhook.url, event, action, status, answer }
}
