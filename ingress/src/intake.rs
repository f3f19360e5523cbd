//! What a webhook request needs: names, secrets, limits, a queue.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use broker::Publisher;
use ipnet::IpNet;
use schemas::{Clock, WebhookName};
use senders::Sender;
use telemetry::Meters;
use tokio::sync::Semaphore;

use crate::body::{BodyLimits, Room};
use crate::rate::{Limiter, Rate};
use crate::storing::Storing;

/// How much webhooks may ask of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeLimits {
    /// What one body may be.
    pub body: BodyLimits,
    /// Bytes of all bodies that are being read; beyond it 503. For the first 64 KiB of each there is a
    /// quarter as much on top, so that large bodies keep no small one out.
    pub bodies: usize,
    /// Requests that are being verified and stored at once; beyond it 503.
    pub requests: usize,
    /// Such requests to one webhook, so that no sender takes the others' place; beyond it 429.
    pub requests_per_webhook: usize,
    /// How deep JSON may be nested.
    pub json_depth: usize,
    /// How long the queue may take; beyond it 503.
    pub publish: Duration,
    /// The proxies in front of us, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for IntakeLimits {
    /// Bodies of 25 MiB, 256 MiB of them; 1024 requests, 256 a webhook; 64 levels; 2 s; no proxy.
    fn default() -> Self {
        Self {
            body: BodyLimits::default(),
            bodies: 256 << 20,
            requests: 1024,
            requests_per_webhook: 256,
            json_depth: 64,
            publish: Duration::from_secs(2),
            trusted_proxies: Vec::new(),
        }
    }
}

/// Everything between a webhook request and its answer.
pub struct Intake {
    pub(crate) webhooks: BTreeMap<WebhookName, Webhook>,
    pub(crate) storing: Storing,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: IntakeLimits,
    pub(crate) room: Room,
    pub(crate) slots: Semaphore,
    pub(crate) meters: Meters,
}

/// What configuration says of one webhook.
#[derive(Debug)]
pub struct Route {
    /// Its scheme and secrets.
    pub sender: Sender,
    /// Signatures are not looked at: for trying things out on one's own machine.
    pub insecure: bool,
    /// The networks that deliveries may come from, others hear 403; empty allows all.
    pub networks: Vec<IpNet>,
    /// How many deliveries it may bring.
    pub rate: Option<Rate>,
}

/// One configured webhook at work.
#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) sender: Sender,
    pub(crate) insecure: bool,
    pub(crate) networks: Vec<IpNet>,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) slots: Semaphore,
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
        let slots = |requests: usize| Semaphore::new(requests.min(Semaphore::MAX_PERMITS));
        let webhooks = webhooks.into_iter().map(|(name, route)| {
            let webhook = Webhook {
                sender: route.sender,
                insecure: route.insecure,
                networks: route.networks,
                limiter: route.rate.map(|rate| Limiter::new(rate, Arc::clone(&clock))),
                slots: slots(limits.requests_per_webhook),
            };
            (name, webhook)
        });
        Self {
            webhooks: webhooks.collect(),
            storing: Storing::new(publisher, limits.publish),
            clock,
            room: Room::new(limits.bodies),
            slots: slots(limits.requests),
            limits,
            meters,
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("webhooks", &self.webhooks).field("limits", &self.limits).finish()
    }
}
