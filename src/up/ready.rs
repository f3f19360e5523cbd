//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use broker::embedded::Queue;
use dispatcher::Dispatcher;
use serde::Serialize;

/// Renders the metrics of this process.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// What the worker of this process is.
#[derive(Debug, Clone, Default)]
pub struct WorkerState(Arc<Mutex<Option<String>>>);

impl WorkerState {
    /// Remembers why it takes no jobs.
    pub fn broken(&self, because: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(because);
    }

    fn problem(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What readiness is read from.
#[derive(Clone)]
pub struct Health {
    pub dispatcher: Arc<Dispatcher>,
    pub queue: Arc<Queue>,
    pub worker: WorkerState,
    pub metrics: MetricsText,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

/// The routes.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let database = health.dispatcher.store().ping().await;
    let depth = health.queue.depth();
    let rules = health.dispatcher.rules_problem();
    let worker = health.worker.problem();
    let mut checks = vec![
        Check {
            name: "database",
            ok: database.is_ok(),
            detail: if database.is_ok() { "answers" } else { "does not answer; the log says more" }
                .to_owned(),
        },
        Check {
            name: "queue",
            ok: true,
            detail: format!("{} deliveries wait ({} bytes)", depth.rows, depth.bytes),
        },
        Check {
            name: "automations",
            ok: rules.is_none(),
            detail: rules.unwrap_or_else(|| in_force(&health.dispatcher)),
        },
        Check {
            name: "worker",
            ok: worker.is_none(),
            detail: worker.unwrap_or_else(|| "takes jobs".to_owned()),
        },
    ];
    let ready = checks.iter().all(|check| check.ok);
    // Named here and no reason to be taken out of service: what arrives is taken all the same.
    let hooks: Vec<String> =
        health.dispatcher.hook_problems().into_iter().map(|(_, problem)| problem).collect();
    checks.push(Check {
        name: "hooks",
        ok: hooks.is_empty(),
        detail: if hooks.is_empty() { "nothing is known against them".to_owned() } else { hooks.join("; ") },
    });
    let schedules = health.dispatcher.schedule_problem();
    checks.push(Check {
        name: "schedules",
        ok: schedules.is_none(),
        detail: schedules.unwrap_or_else(|| "nothing that is due waits".to_owned()),
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(Readiness { ready, checks }))
}

/// How many automations there are, and whether another dispatcher put them there.
fn in_force(dispatcher: &Dispatcher) -> String {
    let count = dispatcher.rules().rules().len();
    if dispatcher.rules_are_anothers() {
        let source = dispatcher.rules_source();
        return format!("{count} in force, put there by another dispatcher from {source}; here lie others");
    }
    format!("{count} in force")
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (health.metrics)())
}
