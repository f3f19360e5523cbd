//! What this program is as a child: the floor, an intake without a dispatcher, a forge.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::serve::ListenerExt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use broker::Publisher;
use broker::amqp::{AmqpLimits, AmqpPublisher, AmqpSettings, State as BrokerState, Topology};
use broker::embedded::{Queue, QueueLimits};
use forge_sim::{Sim, SimOptions};
use hmac::{Hmac, KeyInit, Mac};
use ingress::{ConnectionLimits, Intake, IntakeLimits, Route, Stop};
use schemas::amqp::Address;
use schemas::{Clock, SystemClock, WebhookName};
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::scheme::{SECRET, Scheme};
use crate::{idle_worker, ready_answers};

/// Marks an argument as a role.
pub const PREFIX: &str = "--as-";
/// What the forge's REST and git accept.
pub const FORGE_TOKEN: &str = "figures-forge-token";

/// Plays `role` until killed.
pub async fn play(role: &str, arguments: &[&str]) -> anyhow::Result<()> {
    match (role, arguments) {
        ("floor", [scheme]) => floor(scheme).await,
        ("intake", [folder]) => {
            let queue = Queue::open(&Path::new(folder).join("queue.db"), QueueLimits::default()).await?;
            intake(queue.publisher()).await
        }
        ("intake-rabbitmq", [address]) => {
            let (address, password) = Address::read(address)?;
            let mut settings = AmqpSettings::new(address, password.unwrap_or("guest").into(), "figures");
            // The queue's limits are not what is measured.
            settings.limits =
                AmqpLimits { max_messages: 50_000_000, max_bytes: 64 << 30, ..AmqpLimits::default() };
            let publisher = AmqpPublisher::start(settings, Topology::Declare);
            publisher.health().wait_for(|health| health.state == BrokerState::Ready).await?;
            intake(Arc::new(publisher)).await
        }
        ("forge", []) => forge().await,
        ("ready-answers", []) => Ok(axum::serve(listen().await?, ready_answers::router()).await?),
        ("idle-worker", [url, token, folder, slots]) => {
            // It has no address; whoever started it waits for one.
            announce(SocketAddr::from(([0, 0, 0, 0], 0)));
            idle_worker::work(url, token, Path::new(folder), slots.parse()?).await
        }
        _ => bail!("there is no role `{role}`"),
    }
}

/// The least that a webhook receiver does: bare axum, the body read whole, its HMAC checked, 202.
async fn floor(scheme: &str) -> anyhow::Result<()> {
    type Key = (Scheme, Hmac<Sha256>);
    async fn receive(State((scheme, key)): State<Key>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (name, prefix) = scheme.signature();
        let signature = text(name).strip_prefix(prefix).and_then(|signature| match scheme {
            Scheme::GitLab => STANDARD.decode(signature).ok(),
            _ => hex::decode(signature).ok(),
        });
        let mut mac = key;
        if scheme == Scheme::GitLab {
            mac.update(format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).as_bytes());
        }
        mac.update(&body);
        match mac.verify_slice(&signature.unwrap_or_default()) {
            Ok(()) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::UNAUTHORIZED,
        }
    }
    let scheme = Scheme::named(scheme).context("no such scheme")?;
    let key = Hmac::new_from_slice(SECRET.as_bytes())?;
    let app = Router::new().route("/webhooks/{name}", post(receive)).with_state((scheme, key));
    let listener = listen().await?.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    Ok(axum::serve(listener, app).await?)
}

/// Ingress and its queue as they are shipped, without anybody who takes from the queue.
async fn intake(publisher: Arc<dyn Publisher>) -> anyhow::Result<()> {
    let telemetry = telemetry::init(telemetry::Options {
        service: "pullwright",
        version: env!("CARGO_PKG_VERSION"),
        format: telemetry::Format::Json,
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut webhooks = BTreeMap::new();
    for scheme in Scheme::ALL {
        webhooks.insert(WebhookName::from(scheme.name()), Route::new(scheme.sender()?));
    }
    let limits = IntakeLimits::default();
    let intake = Intake::new(webhooks, publisher, clock, limits, telemetry.meters());
    let listener = listen().await?;
    ingress::serve(listener, ingress::router(intake), ConnectionLimits::default(), Stop::default()).await;
    Ok(())
}

async fn forge() -> anyhow::Result<()> {
    let sim = Sim::start(SimOptions { token: FORGE_TOKEN.to_owned(), ..SimOptions::default() }).await?;
    announce(sim.url.strip_prefix("http://").context("no address")?.parse()?);
    std::future::pending::<()>().await;
    Ok(())
}

async fn listen() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    Ok(listener)
}

/// The one line that [`crate::process::Role`] waits for.
fn announce(address: SocketAddr) {
    println!("{address}");
}
