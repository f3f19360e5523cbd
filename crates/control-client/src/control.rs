//! The control plane as a worker on another machine has it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemas::control::{Beat, Claim, ControlError, Job, LogLine, Orders, PushGrant};
use schemas::report::{ChangeReport, Report};
use schemas::run::Step;
use schemas::worker_api::{
    AppendLog, ClaimCall, Claimed, Done, GrantPush, HandBack, Heartbeat, Held, Hello, LONGEST_WAIT_MS,
    Notice, Park, ParkRun, ROOT, Renew, RunCall, SendReport, SetStep, result_route, run_route,
};
use schemas::{ControlPlane, Epoch, Pool, RunId, WorkerName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::Settings;
use crate::credential::Credential;
use crate::http::{Call, CallError};

/// How long a call may take; the caller tries again.
const CALL: Duration = Duration::from_secs(30);
/// How long the renewal of a credential may hold a claim up.
const RENEW: Duration = Duration::from_secs(10);
/// Clocks that differ by more are worth a word, in milliseconds: records of two machines no longer
/// stand in order.
const SKEW_TOLD_MS: i64 = 2_000;

/// The control plane over HTTP.
pub struct RemoteControl {
    pub(crate) http: reqwest::Client,
    pub(crate) credential: Credential,
    settings: Settings,
    drained: AtomicBool,
    skew_told_ms: AtomicI64,
    problem: Mutex<Option<String>>,
}

impl RemoteControl {
    pub(crate) fn new(http: reqwest::Client, credential: Credential, settings: Settings) -> Self {
        Self {
            http,
            credential,
            settings,
            drained: AtomicBool::new(false),
            skew_told_ms: AtomicI64::new(0),
            problem: Mutex::default(),
        }
    }

    /// The name it enrolled with.
    #[must_use]
    pub fn name(&self) -> WorkerName {
        self.credential.name()
    }

    /// The pool whose runs it gets.
    #[must_use]
    pub fn pool(&self) -> Pool {
        self.credential.pool()
    }

    /// Why the last call was not answered, when it was not.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it is given no more runs.
    #[must_use]
    pub fn drained(&self) -> bool {
        self.drained.load(Ordering::Relaxed)
    }

    pub(crate) fn url(&self) -> &str {
        self.settings.url.trim_end_matches('/')
    }

    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.settings.stop
    }

    /// Says what this worker is.
    pub(crate) async fn hello(&self) -> Result<(), CallError> {
        let hello = Hello {
            slots: self.settings.slots,
            software: self.settings.software.clone(),
            at: self.settings.clock.now(),
        };
        let notice = self.call(&format!("{ROOT}/hello"), hello, CALL).await?;
        self.heed(&notice).await;
        Ok(())
    }

    async fn call<B: Serialize + Clone, A: DeserializeOwned>(
        &self,
        route: &str,
        body: B,
        timeout: Duration,
    ) -> Result<A, CallError> {
        self.with_credential(route, timeout, |call| call.send(body.clone())).await
    }

    /// One call with the credential; one that is refused while a new one was begun is made again
    /// with that one.
    async fn with_credential<'a, A, F: Future<Output = Result<A, CallError>>>(
        &'a self,
        route: &str,
        timeout: Duration,
        make: impl Fn(Call<'a>) -> F,
    ) -> Result<A, CallError> {
        let once = || {
            make(Call {
                http: &self.http,
                url: format!("{}{route}", self.url()),
                bearer: self.credential.bearer(),
                trace: (self.settings.trace)(),
                timeout,
            })
        };
        let mut answer = once().await;
        if matches!(answer, Err(CallError::Unauthorized(_))) && self.credential.take_next().unwrap_or(false) {
            answer = once().await;
        }
        let problem = match &answer {
            Err(CallError::Control(ControlError::Unavailable { message })) => Some(message.clone()),
            Err(CallError::Unauthorized(because)) => Some(because.clone()),
            Ok(_) | Err(CallError::Control(_) | CallError::Unknown) => None,
        };
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        answer
    }

    /// Does what the control plane noted beside an answer.
    async fn heed(&self, notice: &Notice) {
        let skew = (self.settings.clock.now() - notice.at).num_milliseconds();
        let told = self.skew_told_ms.load(Ordering::Relaxed);
        if (skew - told).abs() >= SKEW_TOLD_MS {
            self.skew_told_ms.store(skew, Ordering::Relaxed);
            tracing::warn!(skew_ms = skew, "this machine's clock and the control plane's differ");
        }
        if self.drained.swap(notice.drain, Ordering::Relaxed) != notice.drain {
            let standing =
                if notice.drain { "drained: there will be no more runs" } else { "taking runs again" };
            tracing::info!("{standing}");
        }
        match self.credential.is_in(&notice.pool) {
            Ok(false) => {}
            Ok(true) => tracing::info!(pool = %notice.pool, "this worker is in another pool now"),
            Err(error) => tracing::warn!(%error, "the pool could not be kept"),
        }
        if notice.renew
            && let Err(error) = self.renew().await
        {
            tracing::warn!(%error, "the credential could not be renewed; trying again with the next claim");
        }
    }

    async fn renew(&self) -> Result<(), CallError> {
        let failed = |error: std::io::Error| ControlError::Unavailable { message: error.to_string() };
        let credential = self.credential.begin_next(self.settings.clock.as_ref()).map_err(failed)?;
        let Done {} = self.call(&format!("{ROOT}/credential"), Renew { credential }, RENEW).await?;
        self.credential.take_next().map_err(failed)?;
        Ok(())
    }

    /// A call about a run.
    async fn about<C: RunCall>(
        &self,
        run: RunId,
        epoch: Epoch,
        content: &C::Content,
    ) -> Result<C::Answer, ControlError> {
        self.call(&run_route::<C>(run), Held { epoch, content }, CALL).await.map_err(of_holder)
    }

    async fn claim_once(&self, nonce: &str, wait_ms: u64) -> Result<Claimed, ControlError> {
        let call = ClaimCall { nonce: nonce.to_owned(), wait_ms, at: self.settings.clock.now() };
        self.call(&format!("{ROOT}/claim"), call, CALL).await.map_err(|error| match error {
            CallError::Unauthorized(because) => ControlError::Refused { because },
            error => of_holder(error),
        })
    }

    /// The gate is where the control plane is; by what address, only this side knows.
    fn reachable(&self, mut job: Job) -> Job {
        job.git.url = format!("{}{ROOT}/git/{}", self.url(), job.run);
        job
    }
}

