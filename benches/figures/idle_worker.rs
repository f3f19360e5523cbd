//! A worker that does nothing: it speaks the worker API as the shipped one does, with the same client,
//! and in place of checkout and sandbox says that it is at the commands, and then that they are done.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use control_client::{RemoteControl, Settings, enter};
use schemas::automation::Usd;
use schemas::control::{Claim, ControlError, Job};
use schemas::report::Report;
use schemas::run::{Outcome, Reason, Step};
use schemas::trace::TraceContext;
use schemas::{Clock, ControlPlane, SystemClock};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Works until killed.
pub async fn work(url: &str, token: &str, folder: &Path, slots: u32) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let control = enter(Settings {
        url: url.to_owned(),
        ca_file: None,
        credential_file: folder.join("worker.credential"),
        enrolment: Some(token.into()),
        slots,
        software: "figures".to_owned(),
        clock: Arc::clone(&clock),
        heard: Arc::default(),
        wake_up: Arc::new(Notify::new()),
        stop: CancellationToken::new(),
        trace: TraceContext::default,
    });
    let control = Arc::new(control.await?);
    let mut working = JoinSet::new();
    for _ in 0..slots {
        working.spawn(serve(Arc::clone(&control), Arc::clone(&clock)));
    }
    working.join_next().await.context("no slots")??
}

/// One slot.
async fn serve(control: Arc<RemoteControl>, clock: Arc<dyn Clock>) -> anyhow::Result<()> {
    loop {
        let claim = Claim { worker: control.name(), nonce: clock.fresh_id().to_string() };
        if let Some(job) = control.claim(claim).await? {
            do_nothing(&control, &job).await?;
        }
    }
}

async fn do_nothing(control: &RemoteControl, job: &Job) -> Result<(), ControlError> {
    control.step(job.run, job.epoch, Step::Commands).await?;
    let report = Report {
        outcome: Outcome::NoChange,
        reason: Reason::NothingChanged,
        commands: Vec::new(),
        spent: Usd::default(),
        change: None,
        worker: "figures".to_owned(),
        sandbox: "none".to_owned(),
        steps: Vec::new(),
    };
    control.report(job.run, job.epoch, report).await
}
