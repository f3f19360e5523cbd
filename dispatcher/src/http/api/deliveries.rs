//! Deliveries and what was decided about them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use chrono::{DateTime, Utc};
use schemas::decision::Verdict;
use schemas::{Decision, DeliveryId, Event};
use serde::Serialize;
use store::{DeliveryStatus, DeliverySummary};

use super::answer::{ApiError, ErrorBody, PageBody, PageQuery};
use crate::Dispatcher;

/// A delivery in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct DeliveryRow {
    id: uuid::Uuid,
    webhook: String,
    received_at: DateTime<Utc>,
    /// `decided`, `duplicate` or `quarantined`.
    #[schema(value_type = String)]
    status: DeliveryStatus,
    /// The event's type, where it could be parsed.
    event: Option<String>,
    work_item: Option<String>,
    actor: Option<String>,
    /// How many decisions of each kind.
    decisions: HashMap<String, u32>,
}

impl DeliveryRow {
    pub(super) fn new(summary: DeliverySummary) -> Self {
        let event = summary.event;
        Self {
            id: summary.id.0,
            webhook: summary.webhook.0,
            received_at: summary.received_at,
            status: summary.status,
            work_item: event.as_ref().and_then(|event| event.work_item.clone()),
            actor: event.as_ref().and_then(|event| event.actor.clone()),
            event: event.map(|event| event.r#type),
            decisions: summary.decisions,
        }
    }
}

/// Deliveries, newest first
#[utoipa::path(get, path = "/api/v1/deliveries", params(PageQuery), responses((status = 200, body = PageBody<DeliveryRow>)))]
pub(super) async fn list(
    State(dispatcher): State<Arc<Dispatcher>>,
    Query(page): Query<PageQuery>,
) -> Result<Json<PageBody<DeliveryRow>>, ApiError> {
    let found = dispatcher.store.deliveries(page.limit(), page.before).await?;
    let items = found.items.into_iter().map(DeliveryRow::new);
    Ok(Json(PageBody { items: items.collect(), next: found.next }))
}

/// A decision with its sentence.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct DecisionRow {
    automation: String,
    #[serde(flatten)]
    verdict: Verdict,
    /// The verdict for people.
    sentence: String,
}

impl DecisionRow {
    pub(super) fn new(automation: &str, verdict: Verdict) -> Self {
        Self { automation: automation.to_owned(), sentence: verdict.sentence(), verdict }
    }
}

/// Everything of a delivery but its bytes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct DeliveryBody {
    id: uuid::Uuid,
    webhook: String,
    received_at: DateTime<Utc>,
    #[schema(value_type = String)]
    status: DeliveryStatus,
    duplicate_of: Option<uuid::Uuid>,
    /// The delivery that it repeats on a person's order.
    replay_of: Option<uuid::Uuid>,
    /// Why it is quarantined.
    error: Option<String>,
    /// The set of automations it was decided by.
    rule_set: Option<String>,
    headers: BTreeMap<String, String>,
    /// The raw body's size in bytes.
    size: Option<usize>,
    /// The normalised event. Its texts were written by others.
    #[schema(value_type = Option<Object>)]
    event: Option<Event>,
    decisions: Vec<DecisionRow>,
    runs: Vec<uuid::Uuid>,
}

/// One delivery
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = DeliveryBody), (status = 404, body = ErrorBody)))]
pub(super) async fn show(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(id): Path<uuid::Uuid>,
) -> Result<Json<DeliveryBody>, ApiError> {
    let id = DeliveryId(id);
    let found = dispatcher.store.delivery(id).await?;
    let detail = found.ok_or_else(|| ApiError::not_found(format!("delivery {id}")))?;
    let decisions = dispatcher.store.decisions(id).await?;
    let runs = dispatcher.store.runs_of(id).await?;
    Ok(Json(DeliveryBody {
        id: id.0,
        webhook: detail.delivery.webhook.0.clone(),
        received_at: detail.delivery.received_at,
        status: detail.status,
        duplicate_of: detail.duplicate_of.map(|id| id.0),
        replay_of: detail.delivery.replay_of.map(|replay| replay.original.0),
        error: detail.error,
        rule_set: detail.rule_set,
        size: detail.delivery.body.decompress().ok().map(|raw| raw.len()),
        headers: detail.delivery.headers,
        event: detail.event,
        decisions: decisions.into_iter().map(row).collect(),
        runs: runs.into_iter().map(|run| run.0).collect(),
    }))
}

fn row(decision: Decision) -> DecisionRow {
    DecisionRow::new(&decision.automation.0, decision.verdict)
}
