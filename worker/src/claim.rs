//! Asking for work. One claim is one nonce, however often it has to be repeated.

use std::time::Duration;

use schemas::control::{Claim, ControlError, Job};

use crate::Worker;
use crate::retry::{Pace, in_time};

/// How long giving a job back may take while the worker stops.
pub(crate) const HAND_BACK: Duration = Duration::from_secs(3);

/// What a claim came to.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// There is work.
    Job(Box<Job>),
    /// There is none.
    Nothing,
    /// The worker is stopping.
    Stopping,
}

/// Claims one job.
pub(crate) async fn next(worker: &Worker) -> Claimed {
    let nonce = worker.clock.fresh_id().to_string();
    let mut pace = Pace::default();
    while !worker.stop.soft.is_cancelled() {
        let claim = Claim { worker: worker.settings.name.clone(), nonce: nonce.clone() };
        // Never dropped half-way by a soft stop: the answer may be a job that has to go back.
        let answer = worker.stop.hard.run_until_cancelled(in_time(worker.control.claim(claim))).await;
        match answer {
            None => return Claimed::Stopping,
            Some(Ok(Some(job))) if worker.stop.soft.is_cancelled() => {
                give_back(worker, &job).await;
                return Claimed::Stopping;
            }
            Some(Ok(Some(job))) => return Claimed::Job(Box::new(job)),
            Some(Ok(None)) => return Claimed::Nothing,
            Some(Err(ControlError::Unavailable { message })) => {
                if pace.tries() == 0 {
                    tracing::warn!(message, "the control plane does not answer; asking again");
                }
                if !pace.wait(worker.clock.as_ref(), &worker.stop.soft).await {
                    return Claimed::Stopping;
                }
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the control plane refuses this worker's claims");
                return Claimed::Nothing;
            }
        }
    }
    Claimed::Stopping
}

/// Gives a job back untouched, if that can be done quickly; its lease runs out otherwise.
pub(crate) async fn give_back(worker: &Worker, job: &Job) {
    let call = worker.control.hand_back(job.run, job.epoch);
    match tokio::time::timeout(HAND_BACK, call).await {
        Ok(Ok(())) => tracing::info!(run = %job.run, "handed back"),
        Ok(Err(error)) => tracing::warn!(run = %job.run, %error, "not handed back; its lease runs out"),
        Err(_) => tracing::warn!(run = %job.run, "not handed back in time; its lease runs out"),
    }
}
