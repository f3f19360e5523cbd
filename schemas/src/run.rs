//! A run and its one state machine.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::automation::{Automation, Mode};
use crate::event::Event;
use crate::id::{AutomationName, DeliveryId, Epoch, Oid, RepoRef, RunId, WorkItem};
use crate::trace::TraceContext;

/// One piece of work that an automation started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The automation that started it.
    pub automation: AutomationName,
    /// The delivery that started it.
    pub delivery: DeliveryId,
    /// What it is about.
    pub work_item: WorkItem,
    /// Where it works.
    pub repository: RepoRef,
    /// How far it may go.
    pub mode: Mode,
    /// The branch its result goes to.
    pub branch: String,
    /// The automation and event as they were when it was decided; later edits do not reach it.
    pub input: RunInput,
    /// Where it stands.
    pub state: RunState,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// How many workers were lost while they held it.
    pub workers_lost: u32,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
    /// When a worker first claimed it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The trace it belongs to.
    pub trace: TraceContext,
    /// The commit it started from, once known.
    pub base: Option<Oid>,
    /// The commit it made, once pushed.
    pub head: Option<Oid>,
}

/// What a run was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInput {
    /// The automation, defaults applied.
    pub automation: Automation,
    /// The event.
    pub event: Event,
    /// What the repository's configuration adds.
    pub setup: RepositorySetup,
}

/// Commands and paths that belong to a repository, not to an automation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositorySetup {
    /// Run before the automation's commands.
    pub setup: Vec<String>,
    /// Run after them, to judge the result.
    pub validate: Vec<String>,
    /// Globs that a result may not touch.
    pub protected_paths: Vec<String>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// Waits at a gate.
    Pending {
        /// Which one.
        gate: Gate,
        /// When to look again, where time alone opens it.
        due_at: Option<DateTime<Utc>>,
    },
    /// May be claimed.
    Queued {
        /// When a worker is to be woken next.
        wake_at: DateTime<Utc>,
    },
    /// Owned by a worker, or by the publisher from [`Step::Publish`] on.
    Active {
        /// What is being done.
        step: Step,
        /// Whose calls count.
        epoch: Epoch,
    },
    /// Over.
    Done {
        /// How.
        outcome: Outcome,
        /// Why.
        reason: Reason,
    },
}

/// What a pending run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// More events like its own.
    Debounce,
    /// Another run to finish.
    Concurrency,
    /// Money.
    Budget,
    /// A person's word.
    Approval,
    /// A provider's limit to reset.
    Parked,
}

/// What an active run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A worker has it.
    Claimed,
    /// Fetching and laying out the repository.
    Workspace,
    /// The repository's setup commands.
    Setup,
    /// The automation's commands.
    Commands,
    /// Turning what the commands left into a commit.
    Result,
    /// The repository's validate commands; what they leave behind is in no commit.
    Validate,
    /// Sending the branch through the git gate.
    Push,
    /// The dispatcher writes to the forge; no worker holds it any more.
    Publish,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The result is published, or there was nothing to publish and all commands passed.
    Succeeded,
    /// The commands passed and left the repository as it was.
    NoChange,
    /// It did not get there; the reason says why.
    Failed,
    /// Somebody ended it.
    Cancelled,
    /// Whether a write happened could not be told; held until a person decides.
    Unknown,
}

/// Why a run ended so: one list for reports, API and decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// The pull request is open.
    Published,
    /// The commands passed; the automation asks for no pull request.
    Completed,
    /// `dry_run`: everything but the writing.
    DryRun,
    /// The commands left no change.
    NothingChanged,
    /// A command ended with a failure.
    CommandFailed {
        /// The command.
        command: String,
        /// Its exit code; 128 + n for signal n.
        exit_code: i32,
    },
    /// A `validate` command failed and validation is required.
    ValidationFailed {
        /// The command.
        command: String,
        /// Its exit code.
        exit_code: i32,
    },
    /// The commands took longer than the automation allows.
    TimedOut {
        /// The limit in seconds.
        after_seconds: u64,
    },
    /// The sandbox went over a limit.
    LimitExceeded {
        /// Which one.
        limit: String,
    },
    /// The result may not be published.
    ResultRefused {
        /// What is wrong with it.
        because: String,
    },
    /// The forge does not know the repository, or does not show it to us.
    RepositoryNotFound,
    /// The repository has no such branch.
    BranchMissing {
        /// The branch.
        branch: String,
    },
    /// The forge refused our credential.
    CredentialRefused,
    /// The forge refused a write.
    ForgeRefused {
        /// Its answer.
        message: String,
    },
    /// The repository could not be fetched or laid out.
    CheckoutFailed {
        /// What git said.
        message: String,
    },
    /// The worker's sandbox does not hold; nothing was run.
    SandboxUnavailable {
        /// Which probe failed.
        message: String,
    },
    /// The worker was lost, more often than a retry is allowed for.
    WorkerLost,
    /// A person cancelled it.
    CancelRequested,
    /// Whether a write happened could not be told.
    OutcomeUnclear {
        /// Which write.
        write: String,
    },
    /// A fault of ours.
    Internal {
        /// What the log says.
        message: String,
    },
}

