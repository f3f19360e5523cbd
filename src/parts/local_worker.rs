//! A worker in this process: inside `pullwright up`, or all that it does.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::wake::WakeUps;
use config::Settings;
use schemas::{Clock, ControlPlane, Pool, WorkerName};
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::WorkerSettings;
use worker::sandbox::{Bubblewrap, BubblewrapOptions, Limits};

use super::ready::WorkerState;
use crate::lifecycle::Stop;

/// The name that the worker inside `pullwright up` claims and reports under.
const NAME: &str = "local";
/// Letters of a dispatcher's name that tell its worker from those of others.
const TOLD_APART_BY: usize = 8;
/// How often it asks for work when nothing wakes it.
const POLL: Duration = Duration::from_secs(5);
/// How long one git call may take; a first fetch of a large repository needs minutes.
const GIT: Duration = Duration::from_secs(600);

/// What the worker is made of.
pub struct LocalWorker {
    /// The name it claims and reports under.
    pub name: WorkerName,
    /// Whom it asks for jobs.
    pub control: Arc<dyn ControlPlane>,
    /// Where it takes time from.
    pub clock: Arc<dyn Clock>,
    /// What makes it ask at once.
    pub wake_up: Arc<Notify>,
    /// Where its mirrors and workspaces lie.
    pub data_dir: PathBuf,
    /// Certificates that its git trusts at the gate instead of the system's.
    pub git_ca_file: Option<PathBuf>,
    /// What it masks in output.
    pub masked: Vec<SecretString>,
}

impl LocalWorker {
    /// Starts it; the task ends when its last job did. Why it takes none is noted in `state`.
    pub fn spawn(self, settings: &Settings, stop: &Stop, state: WorkerState) -> JoinHandle<()> {
        let (settings, stop) = (settings.clone(), stop.clone());
        tokio::spawn(async move {
            if let Err(error) = self.work(&settings, &stop).await {
                tracing::error!("no job is taken: {error:#}; `pullwright doctor` says more");
                state.broken(format!("{error:#}"));
            }
        })
    }

    /// Works until it is told to stop and the last job ended.
    ///
    /// # Errors
    /// When the sandbox does not hold or the data folder cannot be used: then it took no job.
    pub async fn work(self, settings: &Settings, stop: &Stop) -> anyhow::Result<()> {
        let sandbox = Bubblewrap::find(sandbox_options(settings, self.data_dir.clone())).await?;
        let told = WorkerSettings { room_owner: sandbox.host_ids(), ..self.settings(settings) };
        let stop = worker::Stop { soft: stop.soft.clone(), hard: stop.hard.clone() };
        worker::run(told, self.control, Arc::new(sandbox), self.clock, self.wake_up, stop).await?;
        Ok(())
    }

    fn settings(&self, settings: &Settings) -> WorkerSettings {
        let workers = &settings.workers;
        WorkerSettings {
            name: self.name.clone(),
            slots: NonZeroUsize::new(workers.slots as usize).unwrap_or(NonZeroUsize::MIN),
            data_dir: self.data_dir.clone(),
            poll: POLL,
            grace: settings.runs.stop_grace,
            git_timeout: GIT,
            git_ca_file: self.git_ca_file.clone(),
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

/// The name of the worker inside `pullwright up`. On a database that others may use as well, each
/// has its own: at its start a dispatcher takes back what its worker held, and nobody else's.
pub fn name(settings: &Settings, dispatcher: &str) -> WorkerName {
    match settings.database {
        config::Database::Sqlite => WorkerName::from(NAME),
        config::Database::Postgres(_) => {
            let own: String = dispatcher.chars().take(TOLD_APART_BY).collect();
            WorkerName(format!("{NAME}-{own}"))
        }
    }
}

/// The file in a worker's data folder that holds what it proves itself by.
pub const CREDENTIAL: &str = "worker.credential";

/// Rings whenever the pool is woken.
pub fn wake_up(wake_ups: &WakeUps, stop: &CancellationToken) -> Arc<Notify> {
    let notify = Arc::new(Notify::new());
    let (rung, mut waker) = (Arc::clone(&notify), wake_ups.waker(Pool::default().as_str()));
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
