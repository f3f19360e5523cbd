//! `/healthz`, `/readyz` and `/metrics` of every role.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dispatcher::Dispatcher;
use serde::Serialize;
use telemetry::Telemetry;

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

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
    /// Whether a problem is a reason to be taken out of service.
    #[serde(skip)]
    decides: bool,
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into(), decides: true }
    }

    /// It does not work.
    pub fn fail(name: &'static str, detail: impl Into<String>) -> Self {
        Self { ok: false, ..Self::ok(name, detail) }
    }

    /// As the problem says, where there is one.
    pub fn of(name: &'static str, problem: Option<String>, fine: impl FnOnce() -> String) -> Self {
        problem.map_or_else(|| Self::ok(name, fine()), |problem| Self::fail(name, problem))
    }

    /// Named, and no reason to be taken out of service.
    fn by_the_way(self) -> Self {
        Self { decides: false, ..self }
    }
}

/// Whether everything works.
#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

/// The routes; `look` is asked at each call of `/readyz`.
pub fn router<F>(telemetry: &Arc<Telemetry>, look: impl Fn() -> F + Clone + Send + Sync + 'static) -> Router
where
    F: Future<Output = Vec<Check>> + Send,
{
    let telemetry = Arc::clone(telemetry);
    let metrics = async move || {
        let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
        (kind, telemetry.metrics_text())
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || readyz(look())))
        .route("/metrics", get(metrics))
}

async fn readyz(looking: impl Future<Output = Vec<Check>>) -> Response {
    let checks = looking.await;
    let ready = checks.iter().all(|check| check.ok || !check.decides);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(Readiness { ready, checks })).into_response()
}

/// What a control plane needs: database, `queue`, automations and, where there is one, its worker.
pub async fn of_control_plane(
    dispatcher: &Dispatcher,
    queue: Check,
    worker: Option<&WorkerState>,
) -> Vec<Check> {
    let database = dispatcher.store().ping().await.err();
    let database = database.map(|_| "does not answer; the log says more".to_owned());
    let here = if worker.is_some() { "takes jobs" } else { "none in this process" };
    // What arrives is taken all the same.
    let hooks: Vec<String> = dispatcher.hook_problems().into_iter().map(|(_, problem)| problem).collect();
    let hooks = (!hooks.is_empty()).then(|| hooks.join("; "));
    let unmanned = unmanned(dispatcher, worker.is_some()).await;
    let quiet = || "nothing is known against them".to_owned();
    let in_time = || "nothing that is due waits".to_owned();
    vec![
        Check::of("database", database, || "answers".to_owned()),
        queue,
        Check::of("automations", dispatcher.rules_problem(), || in_force(dispatcher)),
        Check::of("worker", worker.and_then(WorkerState::problem), || here.to_owned()),
        Check::of("pools", unmanned, || "no run waits for one without workers".to_owned()).by_the_way(),
        Check::of("hooks", hooks, quiet).by_the_way(),
        Check::of("schedules", dispatcher.schedule_problem(), in_time).by_the_way(),
    ]
}

/// Runs that nobody is there for.
async fn unmanned(dispatcher: &Dispatcher, here: bool) -> Option<String> {
    let waiting = dispatcher.pools_without_workers(here).await.ok()?;
    let words =
        waiting.iter().map(|(pool, runs)| format!("the pool `{pool}` has no worker and {runs} waiting"));
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join("; "))
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
