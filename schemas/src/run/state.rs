//! The one state machine of a run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Reason;
use crate::id::Epoch;

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
    /// Its own time: the spread of a schedule.
    Schedule,
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
    /// The automation's `gate` commands: whether it is worth going on.
    Gate,
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

impl Step {
    /// In the order in which a run takes them.
    pub const ALL: [Self; 9] = [
        Self::Claimed,
        Self::Workspace,
        Self::Gate,
        Self::Setup,
        Self::Commands,
        Self::Result,
        Self::Validate,
        Self::Push,
        Self::Publish,
    ];
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

/// Something that happens to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// It waits at another gate, or longer at the same.
    Wait {
        /// Which one.
        gate: Gate,
        /// When to look again, where time alone opens it.
        due_at: Option<DateTime<Utc>>,
    },
    /// The holder of `epoch` cannot go on before a provider's limit resets.
    Park {
        /// Who says so.
        epoch: Epoch,
        /// When it resets.
        until: DateTime<Utc>,
    },
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
            (Pending { .. }, Transition::Wait { gate, due_at }) => Ok(Pending { gate, due_at }),
            (_, Transition::Wait { .. }) => refuse("wait at a gate"),
            (Active { step, epoch: current }, Transition::Park { epoch, until }) => {
                check(epoch, *current)?;
                if *step >= Step::Push {
                    return refuse("be parked");
                }
                Ok(Pending { gate: Gate::Parked, due_at: Some(until) })
            }
            (_, Transition::Park { .. }) => refuse("be parked"),
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
