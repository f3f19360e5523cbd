//! `POST /webhooks/{name}`: from bytes to a stored delivery.
//!
//! The order matters: what is cheap to refuse is refused before the body is read, nothing is looked
//! into before the signature fits, and nothing is answered 202 before it is stored.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use http::header::{CONTENT_TYPE, EXPECT};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use schemas::delivery::Body;
use schemas::{Delivery, DeliveryId, WebhookName};
use senders::{BodyFormat, Handshake, Sender};
use serde::Serialize;
use tokio::sync::SemaphorePermit;
use tracing::Instrument;

use crate::body::{self, RawBody};
use crate::intake::{Intake, Webhook};
use crate::rate::Limiter;
use crate::refusal::Refusal;
use crate::{client, json};

/// Bodies above this are hashed, checked and compressed off the threads that serve connections.
const LARGE: usize = 1 << 20;

/// The route for all webhooks of `intake`.
pub fn router(intake: Intake) -> Router {
    Router::new().route("/webhooks/{name}", any(receive)).with_state(Arc::new(intake))
}

#[derive(Serialize)]
struct Accepted {
    delivery: String,
}

async fn receive(
    State(intake): State<Arc<Intake>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let start = intake.clock.monotonic();
    // A name from outside goes into spans, logs and metrics only when it is a configured one.
    let name = name.ok().map(|Path(name)| WebhookName(name));
    let name = name.filter(|name| intake.webhooks.contains_key(name));
    let span = tracing::info_span!(
        "webhook.receive",
        otel.kind = "server",
        webhook = name.as_ref().map(WebhookName::as_str),
        delivery.id = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
    );
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let client =
        peer.and_then(|peer| client::address(peer, request.headers(), &intake.limits.trusted_proxies));
    async {
        let response = match take(&intake, name.as_ref(), client, request).await {
            Ok(Answer::Stored { delivery, status }) => {
                let accepted = Accepted { delivery: delivery.to_string() };
                (StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED), Json(accepted)).into_response()
            }
            Ok(Answer::Handshake(handshake)) => {
                let status = StatusCode::from_u16(handshake.status).unwrap_or(StatusCode::OK);
                (status, [(CONTENT_TYPE, "application/json")], handshake.body).into_response()
            }
            Err(refusal) => {
                refusal.log(client);
                intake.meters.webhook_refused(name.as_ref(), refusal.reason());
                refusal.into_response()
            }
        };
        let status = response.status().as_u16();
        tracing::Span::current().record("http.response.status_code", status);
        let took = intake.clock.monotonic().saturating_sub(start);
        intake.meters.webhook_answered(name.as_ref(), status, took);
        response
    }
    .instrument(span)
    .await
}

async fn take(
    intake: &Arc<Intake>,
    name: Option<&WebhookName>,
    client: Option<IpAddr>,
    request: Request,
) -> Result<Answer, Refusal> {
    let (parts, unread) = request.into_parts();
    let admitted = match admit(intake, name, client, &parts) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            // Who asks before sending a body has not sent it yet.
            if !parts.headers.contains_key(EXPECT) {
                body::discard(unread).await;
            }
            return Err(refusal);
        }
    };
    let raw = body::read(unread, &intake.limits.body, &intake.room).await?;
    // Only now: whoever sends slowly must not keep others out meanwhile.
    let _slots = enter(intake, admitted.webhook)?;
    let received_at = intake.clock.now();
    let body = match examine_anywhere(intake, &admitted, &parts.headers, raw).await? {
        Examined::Delivery(body) => body,
        Examined::Handshake(handshake) => return Ok(Answer::Handshake(handshake)),
    };
    let id = DeliveryId::fresh(&*intake.clock);
    tracing::Span::current().record("delivery.id", tracing::field::display(id));
    let delivery = Delivery {
        id,
        webhook: admitted.name.clone(),
        received_at,
        headers: admitted.headers,
        body,
        trace: telemetry::trace::current(),
        replay_of: None,
    };
    intake.storing.store(delivery).await?;
    Ok(Answer::Stored { delivery: id, status: admitted.webhook.sender.accepted_status() })
}

