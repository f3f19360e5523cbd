//! Claim, checkout, sandbox, validate, report.
//!
//! [`run`] is a worker: it claims jobs from a [`ControlPlane`], lays out a workspace, runs the
//! commands in a [`Sandbox`], turns what they left into a commit, pushes it through the git gate and
//! reports. It holds no forge credential, no webhook secret and no database.
//!
//! Read `job` for the order of things, `result` for why a hostile workspace is only data.

mod checkout;
mod claim;
mod commands;
mod ending;
mod error;
mod git;
mod handover;
mod job;
mod journal;
mod lease;
mod mirror;
mod push;
mod record;
mod redact;
mod remove;
mod result;
mod retry;
pub mod sandbox;
mod settings;
mod slots;
mod start;
mod stop;
mod workspace;

use std::path::PathBuf;
use std::sync::Arc;

use schemas::{Clock, ControlPlane};
use tokio::sync::Notify;

use crate::git::Git;
use crate::mirror::Mirrors;
use crate::redact::Redactor;
use crate::sandbox::Sandbox;

pub use crate::error::WorkerError;
pub use crate::redact::RedactError;
pub use crate::settings::WorkerSettings;
pub use crate::stop::Stop;

/// What all jobs of a worker share.
struct Worker {
    settings: WorkerSettings,
    control: Arc<dyn ControlPlane>,
    sandbox: Arc<dyn Sandbox>,
    clock: Arc<dyn Clock>,
    stop: Stop,
    git: Git,
    mirrors: Mirrors,
    redactor: Redactor,
    runs: PathBuf,
}

/// Works until `stop`, and returns when the last job ended. `wake_up` makes it ask for work at once.
///
/// # Errors
/// When the sandbox does not hold or the data folder cannot be used: then it took no job.
pub async fn run(
    settings: WorkerSettings,
    control: Arc<dyn ControlPlane>,
    sandbox: Arc<dyn Sandbox>,
    clock: Arc<dyn Clock>,
    wake_up: Arc<Notify>,
    stop: Stop,
) -> Result<(), WorkerError> {
    let redactor = Redactor::new(&settings.secrets)?;
    let folders = start::prepare(&settings).await?;
    sandbox.probe().await?;
    let git = Git::new(folders.git_home.clone(), settings.git_timeout, settings.git_ca_file.clone());
    let mirrors = Mirrors::new(folders.mirrors.clone(), git.clone());
    let runs = folders.runs.clone();
    tracing::info!(worker = %settings.name, slots = settings.slots, sandbox = sandbox.describe(), "taking jobs");
    let worker = Worker { settings, control, sandbox, clock, stop, git, mirrors, redactor, runs };
    slots::serve(Arc::new(worker), &wake_up).await;
    drop(folders);
    Ok(())
}
