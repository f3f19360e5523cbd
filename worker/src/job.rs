//! One job from claim to report: each stage takes what the one before made, so none can be skipped.
//!
//! ```text
//! claimed ─▶ workspace ready ─▶ commands ran ─▶ result ─▶ validated ─▶ kept ─▶ pushed ─▶ reported
//!                   └────────────── an earlier worker's result ───────────▲
//! ```

use std::sync::Arc;
use std::time::Duration;

use schemas::control::{Job, Stream};
use schemas::report::ChangeReport;
use schemas::run::{Outcome, Reason, Step};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::checkout::{self, Ready};
use crate::commands::Commands;
use crate::ending::{Ending, with_sources};
use crate::journal::Journal;
use crate::record::Record;
use crate::retry::until_answered;
use crate::stop::{Cause, Interrupt, Stop};
use crate::workspace::RunFolder;
use crate::{Worker, claim, handover, lease, push, result};

/// Works on `job` until it is reported, handed back or lost, and cleans up.
pub(crate) async fn work(worker: &Worker, job: Job) {
    let span = tracing::info_span!(
        "worker.job", run = %job.run, epoch = job.epoch.0, automation = %job.automation, repository = %job.repository
    );
    telemetry::trace::continue_from(&span, &job.trace);
    work_in_span(worker, job).instrument(span).await;
}

async fn work_in_span(worker: &Worker, job: Job) {
    let interrupt = Arc::new(Interrupt::default());
    let _lease = lease::keep(worker, &job, &interrupt);
    let _stop = obey(worker.stop.clone(), worker.settings.grace, &interrupt);
    let journal = Journal::start(worker, &job, &interrupt);
    let folder = RunFolder::of(&worker.runs, &job);
    let mut record = Record::default();

    let attempt = Attempt { worker, job: &job, folder: &folder, journal: &journal, interrupt: &interrupt };
    let ending = attempt.run(&mut record).await.unwrap_or_else(|ending| ending);
    match ending {
        Ending::Finished(outcome, reason) => {
            journal.flush().await;
            let report = record.report(worker, &job, outcome, reason);
            let say = || worker.control.report(job.run, job.epoch, report.clone());
            match until_answered(worker.clock.as_ref(), interrupt.fatal(), say).await {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::warn!(%error, "the report is not wanted"),
                None => tracing::warn!("the report could not be delivered; the lease runs out"),
            }
        }
        Ending::HandedBack => claim::give_back(worker, &job).await,
        Ending::Dropped => tracing::info!("dropped: the run is somebody else's"),
    }
    match tokio::task::spawn_blocking(move || folder.remove()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = with_sources(&error), "the run's folder stays until the next start")
        }
        Err(error) => tracing::error!(%error, "the removal of the run's folder broke off"),
    }
}

/// A job and what it is worked on with.
struct Attempt<'a> {
    worker: &'a Worker,
    job: &'a Job,
    folder: &'a RunFolder,
    journal: &'a Journal,
    interrupt: &'a Interrupt,
}