/// What an error means to who holds a run. A worker that is not known any more holds none.
fn of_holder(error: CallError) -> ControlError {
    match error {
        CallError::Unauthorized(_) => ControlError::StaleEpoch,
        CallError::Unknown => ControlError::Refused { because: error.to_string() },
        CallError::Control(error) => error,
    }
}

#[async_trait]
impl ControlPlane for RemoteControl {
    /// Waits for work. A stop ends the waiting, a wake-up begins it anew; what was claimed in that
    /// moment is given again.
    async fn claim(&self, claim: Claim) -> Result<Option<Job>, ControlError> {
        let claimed = loop {
            tokio::select! {
                claimed = self.claim_once(&claim.nonce, LONGEST_WAIT_MS) => break claimed?,
                () = self.settings.heard.notified() => {}
                () = self.settings.stop.cancelled() => break self.claim_once(&claim.nonce, 0).await?,
            }
        };
        self.heed(&claimed.notice).await;
        if claimed.job.is_none() {
            self.settings.wake_up.notify_one();
        }
        Ok(claimed.job.map(|job| self.reachable(job)))
    }

    async fn heartbeat(&self, run: RunId, epoch: Epoch, beat: Beat) -> Result<Orders, ControlError> {
        self.about::<Heartbeat>(run, epoch, &beat).await
    }

    async fn park(
        &self,
        run: RunId,
        epoch: Epoch,
        until: DateTime<Utc>,
        because: String,
    ) -> Result<(), ControlError> {
        self.about::<ParkRun>(run, epoch, &Park { until, because }).await.map(drop)
    }

    async fn step(&self, run: RunId, epoch: Epoch, step: Step) -> Result<(), ControlError> {
        self.about::<SetStep>(run, epoch, &step).await.map(drop)
    }

    async fn log(&self, run: RunId, epoch: Epoch, lines: Vec<LogLine>) -> Result<(), ControlError> {
        self.about::<AppendLog>(run, epoch, &lines).await.map(drop)
    }

    async fn keep_result(&self, run: RunId, epoch: Epoch, bundle: Bytes) -> Result<bool, ControlError> {
        let route = result_route(run, epoch);
        match self.with_credential(&route, CALL, |call| call.put(bundle.clone())).await {
            Ok(()) => Ok(true),
            Err(CallError::Unknown) => Ok(false),
            Err(error) => Err(of_holder(error)),
        }
    }

    async fn kept_result(&self, run: RunId, epoch: Epoch) -> Result<Bytes, ControlError> {
        let route = result_route(run, epoch);
        self.with_credential(&route, CALL, Call::get).await.map_err(of_holder)
    }

    async fn grant_push(
        &self,
        run: RunId,
        epoch: Epoch,
        change: ChangeReport,
    ) -> Result<PushGrant, ControlError> {
        self.about::<GrantPush>(run, epoch, &change).await
    }

    async fn report(&self, run: RunId, epoch: Epoch, report: Report) -> Result<(), ControlError> {
        self.about::<SendReport>(run, epoch, &report).await.map(drop)
    }

    async fn hand_back(&self, run: RunId, epoch: Epoch) -> Result<(), ControlError> {
        self.about::<HandBack>(run, epoch, &Done {}).await.map(drop)
    }
}
