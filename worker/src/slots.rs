//! The worker's loop: a free slot asks for work, a wake-up or the poll interval makes it ask again.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use crate::claim::{self, Claimed};
use crate::{Worker, job};

/// Takes and works on jobs until the worker stops and all of them ended.
pub(crate) async fn serve(worker: Arc<Worker>, wake_up: &Notify) {
    let slots = Arc::new(Semaphore::new(worker.settings.slots.get()));
    let jobs = TaskTracker::new();
    let soft = &worker.stop.soft;
    while let Some(Ok(slot)) = soft.run_until_cancelled(Arc::clone(&slots).acquire_owned()).await {
        match claim::next(&worker).await {
            Claimed::Job(job) => {
                let worker = Arc::clone(&worker);
                jobs.spawn(async move {
                    let run = job.run;
                    // Its own task, so that a panic ends one job and is seen.
                    if let Err(error) = tokio::spawn(async move { job::work(&worker, *job).await }).await {
                        tracing::error!(%run, %error, "the job broke off; its lease runs out");
                    }
                    drop(slot);
                });
            }
            Claimed::Nothing => {
                drop(slot);
                tokio::select! {
                    () = wake_up.notified() => {}
                    () = tokio::time::sleep(worker.settings.poll) => {}
                    () = soft.cancelled() => {}
                }
            }
            Claimed::Stopping => break,
        }
    }
    jobs.close();
    jobs.wait().await;
}
