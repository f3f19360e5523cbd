//! `POST /webhooks/{name}`: from bytes to a stored delivery.
//!
//! The order matters: what is cheap to refuse is refused before the body is read, nothing is looked
//! into before the signature fits, and nothing is answered 202 before it is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
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
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tracing::Instrument;

use crate::body::{self, RawBody};
use crate::intake::Intake;
use crate::json;
use crate::refusal::Refusal;

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
    async {
        let response = match take(&intake, name.as_ref(), request).await {
            Ok(Answer::Stored { delivery, status }) => {
                let accepted = Accepted { delivery: delivery.to_string() };
                (StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED), Json(accepted)).into_response()
            }
            Ok(Answer::Handshake(handshake)) => {
                let status = StatusCode::from_u16(handshake.status).unwrap_or(StatusCode::OK);
                (status, [(CONTENT_TYPE, "application/json")], handshake.body).into_response()
            }
            Err(refusal) => {
                refusal.log();
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

async fn take(intake: &Arc<Intake>, name: Option<&WebhookName>, request: Request) -> Result<Answer, Refusal> {
    let (parts, unread) = request.into_parts();
    let admitted = match admit(intake, name, &parts) {
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
    let received_at = intake.clock.now();
    let body = match examine_anywhere(intake, &admitted, &parts.headers, raw).await? {
        Examined::Delivery(body) => body,
        Examined::Handshake(handshake) => return Ok(Answer::Handshake(handshake)),
    };
    let id = DeliveryId::fresh(&*intake.clock);
    tracing::Span::current().record("delivery.id", tracing::field::display(id));
    let status = admitted.accepted_status;
    let delivery = Delivery {
        id,
        webhook: admitted.name,
        received_at,
        headers: admitted.headers,
        body,
        trace: telemetry::trace::current(),
        replay_of: None,
    };
    match timeout(intake.limits.publish, intake.publisher.publish(delivery)).await {
        Ok(Ok(())) => Ok(Answer::Stored { delivery: id, status }),
        Ok(Err(error)) => Err(Refusal::NotStored(error)),
        Err(_) => Err(Refusal::StoredTooSlowly),
    }
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
struct Admitted {
    name: WebhookName,
    format: BodyFormat,
    headers: BTreeMap<String, String>,
    accepted_status: u16,
    _slot: OwnedSemaphorePermit,
}

fn admit(intake: &Intake, name: Option<&WebhookName>, parts: &Parts) -> Result<Admitted, Refusal> {
    let (name, webhook) =
        name.and_then(|name| intake.webhooks.get_key_value(name)).ok_or(Refusal::UnknownName)?;
    if parts.method != Method::POST {
        return Err(Refusal::Method);
    }
    let slot = Arc::clone(&webhook.slots).try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let format = webhook.route.sender.check_content_type(&parts.headers)?;
    let headers = kept_headers(&webhook.route.sender, &parts.headers)?;
    let accepted_status = webhook.route.sender.accepted_status();
    Ok(Admitted { name: name.clone(), format, headers, accepted_status, _slot: slot })
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
    admitted: &Admitted,
    headers: &HeaderMap,
    raw: RawBody,
) -> Result<Examined, Refusal> {
    if raw.bytes.len() <= LARGE {
        return examine(intake, &admitted.name, admitted.format, headers, &raw.bytes);
    }
    let (intake, name, format) = (Arc::clone(intake), admitted.name.clone(), admitted.format);
    let headers = headers.clone();
    let work = move || examine(&intake, &name, format, &headers, &raw.bytes);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Refusal::Internal))
}

/// The body for the queue, once it is genuine and JSON.
fn examine(
    intake: &Intake,
    name: &WebhookName,
    format: BodyFormat,
    headers: &HeaderMap,
    raw: &[u8],
) -> Result<Examined, Refusal> {
    let webhook = intake.webhooks.get(name).ok_or(Refusal::UnknownName)?;
    let (sender, now) = (&webhook.route.sender, intake.clock.now());
    if let Some(handshake) = sender.handshake(headers, raw, now) {
        return Ok(Examined::Handshake(handshake));
    }
    if !webhook.route.insecure {
        sender.verify(headers, raw, now)?;
    }
    json::check(&sender.json_of(format, raw)?, intake.limits.json_depth)?;
    Ok(Examined::Delivery(Body::compress(raw)))
}
