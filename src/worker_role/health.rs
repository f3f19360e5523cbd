//! `/healthz`, `/readyz` and `/metrics` of a worker.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use control_client::RemoteControl;
use telemetry::Telemetry;

use crate::up::ready::{Check, MetricsText, Readiness, prometheus};

/// What readiness is read from.
#[derive(Clone)]
pub struct Health {
    control: Arc<OnceLock<Arc<RemoteControl>>>,
    metrics: MetricsText,
}

impl Health {
    /// Of a worker that has not reached its control plane yet.
    pub fn new(telemetry: Arc<Telemetry>) -> Self {
        Self { control: Arc::default(), metrics: Arc::new(move || telemetry.metrics_text()) }
    }

    /// It has.
    pub fn control(&self, control: Arc<RemoteControl>) {
        let _ = self.control.set(control);
    }
}

/// The routes.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(async |State(health): State<Health>| prometheus(&health.metrics)))
        .with_state(health)
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let problem = match health.control.get() {
        None => Some("not reached yet".to_owned()),
        Some(control) => control.problem(),
    };
    let drained = health.control.get().is_some_and(|control| control.drained());
    let checks = vec![
        Check {
            name: "control_plane",
            ok: problem.is_none(),
            detail: problem.unwrap_or_else(|| "answers".to_owned()),
        },
        // A worker whose sandbox does not hold ends; a drained one is well.
        Check { name: "worker", ok: true, detail: if drained { "drained" } else { "takes jobs" }.to_owned() },
    ];
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks }))
}
