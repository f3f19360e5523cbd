//! Why a worker cannot start.

use std::path::PathBuf;

use crate::redact::RedactError;
use crate::sandbox::SandboxError;

/// A worker that cannot work at all. Faults of one job end that job only.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The sandbox does not hold; no job may run in it.
    #[error("the sandbox does not hold, so this worker takes no jobs")]
    Sandbox(#[from] SandboxError),
    /// The data folder cannot be used.
    #[error("the worker's data folder {} cannot be used", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Two workers would remove each other's runs.
    #[error("another worker uses the data folder {}; give each worker its own", .0.display())]
    DataDirInUse(PathBuf),
    /// The secrets to mask cannot be searched for.
    #[error("the output cannot be redacted")]
    Redact(#[from] RedactError),
}
