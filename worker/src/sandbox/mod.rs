//! A room for commands that may be hostile: one workspace, no credential, no network.
//!
//! [`Sandbox`] is the wall; [`Bubblewrap`] is the one that stands behind it by default. Whoever
//! makes a [`Room`]'s folders gives them to [`Bubblewrap::host_ids`], when there are any.

mod arguments;
mod bubblewrap;
mod cgroup;
mod filter;
mod launch;
mod layout;
mod limits;
mod options;
mod output;
mod probe;
mod refusal;
mod supervise;

pub use bubblewrap::Bubblewrap;
pub use limits::LimitsInForce;
pub use options::BubblewrapOptions;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use schemas::control::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A way to hold a command. There is no fallback from one to a weaker one, ever.
#[async_trait]
pub trait Sandbox: Send + Sync + 'static {
    /// Its name and version, for reports: `bubblewrap 0.8.0`.
    fn describe(&self) -> String;

    /// Tries what must fail inside, and what must work.
    async fn probe(&self) -> Result<(), SandboxError>;

    /// Runs one command to its end and sends its output line by line; returns only when every
    /// process it started is gone. `stop` kills the whole tree.
    async fn run(
        &self,
        command: &SandboxCommand,
        output: mpsc::Sender<OutputLine>,
        stop: CancellationToken,
    ) -> Result<Exit, SandboxError>;
}

/// What the sandbox may see of the host's disk.
#[derive(Debug, Clone)]
pub struct Room {
    /// The checkout; writable, at `/workspace`.
    pub workspace: PathBuf,
    /// An empty folder that lives as long as the run; writable, `$HOME`.
    pub home: PathBuf,
    /// The event's data files; read-only, at `/event`.
    pub data: PathBuf,
    /// Host folders shown read-only at the same path (the mirror's object store).
    pub read_only: Vec<PathBuf>,
}

/// One command.
#[derive(Debug, Clone)]
pub struct SandboxCommand {
    /// Where it runs.
    pub room: Room,
    /// For `/bin/sh -c`, from the configuration.
    pub command: String,
    /// Below `/workspace`; empty for its root.
    pub working_directory: String,
    /// Its whole environment, beside `HOME`, `PATH`, `LANG` and `TMPDIR`.
    pub env: BTreeMap<String, String>,
    /// It is killed after this long.
    pub timeout: Duration,
    /// What it may use.
    pub limits: Limits,
}

/// What one command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory in bytes: of the whole tree where a cgroup v2 can be had, else of each process.
    pub memory: u64,
    /// Processes and threads at once.
    pub processes: u64,
    /// The largest file in bytes.
    pub file_size: u64,
    /// Bytes of output that are passed on; the rest is counted and dropped.
    pub output: u64,
}

/// One line that a command printed: at most 16 KiB, a longer one comes in pieces. Invalid UTF-8 is
/// replaced, terminal sequences are removed, other control characters are written as `\u{…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine {
    /// `Stdout` or `Stderr`; `Worker` for the last line, when output was left out.
    pub stream: Stream,
    /// Without its end.
    pub text: String,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// By itself; 128 + n for signal n.
    Code(i32),
    /// Killed at its timeout.
    TimedOut,
    /// Killed because `stop` was cancelled.
    Stopped,
    /// Killed for using more than a limit: which one.
    Limit(String),
}

/// The sandbox itself failed; the command did not run, or its fate is unknown.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The program is not there.
    #[error("bubblewrap (`bwrap`) is not installed: {0}")]
    Missing(#[source] std::io::Error),
    /// The kernel or its policy refuses what the sandbox needs.
    #[error("{message}; {remedy}")]
    Refused {
        /// What was refused.
        message: String,
        /// What a person can do about it.
        remedy: String,
    },
    /// Something that must fail inside did not.
    #[error("the sandbox leaks: {0}")]
    Leaks(String),
    /// Starting or watching it failed.
    #[error("the sandbox could not be started")]
    Io(#[from] std::io::Error),
}
