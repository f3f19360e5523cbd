//! What a worker says of a run: structured data that the dispatcher renders.

use serde::{Deserialize, Serialize};

use crate::automation::Usd;
use crate::id::Oid;
use crate::run::{Outcome, Reason};
use crate::untrusted::Untrusted;

/// The end of a worker's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whether the commands succeeded; publishing may still fail.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Every command that ran, in order.
    pub commands: Vec<CommandReport>,
    /// What the run has spent in this epoch.
    #[serde(default)]
    pub spent: Usd,
    /// What changed, where there is a result.
    pub change: Option<ChangeReport>,
    /// What the worker was.
    pub worker: String,
    /// The sandbox that held.
    pub sandbox: String,
    /// How long each step took, in order.
    pub steps: Vec<StepTime>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandReport {
    /// `gate`, `setup`, `commands` or `validate`.
    pub phase: Phase,
    /// The command line, from the configuration.
    pub command: String,
    /// Its exit code; 128 + n for signal n.
    pub exit_code: i32,
    /// How long it took.
    pub duration_ms: u64,
    /// The last lines it printed, at most 4 KiB. The sandbox wrote them.
    pub tail: Untrusted,
}

/// Which list of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The automation's `gate`.
    Gate,
    /// The repository's setup.
    Setup,
    /// The automation's commands.
    Commands,
    /// The repository's validation.
    Validate,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeReport {
    /// The commit that was made.
    pub head: Oid,
    /// The commit it stands on.
    pub base: Oid,
    /// The files it leaves, as git names them all together; two commits of one tree are alike.
    #[serde(default)]
    pub tree: Option<Oid>,
    /// Each changed path with the lines added and removed; `None` for binary files.
    pub files: Vec<FileChange>,
    /// The change as a unified diff, at most 64 KiB.
    pub diff: Untrusted,
    /// Whether the diff was cut.
    pub diff_cut: bool,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Its path; the sandbox chose it.
    pub path: Untrusted,
    /// Lines added.
    pub added: Option<u64>,
    /// Lines removed.
    pub removed: Option<u64>,
}

/// How long a step took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StepTime {
    /// What was done.
    pub step: String,
    /// How long it took, in microseconds.
    pub micros: u64,
}
