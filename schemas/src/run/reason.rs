//! Why a run ended.

use serde::{Deserialize, Serialize};

use crate::automation::Usd;
use crate::id::RunId;

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
    /// A `gate` command said that there is nothing to do.
    GateClosed {
        /// The command.
        command: String,
        /// Its exit code.
        exit_code: i32,
    },
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
    /// A newer run of its group took its place (`on_full: cancel_in_progress`).
    Superseded {
        /// That run.
        #[schema(value_type = uuid::Uuid)]
        by: RunId,
    },
    /// Nobody agreed in time.
    ApprovalExpired,
    /// It spent more than `budget.run_usd` allows, and was stopped.
    BudgetExceeded {
        /// That limit.
        #[schema(value_type = f64)]
        limit: Usd,
    },
    /// Somebody else pushed to the branch, and their commits would be lost.
    BranchMoved {
        /// The branch.
        branch: String,
    },
    /// `commits` without a pull request of ours to add them to.
    NoPullRequest,
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
            Self::GateClosed { command, exit_code } => {
                format!("There is nothing to do: `{command}` ended with exit code {exit_code}.")
            }
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
            Self::Superseded { by } => format!("Run {by}, which is newer, took its place."),
            Self::ApprovalExpired => "Nobody agreed in time.".into(),
            Self::BudgetExceeded { limit } => {
                format!("It spent the {limit} that one run may, and was stopped.")
            }
            Self::BranchMoved { branch } => format!(
                "Somebody else pushed to `{branch}`; their commits are left as they are and nothing was pushed."
            ),
            Self::NoPullRequest => {
                "There is no open pull request of Pullwright's that a commit could be added to.".into()
            }
            Self::OutcomeUnclear { write } => {
                format!("Whether this write happened could not be told: {write}. A person has to look.")
            }
            Self::Internal { message } => format!("A fault in Pullwright: {message}."),
        }
    }
}