impl Reason {
    /// One sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Published => "The pull request is open.".into(),
            Self::Completed => "All commands passed.".into(),
            Self::DryRun => "Dry run: nothing was written to the forge.".into(),
            Self::NothingChanged => "The commands passed and changed nothing.".into(),
            Self::CommandFailed { command, exit_code } => {
                format!("The command `{command}` failed with exit code {exit_code}.")
            }
            Self::ValidationFailed { command, exit_code } => {
                format!(
                    "The validation `{command}` failed with exit code {exit_code}; nothing was published."
                )
            }
            Self::TimedOut { after_seconds } => {
                format!("The commands took longer than {after_seconds} s and were stopped.")
            }
            Self::LimitExceeded { limit } => format!("The sandbox went over its limit: {limit}."),
            Self::ResultRefused { because } => format!("The result may not be published: {because}."),
            Self::RepositoryNotFound => {
                "The forge does not know the repository, or the connection's credential may not see it."
                    .into()
            }
            Self::BranchMissing { branch } => format!("The repository has no branch `{branch}`."),
            Self::CredentialRefused => "The forge refused the connection's credential.".into(),
            Self::ForgeRefused { message } => format!("The forge refused a write: {message}."),
            Self::CheckoutFailed { message } => {
                format!("The repository could not be checked out: {message}.")
            }
            Self::SandboxUnavailable { message } => format!("The worker's sandbox does not hold: {message}."),
            Self::WorkerLost => "The worker was lost while it held the run.".into(),
            Self::CancelRequested => "Cancelled on request.".into(),
            Self::OutcomeUnclear { write } => {
                format!("Whether this write happened could not be told: {write}. A person has to look.")
            }
            Self::Internal { message } => format!("A fault in Pullwright: {message}."),
        }
    }
}

/// Something that happens to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// Its gate opened.
    Admit {
        /// When to wake a worker.
        wake_at: DateTime<Utc>,
    },
    /// A worker takes it.
    Claim,
    /// The holder of `epoch` goes on.
    Advance {
        /// Who says so.
        epoch: Epoch,
        /// To where.
        step: Step,
    },
    /// The holder of `epoch` was lost or gives it back.
    Requeue {
        /// Whose hold ends.
        epoch: Epoch,
        /// When to wake a worker.
        wake_at: DateTime<Utc>,
    },
    /// It is over.
    Finish {
        /// How.
        outcome: Outcome,
        /// Why.
        reason: Reason,
    },
}

/// A transition that the state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalTransition {
    /// The caller's epoch is not the current one.
    #[error("epoch {given} is not the current one ({current})")]
    StaleEpoch {
        /// The caller's.
        given: Epoch,
        /// The run's.
        current: Epoch,
    },
    /// The state has no such way out.
    #[error("a run that is {state} cannot {transition}")]
    NotFromHere {
        /// Where it stands.
        state: &'static str,
        /// What was asked.
        transition: &'static str,
    },
}

impl RunState {
    /// The word that lists print.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Queued { .. } => "queued",
            Self::Active { .. } => "active",
            Self::Done { .. } => "done",
        }
    }

    /// The state after `transition`; `last_epoch` is the highest this run ever had.
    ///
    /// # Errors
    /// When the state does not allow it, or the caller's epoch is stale.
    pub fn next(&self, transition: Transition, last_epoch: Epoch) -> Result<Self, IllegalTransition> {
        use RunState::{Active, Done, Pending, Queued};
        let refuse = |transition| Err(IllegalTransition::NotFromHere { state: self.word(), transition });
        let check = |given: Epoch, current: Epoch| {
            if given == current { Ok(()) } else { Err(IllegalTransition::StaleEpoch { given, current }) }
        };
        match (self, transition) {
            (Pending { .. }, Transition::Admit { wake_at }) => Ok(Queued { wake_at }),
            (_, Transition::Admit { .. }) => refuse("be admitted"),
            (Queued { .. }, Transition::Claim) => {
                Ok(Active { step: Step::Claimed, epoch: Epoch(last_epoch.0 + 1) })
            }
            (_, Transition::Claim) => refuse("be claimed"),
            (Active { step: now, epoch: current }, Transition::Advance { epoch, step }) => {
                check(epoch, *current)?;
                if step < *now {
                    return refuse("go back a step");
                }
                Ok(Active { step, epoch })
            }
            (_, Transition::Advance { .. }) => refuse("advance"),
            (Active { step, epoch: current }, Transition::Requeue { epoch, wake_at }) => {
                check(epoch, *current)?;
                if *step >= Step::Publish {
                    return refuse("be handed to another worker");
                }
                Ok(Queued { wake_at })
            }
            (_, Transition::Requeue { .. }) => refuse("be requeued"),
            (Done { .. }, Transition::Finish { .. }) => refuse("finish again"),
            (_, Transition::Finish { outcome, reason }) => Ok(Done { outcome, reason }),
        }
    }
}
