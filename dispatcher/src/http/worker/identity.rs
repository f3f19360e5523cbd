//! Who calls: the credential of every request, and when its owner was last heard.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use schemas::control::ControlError;
use schemas::trace::TraceContext;
use schemas::{Epoch, RunId, WorkerName};
use store::StoreError;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::failures::Failures;
use super::message::Refusal;
use super::result::AT_ONCE;
use crate::Dispatcher;
use crate::workers::{Known, Shown, WorkerRefused};

/// How often it is written that a worker was heard.
const NOTED: Duration = Duration::from_secs(10);
/// Holders of runs that are remembered; beyond it all are looked up anew.
const HOLDERS: usize = 4096;
/// Smaller changes of a clock are the network's.
const SKEW_NOTED_MS: i64 = 500;

/// The control plane, and what it remembers of callers.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) dispatcher: Arc<Dispatcher>,
    /// Room for result bundles.
    pub(super) bundles: Arc<Semaphore>,
    remembered: Arc<Mutex<Remembered>>,
}

#[derive(Default)]
struct Remembered {
    failures: Failures,
    /// The secret that each worker showed last, and when that was written.
    seen: HashMap<WorkerName, (String, Duration)>,
    /// Who was found to hold a run in which epoch, which stays so.
    holders: HashMap<RunId, (WorkerName, Epoch)>,
}

impl Api {
    pub(super) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self { dispatcher, bundles: Arc::new(Semaphore::new(AT_ONCE)), remembered: Arc::default() }
    }

    /// Who shows `shown`. An address that failed often is only listened to when it shows what was good
    /// before: workers behind the same proxy go on.
    pub(super) async fn known(&self, shown: &Shown, from: IpAddr) -> Result<Known, Refusal> {
        self.unless_failing(shown, from)?;
        let known = self.dispatcher.known_worker(shown).await;
        self.checked(known, from)
    }

    /// Turns away who failed too often.
    pub(super) fn unless_failing(&self, shown: &Shown, from: IpAddr) -> Result<(), Refusal> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let was_good = remembered.seen.get(&shown.name).is_some_and(|(hash, _)| hash == shown.hash());
        if !was_good && remembered.failures.too_many(from, self.dispatcher.clock.monotonic()) {
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too many wrong credentials"));
        }
        Ok(())
    }

    /// Counts what is no credential.
    pub(super) fn checked<T>(&self, result: Result<T, WorkerRefused>, from: IpAddr) -> Result<T, Refusal> {
        result.map_err(|error| {
            if matches!(error, WorkerRefused::Unknown) {
                tracing::warn!(%from, "a worker's credential was refused");
                let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
                remembered.failures.note(from, self.dispatcher.clock.monotonic());
            }
            error.into()
        })
    }

    /// Turns away who never held the run in this epoch. An epoch is one worker's for ever, so that
    /// looking once is enough; whether it is over, the call itself finds.
    pub(super) async fn unless_another(
        &self,
        known: &Known,
        run: RunId,
        epoch: Epoch,
    ) -> Result<(), Refusal> {
        let caller = (known.record.name.clone(), epoch);
        {
            let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if remembered.holders.get(&run) == Some(&caller) {
                return Ok(());
            }
        }
        let holder = self.dispatcher.store.holder(run).await?;
        if holder.is_none_or(|hold| (hold.worker, hold.epoch) != caller) {
            return Err(ControlError::StaleEpoch.into());
        }
        self.note_holder(caller.0, run, epoch);
        Ok(())
    }

    /// Remembers who holds a run.
    pub(super) fn note_holder(&self, worker: WorkerName, run: RunId, epoch: Epoch) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.holders.len() >= HOLDERS {
            remembered.holders.clear();
        }
        remembered.holders.insert(run, (worker, epoch));
    }

    /// Writes that a worker was heard, unless that was written just before.
    async fn note_seen(&self, shown: &Shown) -> Result<(), StoreError> {
        let now = self.dispatcher.clock.monotonic();
        {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            let before = remembered.seen.get(&shown.name);
            if before.is_some_and(|(hash, at)| hash == shown.hash() && now < *at + NOTED) {
                return Ok(());
            }
            remembered.seen.insert(shown.name.clone(), (shown.hash().to_owned(), now));
        }
        self.write_seen(&shown.name, None).await
    }

    /// Writes how far a worker's clock is ahead, where that changed.
    pub(super) async fn note_clock(&self, known: &Known, says: DateTime<Utc>) -> Result<(), StoreError> {
        let skew = self.skew_ms(says);
        let changed = known.record.skew_ms.is_none_or(|before| (skew - before).abs() >= SKEW_NOTED_MS);
        if changed { self.write_seen(&known.record.name, Some(skew)).await } else { Ok(()) }
    }

    async fn write_seen(&self, name: &WorkerName, skew_ms: Option<i64>) -> Result<(), StoreError> {
        let tx = self.dispatcher.store.begin().await?;
        tx.worker_seen(name, self.dispatcher.clock.now(), skew_ms).await?;
        tx.commit().await
    }

    /// How far a worker's clock is ahead, less the way of its request.
    pub(super) fn skew_ms(&self, worker_says: DateTime<Utc>) -> i64 {
        (worker_says - self.dispatcher.clock.now()).num_milliseconds()
    }
}

/// The `NAME.SECRET` of a request.
pub(super) fn shown(request: &Request) -> Option<Shown> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    Shown::parse(value.strip_prefix("Bearer ")?)
}

/// Where a request comes from; a proxy's address where there is one.
pub(super) fn peer(request: &Request) -> IpAddr {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip())
}

/// Lets known workers through, and goes on with the trace that the call belongs to.
pub(super) async fn require(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let Some(shown) = shown(&request) else {
        return Refusal::new(StatusCode::UNAUTHORIZED, "a worker's credential is needed").into_response();
    };
    let known = match api.known(&shown, peer(&request)).await {
        Ok(known) => known,
        Err(refusal) => return refusal.into_response(),
    };
    if let Err(error) = api.note_seen(&shown).await {
        return Refusal::from(error).into_response();
    }
    let trace = request.headers().get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(shown);
    request.extensions_mut().insert(known);
    match trace {
        // A heartbeat or a claim belongs to no trace and needs no span.
        None => next.run(request).await,
        Some(trace) => {
            let span = tracing::info_span!("worker_api", path);
            telemetry::trace::continue_from(&span, &TraceContext(trace));
            next.run(request).instrument(span).await
        }
    }
}
