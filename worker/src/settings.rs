//! What a worker is told at its start.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use schemas::WorkerName;
use secrecy::SecretString;

use crate::sandbox::Limits;

/// A worker's settings.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// The name it claims and reports under.
    pub name: WorkerName,
    /// How many jobs it works on at once.
    pub slots: NonZeroUsize,
    /// Where mirrors and run folders live; nobody else may use it at the same time.
    pub data_dir: PathBuf,
    /// How often it asks for work when nothing wakes it.
    pub poll: Duration,
    /// How long running jobs may go on after a soft stop before they are handed back.
    pub grace: Duration,
    /// How long one git call may take.
    pub git_timeout: Duration,
    /// Certificates that git trusts at the gate instead of the system's, PEM.
    pub git_ca_file: Option<PathBuf>,
    /// What one command may use.
    pub limits: Limits,
    /// Values that are masked in everything a command prints, in their usual encodings too.
    pub secrets: Vec<SecretString>,
    /// User and group that the sandbox runs as, where that is not the worker's own.
    pub room_owner: Option<(u32, u32)>,
}
