//! The worker of an all-in-one process.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::wake::WakeUps;
use config::Settings;
use schemas::{Clock, ControlPlane, WorkerName};
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::WorkerSettings;
use worker::sandbox::{Bubblewrap, BubblewrapOptions, Limits};

use super::ready::WorkerState;
use crate::lifecycle::Stop;

/// The name it claims and reports under.
pub const NAME: &str = "local";
/// How often it asks for work when nothing wakes it.
const POLL: Duration = Duration::from_secs(5);
/// How long one git call may take; a first fetch of a large repository needs minutes.
const GIT: Duration = Duration::from_secs(600);

/// What the worker is made of.
pub struct LocalWorker {
    /// Whom it asks for jobs.
    pub control: Arc<dyn ControlPlane>,
    /// Where it takes time from.
    pub clock: Arc<dyn Clock>,
    /// Where it says that it takes none.
    pub state: WorkerState,
    /// What makes it ask at once.
    pub wake_up: Arc<Notify>,
    /// Where its mirrors and workspaces lie.
    pub data_dir: PathBuf,
    /// What it masks in output.
    pub masked: Vec<SecretString>,
}

impl LocalWorker {
    /// Starts it; the task ends when its last job did.
    pub fn spawn(self, settings: &Settings, stop: &Stop) -> JoinHandle<()> {
        let options = sandbox_options(settings, self.data_dir.clone());
        let stop = worker::Stop { soft: stop.soft.clone(), hard: stop.hard.clone() };
        let told = self.settings(settings);
        let Self { control, clock, state, wake_up, .. } = self;
        tokio::spawn(async move {
            let end = async {
                let sandbox = Bubblewrap::find(options).await?;
                let told = WorkerSettings { room_owner: sandbox.host_ids(), ..told };
                worker::run(told, control, Arc::new(sandbox), clock, wake_up, stop).await?;
                anyhow::Ok(())
            };
            if let Err(error) = end.await {
                tracing::error!("no job is taken: {error:#}; `pullwright doctor` says more");
                state.broken(format!("{error:#}"));
            }
        })
    }

    fn settings(&self, settings: &Settings) -> WorkerSettings {
        let workers = &settings.workers;
        WorkerSettings {
            name: WorkerName::from(NAME),
            slots: NonZeroUsize::new(workers.slots as usize).unwrap_or(NonZeroUsize::MIN),
            data_dir: self.data_dir.clone(),
            poll: POLL,
            grace: settings.runs.stop_grace,
            git_timeout: GIT,
            limits: Limits {
                memory: workers.memory,
                processes: workers.processes,
                file_size: workers.file_size,
                output: workers.output,
            },
            secrets: self.masked.clone(),
            room_owner: None,
        }
    }
}

/// Rings whenever the pool is woken.
pub fn wake_up(wake_ups: &WakeUps, stop: &CancellationToken) -> Arc<Notify> {
    let notify = Arc::new(Notify::new());
    let (rung, mut waker) = (Arc::clone(&notify), wake_ups.waker(dispatcher::POOL));
    let stop = stop.clone();
    tokio::spawn(async move {
        while stop.run_until_cancelled(waker.woken()).await.is_some() {
            rung.notify_one();
        }
    });
    notify
}

/// The sandbox that the configuration asks for.
pub fn sandbox_options(settings: &Settings, data_dir: PathBuf) -> BubblewrapOptions {
    BubblewrapOptions { toolchains: settings.workers.toolchains.clone(), ..BubblewrapOptions::new(data_dir) }
}
