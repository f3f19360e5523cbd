//! How a job can end on this worker, and which fault means which ending.

use schemas::control::{ControlError, Job};
use schemas::run::{Outcome, Reason};

use crate::git::GitError;
use crate::result::ResultError;
use crate::sandbox::SandboxError;
use crate::stop::Cause;

/// How a job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a report.
    Finished(Outcome, Reason),
    /// Given back for another worker.
    HandedBack,
    /// In silence: it is somebody else's.
    Dropped,
}

impl From<Cause> for Ending {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Cancelled => Self::Finished(Outcome::Cancelled, Reason::CancelRequested),
            Cause::Stopping | Cause::Forced => Self::HandedBack,
            Cause::Lost => Self::Dropped,
        }
    }
}

impl From<ControlError> for Ending {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::StaleEpoch => Self::Dropped,
            ControlError::Cancelled => Cause::Cancelled.into(),
            ControlError::Refused { because } => Self::failed(Reason::ResultRefused { because }),
            ControlError::Unavailable { message } => Self::internal(message),
        }
    }
}

impl From<ResultError> for Ending {
    fn from(error: ResultError) -> Self {
        match error {
            ResultError::Refused(because) => Self::failed(Reason::ResultRefused { because }),
            other => Self::internal(with_sources(&other)),
        }
    }
}

impl Ending {
    /// A failure.
    pub(crate) fn failed(reason: Reason) -> Self {
        Self::Finished(Outcome::Failed, reason)
    }

    /// A fault of ours.
    pub(crate) fn internal(message: String) -> Self {
        tracing::error!(message, "the job failed");
        Self::failed(Reason::Internal { message })
    }

    /// The repository could not be had.
    pub(crate) fn checkout(error: GitError, job: &Job) -> Self {
        Self::failed(match error {
            GitError::NotFound => Reason::RepositoryNotFound,
            GitError::Refused => Reason::CredentialRefused,
            GitError::BranchMissing => Reason::BranchMissing { branch: job.base_branch.clone() },
            GitError::Fenced => return Self::Dropped,
            other => Reason::CheckoutFailed { message: with_sources(&other) },
        })
    }

    /// The branch could not be pushed.
    pub(crate) fn push(error: GitError, job: &Job) -> Self {
        match error {
            GitError::Fenced => Self::Dropped,
            GitError::Refused => Self::failed(Reason::CredentialRefused),
            GitError::NotFound => Self::failed(Reason::RepositoryNotFound),
            // The branch is not what it was when the run began.
            GitError::Rejected(why) if why.contains("stale info") => {
                Self::failed(Reason::BranchMoved { branch: job.branch.clone() })
            }
            // It may have arrived with only the answers lost.
            other if other.is_transient() => {
                let write = format!("the push of `{}`", job.branch);
                Self::Finished(Outcome::Unknown, Reason::OutcomeUnclear { write })
            }
            other => Self::failed(Reason::ForgeRefused { message: with_sources(&other) }),
        }
    }

    /// The sandbox failed.
    pub(crate) fn sandbox(error: &SandboxError) -> Self {
        match error {
            SandboxError::Io(_) => Self::internal(with_sources(error)),
            SandboxError::Missing(_) | SandboxError::Refused { .. } | SandboxError::Leaks(_) => {
                Self::failed(Reason::SandboxUnavailable { message: with_sources(error) })
            }
        }
    }
}

/// An error and what caused it, in one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