/// What a request that is not refused is told.
enum Answer {
    /// It is stored.
    Stored { delivery: DeliveryId, status: u16 },
    /// It only asked whether somebody is here.
    Handshake(Handshake),
}

/// What a body turned out to be.
enum Examined {
    /// To be stored.
    Delivery(Body),
    /// To be answered at once.
    Handshake(Handshake),
}

/// What is known of a request before its body.
struct Admitted<'a> {
    name: &'a WebhookName,
    webhook: &'a Webhook,
    format: BodyFormat,
    headers: BTreeMap<String, String>,
}

fn admit<'a>(
    intake: &'a Intake,
    name: Option<&WebhookName>,
    client: Option<IpAddr>,
    parts: &Parts,
) -> Result<Admitted<'a>, Refusal> {
    let (name, webhook) =
        name.and_then(|name| intake.webhooks.get_key_value(name)).ok_or(Refusal::UnknownName)?;
    if parts.method != Method::POST {
        return Err(Refusal::Method);
    }
    let from = |client: IpAddr| webhook.networks.iter().any(|network| network.contains(&client));
    // An address that cannot be told is none of the allowed ones.
    if !webhook.networks.is_empty() && !client.is_some_and(from) {
        return Err(Refusal::Network);
    }
    // After the network: strangers do not use up the rate of those who may call.
    webhook.limiter.as_ref().map_or(Ok(()), Limiter::take).map_err(|wait| Refusal::Rate { wait })?;
    // Taken for a moment, to say so before the body when there is none.
    drop(enter(intake, webhook)?);
    let format = webhook.sender.check_content_type(&parts.headers)?;
    let headers = kept_headers(&webhook.sender, &parts.headers)?;
    Ok(Admitted { name, webhook, format, headers })
}

/// A slot of its webhook and one of all.
fn enter<'a>(
    intake: &'a Intake,
    webhook: &'a Webhook,
) -> Result<(SemaphorePermit<'a>, SemaphorePermit<'a>), Refusal> {
    let own = webhook.slots.try_acquire().map_err(|_| Refusal::WebhookBusy)?;
    let shared = intake.slots.try_acquire().map_err(|_| Refusal::Busy)?;
    Ok((own, shared))
}

/// The headers that a parser will need. A doubled one would be read by chance.
fn kept_headers(sender: &Sender, headers: &HeaderMap) -> Result<BTreeMap<String, String>, Refusal> {
    let mut kept = BTreeMap::new();
    for name in sender.kept_headers() {
        let mut values = headers.get_all(*name).iter();
        let Some(value) = values.next() else { continue };
        if values.next().is_some() {
            return Err(Refusal::DuplicatedHeader(name));
        }
        if let Ok(text) = value.to_str() {
            kept.insert((*name).to_owned(), text.to_owned());
        }
    }
    Ok(kept)
}

async fn examine_anywhere(
    intake: &Arc<Intake>,
    admitted: &Admitted<'_>,
    headers: &HeaderMap,
    raw: RawBody,
) -> Result<Examined, Refusal> {
    if raw.bytes.len() <= LARGE {
        return examine(intake, admitted.webhook, admitted.format, headers, &raw.bytes);
    }
    let (intake, name, format) = (Arc::clone(intake), admitted.name.clone(), admitted.format);
    let headers = headers.clone();
    let work = move || {
        let webhook = intake.webhooks.get(&name).ok_or(Refusal::UnknownName)?;
        examine(&intake, webhook, format, &headers, &raw.bytes)
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Refusal::Internal))
}

/// The body for the queue, once it is genuine and JSON.
fn examine(
    intake: &Intake,
    webhook: &Webhook,
    format: BodyFormat,
    headers: &HeaderMap,
    raw: &[u8],
) -> Result<Examined, Refusal> {
    let (sender, now) = (&webhook.sender, intake.clock.now());
    if let Some(handshake) = sender.handshake(headers, raw, now) {
        return Ok(Examined::Handshake(handshake));
    }
    if !webhook.insecure {
        sender.verify(headers, raw, now)?;
    }
    json::check(&sender.json_of(format, raw)?, intake.limits.json_depth)?;
    Ok(Examined::Delivery(Body::compress(raw)))
}
