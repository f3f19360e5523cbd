//! What a report will say, gathered while the job goes on.

use std::time::Duration;

use schemas::Clock;
use schemas::control::Job;
use schemas::report::{ChangeReport, CommandReport, Report, StepTime};
use schemas::result_bundle::Made;
use schemas::run::{Outcome, Reason, Step};

use crate::Worker;

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Every command that ran.
    pub(crate) commands: Vec<CommandReport>,
    /// What they changed.
    pub(crate) change: Option<ChangeReport>,
    steps: Vec<StepTime>,
}

/// A step that has begun.
#[derive(Debug)]
#[must_use = "a step that does not end is not recorded"]
pub(crate) struct Timed {
    step: Step,
    began: Duration,
}

impl Record {
    /// Begins a step.
    pub(crate) fn begin(&self, step: Step, clock: &dyn Clock) -> Timed {
        Timed { step, began: clock.monotonic() }
    }

    /// Ends it.
    pub(crate) fn end(&mut self, timed: Timed, clock: &dyn Clock) {
        let took = clock.monotonic().saturating_sub(timed.began);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.steps.push(StepTime { step: word(timed.step).to_owned(), micros });
    }

    /// What a successor needs to know of it, with what changed.
    pub(crate) fn made(&self, change: &ChangeReport) -> Made {
        Made {
            head: change.head.clone(),
            base: change.base.clone(),
            commands: self.commands.clone(),
            steps: self.steps.clone(),
        }
    }

    /// Goes on where an earlier worker ended.
    pub(crate) fn go_on_after(&mut self, made: Made) {
        self.commands = made.commands;
        self.steps.splice(..0, made.steps);
    }

    /// The report.
    pub(crate) fn report(self, worker: &Worker, job: &Job, outcome: Outcome, reason: Reason) -> Report {
        tracing::info!(run = %job.run, ?outcome, reason = %reason.sentence(), "the job ended");
        Report {
            spent: schemas::automation::Usd::default(),
            outcome,
            reason,
            commands: self.commands,
            change: self.change,
            worker: format!("{} (pullwright {})", worker.settings.name, env!("CARGO_PKG_VERSION")),
            sandbox: worker.sandbox.describe(),
            steps: self.steps,
        }
    }
}

fn word(step: Step) -> &'static str {
    match step {
        Step::Claimed => "claimed",
        Step::Workspace => "workspace",
        Step::Gate => "gate",
        Step::Setup => "setup",
        Step::Commands => "commands",
        Step::Validate => "validate",
        Step::Result => "result",
        Step::Push => "push",
        Step::Publish => "publish",
    }
}
