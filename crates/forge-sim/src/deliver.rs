//! Sends webhook deliveries, one after the other, once each: GitHub does not retry by
//! itself. What was sent is kept, for whoever asks for it again.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::model::{DeliveryRecord, Webhook};
use crate::render::node;
use crate::world::World;
use crate::{faults, sign};

/// GitHub waits ten seconds for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What waits to be posted, in order.
pub(crate) enum Posting {
    /// A delivery.
    Delivery(Box<Outgoing>),
    /// Somebody who wants to know when all before it was attempted.
    Turn(oneshot::Sender<()>),
}

/// A delivery to be made.
pub(crate) struct Outgoing {
    pub webhook: Webhook,
    pub guid: String,
    pub event: String,
    pub action: String,
    /// The id of the payload's repository.
    pub repository: Option<u64>,
    pub body: Bytes,
    /// Whether it was asked for again.
    pub redelivery: bool,
    /// Where the outcome goes besides the record.
    pub outcome: Option<oneshot::Sender<DeliveryRecord>>,
}

impl Outgoing {
    fn new(webhook: Webhook, guid: String, event: &str, payload: &Value) -> Self {
        Self {
            webhook,
            guid,
            event: event.to_owned(),
            action: payload["action"].as_str().unwrap_or_default().to_owned(),
            repository: payload["repository"]["id"].as_u64(),
            body: payload.to_string().into_bytes().into(),
            redelivery: false,
            outcome: None,
        }
    }
}

impl World {
    /// Queues an event for every webhook that wants it.
    pub(crate) fn announce(&self, event: &str, payload: &Value) {
        let full_name = payload["repository"]["full_name"].as_str().unwrap_or_default();
        let webhooks: Vec<Webhook> = self.model().webhooks.clone();
        // The guid is shared by all deliveries of one event.
        let guid = self.clock.fresh_id().to_string();
        for webhook in webhooks.into_iter().filter(|w| w.wants(event, full_name)) {
            let mut payload = payload.clone();
            if webhook.app {
                self.add_installation(&mut payload);
            }
            self.post(Outgoing::new(webhook, guid.clone(), event, &payload));
        }
    }

    /// Queues a delivery.
    pub(crate) fn post(&self, outgoing: Outgoing) {
        // The other end lives as long as the server; afterwards nobody waits for deliveries.
        drop(self.outbox.send(Posting::Delivery(Box::new(outgoing))));
    }

    /// What an App's hook tells besides: the installation that it comes from.
    fn add_installation(&self, payload: &mut Value) {
        let id = payload["repository"]["owner"]["id"].clone();
        if let (Some(number), Some(object)) = (id.as_u64(), payload.as_object_mut()) {
            let node = node("IntegrationInstallation", number);
            object.insert("installation".into(), json!({ "id": id, "node_id": node }));
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
        let mut outgoing = Outgoing::new(webhook, guid, event, &payload);
        outgoing.outcome = Some(sender);
        self.post(outgoing);
        receiver.await.ok()
    }
}

/// Empties the outbox until it closes.
pub(crate) async fn run(world: Arc<World>, mut outbox: mpsc::UnboundedReceiver<Posting>) {
    while let Some(posting) = outbox.recv().await {
        let mut outgoing = match posting {
            Posting::Delivery(outgoing) => *outgoing,
            Posting::Turn(waiting) => {
                // Whoever waited may have gone.
                let _ = waiting.send(());
                continue;
            }
        };
        let outcome = outgoing.outcome.take();
        let record = send(&world, outgoing).await;
        world.model().deliveries.push(record.clone());
        if let Some(outcome) = outcome {
            drop(outcome.send(record));
        }
    }
}

async fn send(world: &World, outgoing: Outgoing) -> DeliveryRecord {
    let at = world.now();
    let (status, answer) = if faults::target_is_down(world, &outgoing.webhook.url) {
        (None, "down on order".to_owned())
    } else {
        match request(world, &outgoing).send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                (Some(status), response.text().await.unwrap_or_default())
            }
            Err(error) => (None, error.to_string()),
        }
    };
    let Outgoing { webhook, guid, event, action, repository, body, redelivery, .. } = outgoing;
    let id = world.model().fresh_id();
    let (webhook, url) = (webhook.id, webhook.url);
    DeliveryRecord { id, webhook, guid, at, redelivery, url, event, action, status, answer, repository, body }
}

fn request(world: &World, outgoing: &Outgoing) -> reqwest::RequestBuilder {
    let Outgoing { webhook, guid, event, body, .. } = outgoing;
    let (target, kind) = match outgoing.repository {
        _ if webhook.app => (world.app.id, "integration"),
        repository => (repository.unwrap_or_default(), "repository"),
    };
    let request = world
        .http
        .post(&webhook.url)
        .timeout(PATIENCE)
        .header("Accept", "*/*")
        .header("Content-Type", "application/json")
        .header("User-Agent", "GitHub-Hookshot/51e0a2c")
        .header("X-GitHub-Delivery", guid)
        .header("X-GitHub-Event", event)
        .header("X-GitHub-Hook-ID", webhook.id.to_string())
        .header("X-GitHub-Hook-Installation-Target-ID", target.to_string())
        .header("X-GitHub-Hook-Installation-Target-Type", kind)
        .body(body.clone());
    if webhook.secret.is_empty() {
        return request;
    }
    request
        .header("X-Hub-Signature", sign::github_sha1(&webhook.secret, body))
        .header("X-Hub-Signature-256", sign::github(&webhook.secret, body))
}
