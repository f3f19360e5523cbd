//! What a worker may ask of the control plane. In one process it is a call, between machines HTTP.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::automation::{ChangeLimits, RunSpec, Usd, Validate};
use crate::id::{AutomationName, Epoch, Oid, RepoRef, RunId, WorkItem, WorkerName};
use crate::report::{ChangeReport, Report};
use crate::result_bundle::KeptResult;
use crate::run::{Reason, RepositorySetup, Step};
use crate::trace::TraceContext;
use crate::untrusted::Untrusted;

/// The control plane as a worker sees it. Every call but `claim` carries the epoch it got there.
#[async_trait]
pub trait ControlPlane: Send + Sync + 'static {
    /// Takes a queued run, if there is one. A repeat with the same nonce returns the same job and
    /// epoch, so that an answer lost on the way loses nothing.
    async fn claim(&self, claim: Claim) -> Result<Option<Job>, ControlError>;

    /// Says that the worker is alive, and hears whether it should go on.
    async fn heartbeat(&self, run: RunId, epoch: Epoch, beat: Beat) -> Result<Orders, ControlError>;

    /// Gives the run back until a provider's limit resets. It is admitted again then, not failed.
    async fn park(
        &self,
        run: RunId,
        epoch: Epoch,
        until: DateTime<Utc>,
        because: String,
    ) -> Result<(), ControlError>;

    /// Says what is being done now.
    async fn step(&self, run: RunId, epoch: Epoch, step: Step) -> Result<(), ControlError>;

    /// Adds redacted output lines to the run's log.
    async fn log(&self, run: RunId, epoch: Epoch, lines: Vec<LogLine>) -> Result<(), ControlError>;

    /// Keeps a result bundle for a successor, in place of an earlier one. False where none are kept,
    /// which older control planes say.
    async fn keep_result(&self, run: RunId, epoch: Epoch, bundle: Bytes) -> Result<bool, ControlError>;

    /// The result bundle that [`Job::kept`] tells of.
    async fn kept_result(&self, run: RunId, epoch: Epoch) -> Result<Bytes, ControlError>;

    /// Asks for leave to push `change`; after it the run can no longer be cancelled.
    async fn grant_push(
        &self,
        run: RunId,
        epoch: Epoch,
        change: ChangeReport,
    ) -> Result<PushGrant, ControlError>;

    /// Ends the worker's part. The dispatcher publishes and finishes the run.
    async fn report(&self, run: RunId, epoch: Epoch, report: Report) -> Result<(), ControlError>;

    /// Gives the run back untouched, for another worker: this one is stopping.
    async fn hand_back(&self, run: RunId, epoch: Epoch) -> Result<(), ControlError>;
}

/// Why the control plane did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum ControlError {
    /// The run belongs to another epoch now: stop at once, write nothing (409).
    #[error("the run belongs to somebody else now")]
    StaleEpoch,
    /// The run was cancelled (409).
    #[error("the run was cancelled")]
    Cancelled,
    /// What was asked for is not allowed (422).
    #[error("refused: {because}")]
    Refused {
        /// Why.
        because: String,
    },
    /// No answer, or not now (503): try again.
    #[error("the control plane does not answer: {message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
}

/// A worker that asks for work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who asks.
    pub worker: WorkerName,
    /// Chosen fresh for every new claim, and repeated when the answer was lost.
    pub nonce: String,
}

/// A claimed run: everything a worker needs to know, and nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The run.
    pub run: RunId,
    /// To be carried by every call about it.
    pub epoch: Epoch,
    /// How long it stays the worker's without a heartbeat, in milliseconds.
    pub lease_ms: u64,
    /// The automation that started it.
    pub automation: AutomationName,
    /// What it is about.
    pub work_item: WorkItem,
    /// Where it works.
    pub repository: RepoRef,
    /// How git reaches the repository: through the gate, never the forge itself.
    pub git: GitAccess,
    /// The branch to start from.
    pub base_branch: String,
    /// Its newest commit.
    pub base: Oid,
    /// The branch the result goes to.
    pub branch: String,
    /// What the automation runs.
    pub spec: RunSpec,
    /// What the repository adds.
    pub setup: RepositorySetup,
    /// What the result may not exceed.
    #[serde(default)]
    pub limits: ChangeLimits,
    /// The event as data files for the sandbox; names are ours, contents are not.
    pub files: Vec<DataFile>,
    /// How the commit looks.
    pub commit: CommitMeta,
    /// Where the run's trace began.
    pub trace: TraceContext,
    /// What an earlier worker made of the run and could not publish. A worker that does not know
    /// this, or cannot use it, begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptResult>,
    /// Whether commands may not run again, because too many workers were lost: what is kept is published,
    /// or the run ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_only: bool,
}

impl Job {
    /// The lease as a duration.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    /// The validate commands that count.
    #[must_use]
    pub fn validation(&self) -> &[String] {
        if self.spec.validate() == Validate::Off { &[] } else { &self.setup.validate }
    }
}

/// The git gate's address for one run. The token is worth nothing elsewhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitAccess {
    /// A smart-HTTP repository address.
    pub url: String,
    /// To be sent as `Authorization: Bearer …`.
    pub token: String,
}

impl std::fmt::Debug for GitAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitAccess").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A file that is laid beside the workspace, read-only in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its name: letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// What it holds.
    pub content: Untrusted,
}

/// How the commit looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitMeta {
    /// First line; ours.
    pub subject: String,
    /// The rest; ours.
    pub body: String,
    /// Author and committer name.
    pub name: String,
    /// Author and committer address.
    pub email: String,
    /// Author and committer time.
    pub time: DateTime<Utc>,
}

/// What a heartbeat says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Counts up from 1 within an epoch.
    pub number: u64,
    /// What the run has spent in this epoch so far.
    pub spent: Usd,
}

/// What a heartbeat hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orders {
    /// Kill the process tree, report [`Reason::CancelRequested`].
    Cancel,
    /// Go on; there will be no other run after it.
    Drain,
    /// Go on. So does a worker that hears an order it does not know.
    #[serde(other)]
    Continue,
}

/// Leave to push exactly this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "grant", rename_all = "snake_case")]
pub enum PushGrant {
    /// Push it.
    Push {
        /// The full ref name.
        reference: String,
        /// What the ref must point to before; git's zero id for a new branch.
        old: Oid,
        /// What it will point to.
        new: Oid,
    },
    /// Do not push; report this.
    Keep {
        /// Why: no pull request asked for, or a dry run.
        reason: Reason,
    },
}

/// One line of output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogLine {
    /// When it was read.
    pub at: DateTime<Utc>,
    /// Where it came from.
    pub stream: Stream,
    /// The line without its end, redacted; the sandbox wrote it.
    #[schema(value_type = String)]
    pub text: Untrusted,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// The worker's own words.
    Worker,
    /// A command's standard output.
    Stdout,
    /// A command's standard error.
    Stderr,
}
