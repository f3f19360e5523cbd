//! What a webhook request needs: names, secrets, limits, a queue.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use broker::Publisher;
use ipnet::IpNet;
use schemas::{Clock, WebhookName};
use senders::Sender;
use telemetry::Meters;
use tokio::sync::Semaphore;

use crate::body::{BodyLimits, Room};

/// How much webhooks may ask of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntakeLimits {
    /// What one body may be.
    pub body: BodyLimits,
    /// Bytes of all bodies in memory; beyond it 503.
    pub bodies: usize,
    /// Requests to one webhook at once, so that no sender takes the others' place; beyond it 429.
    pub requests_per_webhook: usize,
    /// How deep JSON may be nested.
    pub json_depth: usize,
    /// How long the queue may take; beyond it 503.
    pub publish: Duration,
}

impl Default for IntakeLimits {
    /// Bodies of 25 MiB, 256 MiB of them; 256 requests a webhook; 64 levels; 5 s.
    fn default() -> Self {
        Self {
            body: BodyLimits::default(),
            bodies: 256 << 20,
            requests_per_webhook: 256,
            json_depth: 64,
            publish: Duration::from_secs(5),
        }
    }
}

/// Everything between a webhook request and its answer.
pub struct Intake {
    pub(crate) webhooks: BTreeMap<WebhookName, Webhook>,
    pub(crate) publisher: Arc<dyn Publisher>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: IntakeLimits,
    pub(crate) room: Room,
    pub(crate) meters: Meters,
}

/// What configuration says of one webhook.
#[derive(Debug)]
pub struct Route {
    /// Its scheme and secrets.
    pub sender: Sender,
    /// Signatures are not looked at: for trying things out on one's own machine.
    pub insecure: bool,
    /// The networks that deliveries may come from; empty allows all.
    pub networks: Vec<IpNet>,
    /// How many deliveries it may bring.
    pub rate: Option<Rate>,
}

/// A steady rate with room for bursts; beyond it 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Deliveries a minute in the long run.
    pub per_minute: NonZeroU32,
    /// Deliveries at once.
    pub burst: NonZeroU32,
}

/// One configured webhook at work.
#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) route: Route,
    pub(crate) slots: Arc<Semaphore>,
}

impl Route {
    /// A route that takes what `sender` signed, from anywhere and at any rate.
    #[must_use]
    pub fn new(sender: Sender) -> Self {
        Self { sender, insecure: false, networks: Vec::new(), rate: None }
    }
}

impl Intake {
    /// An intake for `webhooks`, which stores what it takes through `publisher`.
    #[must_use]
    pub fn new(
        webhooks: BTreeMap<WebhookName, Route>,
        publisher: Arc<dyn Publisher>,
        clock: Arc<dyn Clock>,
        limits: IntakeLimits,
        meters: Meters,
    ) -> Self {
        let slots = limits.requests_per_webhook.min(Semaphore::MAX_PERMITS);
        let webhooks = webhooks.into_iter().map(|(name, route)| {
            let slots = Arc::new(Semaphore::new(slots));
            (name, Webhook { route, slots })
        });
        Self {
            webhooks: webhooks.collect(),
            publisher,
            clock,
            limits,
            room: Room::new(limits.bodies),
            meters,
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("webhooks", &self.webhooks).field("limits", &self.limits).finish()
    }
}