impl Attempt<'_> {
    async fn run(&self, record: &mut Record) -> Result<Ending, Ending> {
        let ready = self.prepare(record).await?;
        if let Some(change) = self.take_over(&ready, record).await? {
            return Ok(self.publish(change, record).await);
        }
        let commands = self.commands(&ready);
        commands.work(record).await?;
        // Before validation: what tests leave behind is nobody's change.
        let Some(change) = self.make_commit(ready, record).await? else {
            return Ok(Ending::Finished(Outcome::NoChange, Reason::NothingChanged));
        };
        commands.validate(record).await?;
        // A soft stop waits for it: what is kept need not be made again.
        handover::keep(self.worker, self.job, self.folder, &change, record, self.interrupt.fatal()).await;
        self.unless_interrupted()?;
        Ok(self.publish(change, record).await)
    }

    async fn prepare(&self, record: &mut Record) -> Result<Ready, Ending> {
        self.journal.step(Step::Workspace);
        let timed = record.begin(Step::Workspace, self.worker.clock.as_ref());
        let ready = checkout::prepare(self.worker, self.job, self.folder, self.interrupt).await;
        record.end(timed, self.worker.clock.as_ref());
        self.unless_interrupted()?;
        ready
    }

    /// What an earlier worker made of the run, where that is kept and holds.
    async fn take_over(&self, ready: &Ready, record: &mut Record) -> Result<Option<ChangeReport>, Ending> {
        let Some(kept) = &self.job.kept else { return Ok(None) };
        self.journal.step(Step::Result);
        let timed = record.begin(Step::Result, self.worker.clock.as_ref());
        let give_up = self.interrupt.any();
        let taken =
            handover::take_over(self.worker, self.job, kept, self.folder, &ready.mirror, give_up).await;
        record.end(timed, self.worker.clock.as_ref());
        self.unless_interrupted()?;
        let (line, change) = match taken {
            Ok((made, change)) => {
                record.go_on_after(made);
                (
                    format!("an earlier worker made {}: it is published, nothing runs again", kept.head),
                    Some(change),
                )
            }
            Err(error) => {
                let because = with_sources(&error);
                tracing::warn!(error = because, "what an earlier worker made is not used");
                let then = if self.job.publish_only { "ends" } else { "begins anew" };
                (format!("what an earlier worker made is not used, the run {then}: {because}"), None)
            }
        };
        self.journal.line(Stream::Worker, self.worker.redactor.lines().mask(&line));
        if change.is_none() && self.job.publish_only {
            return Err(Ending::Finished(Outcome::Failed, Reason::WorkerLost));
        }
        Ok(change)
    }

    fn commands(&self, ready: &Ready) -> Commands<'_> {
        Commands {
            worker: self.worker,
            job: self.job,
            room: self.folder.room(&ready.mirror),
            journal: self.journal,
            interrupt: self.interrupt,
            deadline: self.worker.clock.monotonic() + self.job.spec.timeout(),
        }
    }

    async fn make_commit(&self, ready: Ready, record: &mut Record) -> Result<Option<ChangeReport>, Ending> {
        self.journal.step(Step::Result);
        let timed = record.begin(Step::Result, self.worker.clock.as_ref());
        let Ready { mirror, snapshot } = ready;
        let worker = self.worker;
        let mirror = (&worker.mirrors, &mirror);
        let made =
            result::commit(&worker.git, self.folder, mirror, self.job, snapshot, &worker.redactor).await;
        record.end(timed, worker.clock.as_ref());
        self.unless_interrupted()?;
        Ok(made?)
    }

    async fn publish(&self, change: ChangeReport, record: &mut Record) -> Ending {
        self.journal.step(Step::Push);
        // The grant is the last word before the push: all that came before is said first.
        self.journal.flush().await;
        let timed = record.begin(Step::Push, self.worker.clock.as_ref());
        let ending = push::publish(self.worker, self.job, self.folder, &change, self.interrupt).await;
        record.end(timed, self.worker.clock.as_ref());
        record.change = Some(change);
        ending
    }

    fn unless_interrupted(&self) -> Result<(), Ending> {
        self.interrupt.cause().map_or(Ok(()), |cause| Err(cause.into()))
    }
}

/// Passes the worker's stop on to one job.
fn obey(stop: Stop, grace: Duration, interrupt: &Arc<Interrupt>) -> AbortOnDropHandle<()> {
    let interrupt = Arc::clone(interrupt);
    AbortOnDropHandle::new(tokio::spawn(async move {
        let stopping = async {
            stop.soft.cancelled().await;
            tokio::time::sleep(grace).await;
            interrupt.raise(Cause::Stopping);
        };
        stop.hard.run_until_cancelled(stopping).await;
        stop.hard.cancelled().await;
        interrupt.raise(Cause::Forced);
    }))
}
