//! [`schemas::ControlPlane`] over HTTP, for workers on other machines. What the calls carry is
//! described in [`schemas::worker_api`].

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Extension, Json, Router, middleware};
use schemas::RunId;
use schemas::control::{Claim, ControlError, Job};
use schemas::worker_api::{
    AppendLog, ClaimCall, Claimed, Done, Enrol, Enrolled, GrantPush, HandBack, Heartbeat, Held, Hello,
    LONGEST_WAIT_MS, Message, Notice, ParkRun, ROOT, Renew, SendReport, SetStep,
};

use super::identity::{self, Api, peer, shown};
use super::message::{Refusal, answer, read};
use super::result;
use super::run_calls::Serve;
use crate::Dispatcher;
use crate::workers::{Known, Shown, WorkerRefused};

/// The largest body of a call that is not about a run, in bytes.
const SMALL: usize = 16 << 10;

type Answer<T> = Result<Json<Message<T>>, Refusal>;

/// The routes below `/worker/v1`, the git gate's aside.
pub fn router(dispatcher: Arc<Dispatcher>) -> Router {
    let api = Api::new(dispatcher);
    let known = Router::new()
        .route(&format!("{ROOT}/hello"), post(hello))
        .route(&format!("{ROOT}/credential"), post(renew))
        .route(&format!("{ROOT}/claim"), post(claim))
        .route(&about_run::<Heartbeat>(), post(run_call::<Heartbeat>))
        .route(&about_run::<SetStep>(), post(run_call::<SetStep>))
        .route(&about_run::<AppendLog>(), post(run_call::<AppendLog>))
        .route(&about_run::<GrantPush>(), post(run_call::<GrantPush>))
        .route(&about_run::<SendReport>(), post(run_call::<SendReport>))
        .route(&about_run::<ParkRun>(), post(run_call::<ParkRun>))
        .route(&about_run::<HandBack>(), post(run_call::<HandBack>))
        .route(&format!("{ROOT}/runs/{{run}}/result"), put(result::keep).get(result::fetch))
        .layer(middleware::from_fn_with_state(api.clone(), identity::require));
    Router::new()
        .route(&format!("{ROOT}/enrol"), post(enrol))
        .merge(known)
        .layer(DefaultBodyLimit::disable())
        .with_state(api)
}

fn about_run<C: Serve>() -> String {
    format!("{ROOT}/runs/{{run}}/{}", C::NAME)
}

async fn enrol(State(api): State<Api>, request: Request) -> Answer<Enrolled> {
    let from = peer(&request);
    let needed = || Refusal::new(StatusCode::UNAUTHORIZED, "an enrolment token is needed");
    let token = shown(&request).ok_or_else(needed)?;
    api.unless_failing(&token, from)?;
    let Enrol { credential } = read(request.into_body(), SMALL).await?;
    let enrolled = api.dispatcher.enrol_worker(&token, &credential).await;
    api.checked(enrolled, from)?;
    Ok(answer(Enrolled { name: token.name }))
}

async fn renew(State(api): State<Api>, Extension(shown): Extension<Shown>, body: Body) -> Answer<Done> {
    let Renew { credential } = read(body, SMALL).await?;
    api.dispatcher.renew_credential(&shown, &credential).await?;
    Ok(answer(Done {}))
}

async fn hello(State(api): State<Api>, Extension(known): Extension<Known>, body: Body) -> Answer<Notice> {
    let hello: Hello = read(body, SMALL).await?;
    let skew = api.skew_ms(hello.at);
    let dispatcher = &api.dispatcher;
    let tx = dispatcher.store.begin().await?;
    let mut record = tx.lock_worker(&known.record.name).await?.ok_or(WorkerRefused::Unknown)?;
    record.slots = hello.slots;
    record.software = hello.software;
    record.last_seen_at = Some(dispatcher.clock.now());
    record.skew_ms = Some(skew);
    tx.save_worker(&record).await?;
    tx.commit().await?;
    // Makes its pool's queue of wake-ups, where there is RabbitMQ.
    dispatcher.wake_ups.wake(record.pool.as_str());
    tracing::info!(worker = %record.name, pool = %record.pool, slots = record.slots, software = record.software, skew_ms = skew, "a worker is here");
    Ok(answer(notice(&api, &known)))
}

fn notice(api: &Api, known: &Known) -> Notice {
    Notice {
        at: api.dispatcher.clock.now(),
        renew: known.renew,
        drain: known.record.draining,
        pool: known.record.pool.clone(),
    }
}

/// Waits for work, and looks again whenever there may be some.
async fn claim(
    State(api): State<Api>,
    Extension(shown): Extension<Shown>,
    Extension(known): Extension<Known>,
    body: Body,
) -> Answer<Claimed> {
    let call: ClaimCall = read(body, SMALL).await?;
    api.note_clock(&known, call.at).await?;
    let wait = Duration::from_millis(call.wait_ms.min(LONGEST_WAIT_MS));
    let worker = known.record.name.clone();
    // Nobody can ask for what another worker claimed, whatever nonce it makes up.
    let claim = Claim { nonce: format!("{worker}:{}", call.nonce), worker };
    let dispatcher = &api.dispatcher;
    // From before the first look, so that no wake-up falls between look and wait.
    let mut waker = dispatcher.wake_ups.waker(known.record.pool.as_str());
    let over = tokio::time::sleep(wait);
    tokio::pin!(over);
    let mut known = known;
    loop {
        if let Some(job) = job_for(dispatcher, &known, &claim).await? {
            api.note_holder(claim.worker, job.run, job.epoch);
            return Ok(answer(Claimed { job: Some(job), notice: notice(&api, &known) }));
        }
        tokio::select! {
            () = waker.woken() => {}
            () = &mut over => break,
            () = dispatcher.streams.cancelled() => break,
        }
        // It may have been drained, moved or shut out while it waited.
        let before = std::mem::replace(&mut known, dispatcher.known_worker(&shown).await?);
        if before.record.pool != known.record.pool {
            waker = dispatcher.wake_ups.waker(known.record.pool.as_str());
        }
    }
    Ok(answer(Claimed { job: None, notice: notice(&api, &known) }))
}

async fn job_for(dispatcher: &Dispatcher, known: &Known, claim: &Claim) -> Result<Option<Job>, ControlError> {
    if known.record.draining {
        return Ok(None);
    }
    dispatcher.claim_run(&known.record.pool, claim).await
}

/// A call about a run: by the worker that holds it, in the epoch it holds it in.
async fn run_call<C: Serve>(
    State(api): State<Api>,
    Extension(known): Extension<Known>,
    Path(run): Path<uuid::Uuid>,
    body: Body,
) -> Answer<C::Answer> {
    let Held { epoch, content } = read(body, C::LARGEST).await?;
    let run = RunId(run);
    api.unless_another(&known, run, epoch).await?;
    Ok(answer(C::serve(&api.dispatcher, &known, run, epoch, content).await?))
}
