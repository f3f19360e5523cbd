//! Result bundles: kept from a worker's result to the run's end, for whoever has to publish it.
//!
//! The object is written first and noted under the run's lock afterwards, so that what is noted is
//! there. A name has the run and the epoch in it: whoever lost the run overwrites nobody's.

use std::time::Duration;

use artifacts::ArtifactError;
use bytes::Bytes;
use chrono::TimeDelta;
use schemas::control::ControlError;
use schemas::result_bundle::{self, KeptResult};
use schemas::run::RunState;
use schemas::{Epoch, RunId};
use store::{KeptBundle, StoreError, chain};
use tokio_util::sync::CancellationToken;

use crate::Dispatcher;
use crate::control::{owned, unavailable};

/// How often it is looked for bundles that nobody needs any more, and the wait after a failure.
const SWEEP: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(60);
/// Bundles that are dropped in one go.
const BATCH: u64 = 50;
/// Objects that are looked at for being left over, and since when they have to be.
const LOOKED_AT: usize = 1_000;
const LEFT_OVER: TimeDelta = TimeDelta::days(1);

/// Why a bundle stays where it is for now.
#[derive(Debug, thiserror::Error)]
pub enum NotDropped {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifact store did not.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
}

impl Dispatcher {
    pub(crate) async fn keep_bundle(
        &self,
        run: RunId,
        epoch: Epoch,
        bundle: Bytes,
    ) -> Result<bool, ControlError> {
        let refused = |because: String| ControlError::Refused { because };
        if bundle.len() > result_bundle::LARGEST {
            return Err(refused(result_bundle::BundleError::Large.to_string()));
        }
        let (made, _) = result_bundle::decode(&bundle).map_err(|error| refused(chain(&error)))?;
        self.held(run, epoch).await?;
        let object = format!("{}/{run}-{epoch}", self.results_folder().await.map_err(|e| unavailable(&e))?);
        let kept = KeptResult::of(made.head, &bundle);
        self.settings.artifacts.put(&object, bundle).await.map_err(away)?;
        let tx = self.store.begin().await.map_err(|e| unavailable(&e))?;
        let record = owned(&tx, run, epoch).await?;
        if record.run.base.as_ref() != Some(&made.base) {
            return Err(refused("the result stands on another commit".to_owned()));
        }
        let bundle = KeptBundle { object, kept };
        tx.keep_result(run, &bundle).await.map_err(|e| unavailable(&e))?;
        tx.commit().await.map_err(|e| unavailable(&e))?;
        Ok(true)
    }

    pub(crate) async fn kept_bundle(&self, run: RunId, epoch: Epoch) -> Result<Bytes, ControlError> {
        self.held(run, epoch).await?;
        let found = self.store.kept_result(run).await.map_err(|e| unavailable(&e))?;
        let none = || ControlError::Refused { because: "no result of this run is kept".to_owned() };
        let bundle = found.ok_or_else(none)?;
        self.settings.artifacts.get(&bundle.object, result_bundle::LARGEST as u64).await.map_err(away)
    }

    async fn held(&self, run: RunId, epoch: Epoch) -> Result<(), ControlError> {
        let record = self.store.run(run).await.map_err(|e| unavailable(&e))?;
        match record.map(|record| record.run.state) {
            Some(RunState::Active { epoch: current, .. }) if current == epoch => Ok(()),
            _ => Err(ControlError::StaleEpoch),
        }
    }

    /// Where this installation's bundles are; others may share the store.
    async fn results_folder(&self) -> Result<String, StoreError> {
        Ok(format!("results/{}", self.instance().await?))
    }

    /// Drops what ended runs leave, until `stop`.
    pub(crate) async fn drop_results_until(&self, stop: CancellationToken) {
        let mut wait = SWEEP;
        while stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
            wait = match self.drop_results().await {
                Ok(_) => SWEEP,
                Err(error) => {
                    tracing::warn!(error = chain(&error), "result bundles of ended runs stay for now");
                    AGAIN
                }
            };
        }
    }

    /// Drops the bundles of runs that are done; how many.
    ///
    /// # Errors
    /// When database or artifact store do not answer.
    pub async fn drop_results(&self) -> Result<usize, NotDropped> {
        let done = self.store.results_to_drop(BATCH).await?;
        for (run, object) in &done {
            self.settings.artifacts.delete(object).await?;
            let tx = self.store.begin().await?;
            tx.forget_result(*run).await?;
            tx.commit().await?;
        }
        Ok(done.len())
    }

    /// Drops old bundles that no run knows of: written, and never noted, or replaced; how many.
    ///
    /// # Errors
    /// When database or artifact store do not answer.
    pub async fn drop_left_over_results(&self) -> Result<usize, NotDropped> {
        let folder = self.results_folder().await?;
        let oldest = self.clock.now() - LEFT_OVER;
        let mut dropped = 0;
        for entry in self.settings.artifacts.list(&folder, LOOKED_AT).await? {
            if entry.written_at > oldest || self.is_known(&entry.name).await? {
                continue;
            }
            self.settings.artifacts.delete(&entry.name).await?;
            dropped += 1;
        }
        Ok(dropped)
    }

    async fn is_known(&self, object: &str) -> Result<bool, StoreError> {
        let run = object.rsplit('/').next().and_then(|name| name.rsplit_once('-'));
        let Some(run) = run.and_then(|(run, _)| run.parse().ok()) else { return Ok(true) };
        Ok(self.store.kept_result(RunId(run)).await?.is_some_and(|bundle| bundle.object == object))
    }
}

/// What it means to a worker that the artifact store does not do it.
fn away(error: ArtifactError) -> ControlError {
    let message = chain(&error);
    match error {
        ArtifactError::Missing(_) | ArtifactError::Large { .. } => ControlError::Refused { because: message },
        _ => ControlError::Unavailable { message },
    }
}
