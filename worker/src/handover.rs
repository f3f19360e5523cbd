//! Between a worker and its successor: the result goes to the control plane before it is pushed, so that
//! a run whose worker is lost in between is published without being worked on again.
//!
//! Neither side waits long for it: without a bundle a run is slower to recover, and nothing else.

use std::time::Duration;

use bytes::Bytes;
use schemas::control::{ControlError, Job};
use schemas::report::ChangeReport;
use schemas::result_bundle::{self, BundleError, KeptResult, Made};
use tokio_util::sync::CancellationToken;

use crate::Worker;
use crate::ending::with_sources;
use crate::git::GitError;
use crate::mirror::Mirror;
use crate::record::Record;
use crate::result::{ResultError, bundle};
use crate::retry::until_answered;
use crate::workspace::RunFolder;

/// How long bringing or fetching a bundle may take, tries and all.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a result was not handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandoverError {
    /// There is none, or not the one that was told of.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The control plane does not take or give it.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// It did not do so in time, or the run ends.
    #[error("it took too long")]
    Late,
    /// The objects could not be packed.
    #[error("the result could not be packed")]
    Pack(#[from] GitError),
    /// What came is no result of this run.
    #[error("the kept result does not hold")]
    Result(#[from] ResultError),
}

/// Hands the result to the control plane. A failure is only noted: the push is as good without.
pub(crate) async fn keep(
    worker: &Worker,
    job: &Job,
    folder: &RunFolder,
    change: &ChangeReport,
    record: &Record,
    give_up: &CancellationToken,
) {
    match try_keep(worker, job, folder, change, record, give_up).await {
        Ok(true) => tracing::debug!(head = %change.head, "the result is kept"),
        Ok(false) => tracing::debug!("the control plane keeps no results; it is older"),
        Err(error) => {
            tracing::warn!(error = with_sources(&error), "the result is pushed without having been kept");
        }
    }
}

async fn try_keep(
    worker: &Worker,
    job: &Job,
    folder: &RunFolder,
    change: &ChangeReport,
    record: &Record,
    give_up: &CancellationToken,
) -> Result<bool, HandoverError> {
    let objects = bundle::pack(&worker.git, folder, &job.base).await?.ok_or(BundleError::Large)?;
    let whole = result_bundle::encode(&record.made(change), &objects)?;
    let bring = || worker.control.keep_result(job.run, job.epoch, whole.clone());
    in_time(until_answered(worker.clock.as_ref(), give_up, bring)).await
}

/// The result of an earlier worker, checked and ready to be pushed.
///
/// # Errors
/// When it cannot be had or does not hold; then the run begins anew.
pub(crate) async fn take_over(
    worker: &Worker,
    job: &Job,
    kept: &KeptResult,
    folder: &RunFolder,
    mirror: &Mirror,
    give_up: &CancellationToken,
) -> Result<(Made, ChangeReport), HandoverError> {
    let fetch = || worker.control.kept_result(job.run, job.epoch);
    let whole: Bytes = in_time(until_answered(worker.clock.as_ref(), give_up, fetch)).await?;
    let (made, objects) = kept.open(&job.base, &whole)?;
    let head = made.head.clone();
    let change = bundle::restore(&worker.git, folder, mirror, job, head, objects, &worker.redactor).await?;
    Ok((made, change))
}

async fn in_time<T>(call: impl Future<Output = Option<Result<T, ControlError>>>) -> Result<T, HandoverError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(Some(answer)) => Ok(answer?),
        Ok(None) | Err(_) => Err(HandoverError::Late),
    }
}
