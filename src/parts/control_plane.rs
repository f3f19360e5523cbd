//! The control plane of one process: its database, its forges, its queue and its loops.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use broker::amqp::WakeSender;
use broker::wake::WakeUps;
use config::{Automations, Secrets, Settings};
use dispatcher::http::api::{self, AdminToken};
use dispatcher::http::worker::{control, git};
use dispatcher::rules::{LoadError, RuleSet, load_folder_knowing};
use dispatcher::{Dispatcher, GateKey, Retention};
use forge::git_http::GitHttp;
use schemas::{Clock, WorkerName};
use store::Store;
use telemetry::Telemetry;
use telemetry::metrics::Meters;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::data_dir::DataDir;
use super::queue::DeliveryQueue;
use super::ready::{self, WorkerState};
use super::{artifacts, credentials, explained, local_worker, reload, settings};
use crate::database;
use crate::lifecycle::Stop;

/// How often gauges are read.
const GAUGES: Duration = Duration::from_secs(5);

/// Where the automations of a start come from.
pub enum Start {
    /// A folder, and what it holds.
    Folder(PathBuf, Result<RuleSet, LoadError>),
    /// A repository, which is asked while everything runs already.
    Repository,
}

impl Start {
    /// Reads the folder, if it is one: before anything is opened, so that a mistake is the first thing said.
    pub fn read(settings: &Settings) -> Self {
        match &settings.automations {
            Automations::Folder(folder) => {
                let known = settings.into();
                Self::Folder(folder.clone(), load_folder_knowing(folder, Some(&known)))
            }
            Automations::Repository { .. } => Self::Repository,
        }
    }
}

/// A control plane, whose queue and database nobody else in this process holds.
pub struct ControlPlane {
    dispatcher: Arc<Dispatcher>,
    queue: Arc<DeliveryQueue>,
    store: Store,
    meters: Meters,
    wake_ups: WakeUps,
    /// Wakes workers that listen on RabbitMQ, as long as it lives.
    _waking: Option<WakeSender>,
    token: AdminToken,
    publishing: CancellationToken,
    /// The worker of this process, where it has one.
    local_worker: WorkerName,
}

impl ControlPlane {
    /// Opens the database and makes clients; nothing runs yet.
    pub async fn open(
        settings: &Settings,
        secrets: &Secrets,
        data_dir: &DataDir,
        queue: DeliveryQueue,
        clock: Arc<dyn Clock>,
        meters: Meters,
    ) -> miette::Result<Self> {
        let store = Store::open(&database::address(settings, secrets.database.as_ref())).await;
        let store = store.map_err(|error| {
            let what = store::chain(&error);
            miette::miette!(help = database::remedy(&error), "the database cannot be opened: {what}")
        })?;
        let forges = credentials::forges(settings, &secrets.connections).map_err(explained)?;
        let token = data_dir.secret("admin.token", || clock.secret_bytes()).map_err(explained)?;
        let gate_key = data_dir.secret("gate.key", || clock.secret_bytes()).map_err(explained)?;
        let artifacts = artifacts::open(settings, secrets).map_err(explained)?;
        let wake_ups = WakeUps::default();
        let gate_key = GateKey::new(&gate_key).ok_or_else(|| miette::miette!("gate.key is empty"))?;
        let directories = credentials::directories(settings, &secrets.connections).map_err(explained)?;
        let name = data_dir.secret("dispatcher.name", || clock.secret_bytes()).map_err(explained)?;
        let local_worker = local_worker::name(settings, &name);
        let dispatcher = Dispatcher::new(
            settings::of_dispatcher(settings, name, gate_key, artifacts, directories),
            store.clone(),
            forges,
            clock,
            wake_ups.clone(),
            queue.publisher(),
            meters.clone(),
        );
        Ok(Self {
            dispatcher: Arc::new(dispatcher),
            _waking: queue.pass_on(&wake_ups),
            queue: Arc::new(queue),
            store,
            meters,
            wake_ups,
            token: AdminToken::new(&token),
            publishing: CancellationToken::new(),
            local_worker,
        })
    }

    /// Puts the automations in force. While their source has a mistake, or is still to be asked, the
    /// set of the last start stays; without one, a folder with a mistake is a reason not to start.
    pub async fn take_automations(&self, automations: Start) -> miette::Result<()> {
        let stored = "the automations cannot be stored or read";
        let (folder, mistakes) = match automations {
            Start::Folder(folder, Ok(set)) => {
                let offered = self.dispatcher.offer(set, &reload::source(&folder)).await;
                return offered.context(stored).map_err(explained);
            }
            Start::Folder(folder, Err(mistakes)) => (folder, mistakes),
            Start::Repository => return self.dispatcher.adopt().await.context(stored).map_err(explained),
        };
        if self.store.active_hash().await.ok().flatten().is_none() {
            return Err(mistakes.into());
        }
        self.dispatcher.adopt().await.context(stored).map_err(explained)?;
        tracing::warn!(folder = %folder.display(), "the automations of the last start stay in force");
        self.dispatcher.note_rules_problem(Some(mistakes.one_line()));
        Ok(())
    }

    /// Takes back what the worker of this process held before a crash.
    pub async fn recover(&self) -> anyhow::Result<()> {
        let forgotten = self.dispatcher.forget_worker(&self.local_worker).await;
        forgotten.context("runs of the last start cannot be taken back")
    }

    /// Starts the dispatcher's loops.
    pub fn spawn(&self, tracker: &TaskTracker, stop: &Stop, settings: &Settings) {
        let dispatcher = Arc::clone(&self.dispatcher);
        let soft = stop.soft.clone();
        match self.queue.consumer() {
            Ok(consumer) => {
                tracker.spawn(async move { dispatcher.consume(consumer, soft).await });
            }
            Err(error) => tracing::error!(%error, "deliveries are not taken from the queue"),
        }
        let (dispatcher, publishing) = (Arc::clone(&self.dispatcher), self.publishing.clone());
        tracker.spawn(async move { dispatcher.publish(publishing).await });
        let (dispatcher, publishing) = (Arc::clone(&self.dispatcher), self.publishing.clone());
        tracker.spawn(async move { dispatcher.tend(publishing).await });
        let (dispatcher, soft) = (Arc::clone(&self.dispatcher), stop.soft.clone());
        let named = settings.repositories.iter().filter_map(|rule| rule.pattern.parse().ok()).collect();
        tracker.spawn(async move { dispatcher.redeliver(named, soft).await });
        let (dispatcher, soft) = (Arc::clone(&self.dispatcher), stop.soft.clone());
        tracker.spawn(async move { dispatcher.fire(soft).await });
        let (dispatcher, soft) = (Arc::clone(&self.dispatcher), stop.soft.clone());
        let config::Retention { deliveries, logs } = settings.retention;
        tracker.spawn(async move { dispatcher.retain(Retention { deliveries, logs }, soft).await });
        let (dispatcher, soft) = (Arc::clone(&self.dispatcher), stop.soft.clone());
        match settings.automations.clone() {
            Automations::Folder(folder) => {
                tracker.spawn(reload::watch(dispatcher, folder, settings.into(), soft))
            }
            Automations::Repository { .. } => {
                tracker.spawn(async move { dispatcher.pull_automations(soft).await })
            }
        };
        let (queue, store, meters) = (Arc::clone(&self.queue), self.store.clone(), self.meters.clone());
        tracker.spawn(stop.soft.clone().run_until_cancelled_owned(async move {
            loop {
                if let Some(depth) = queue.depth() {
                    meters.queue_depth(depth);
                }
                if let Ok(leases) = store.leases().await {
                    meters.runs_active(leases.len() as u64);
                }
                tokio::time::sleep(GAUGES).await;
            }
        }));
    }

    /// The name of a worker of this process.
    pub fn local_worker(&self) -> WorkerName {
        self.local_worker.clone()
    }

    /// Whom a worker of this process asks for jobs.
    pub fn for_worker(&self) -> Arc<dyn schemas::ControlPlane> {
        Arc::<Dispatcher>::clone(&self.dispatcher)
    }

    /// Rings when such a worker should ask at once.
    pub fn wake_up(&self, stop: &CancellationToken) -> Arc<Notify> {
        local_worker::wake_up(&self.wake_ups, stop)
    }

    /// The API's routes.
    pub fn api(&self) -> Router {
        api::router(Arc::clone(&self.dispatcher), self.token.clone())
    }

    /// The routes of workers: the worker API and the git gate.
    pub fn worker_api(&self) -> Router {
        let gate = git::router(Arc::clone(&self.dispatcher), GitHttp::new());
        control::router(Arc::clone(&self.dispatcher)).merge(gate)
    }

    /// Health, readiness and metrics; `worker` is the one of this process, where there is one.
    pub fn health(&self, worker: Option<WorkerState>, telemetry: &Arc<Telemetry>) -> Router {
        let (dispatcher, queue) = (Arc::clone(&self.dispatcher), Arc::clone(&self.queue));
        ready::router(telemetry, move || {
            let (dispatcher, queue, worker) = (Arc::clone(&dispatcher), queue.check(), worker.clone());
            async move { ready::of_control_plane(&dispatcher, queue, worker.as_ref()).await }
        })
    }

    /// Ends the loops and what else is in `tracker`: open streams of the API at once, the publisher when
    /// its calls are done. Then closes database and queue.
    pub async fn end(self, tracker: &TaskTracker, stop: &Stop) {
        self.dispatcher.end_streams();
        self.publishing.cancel();
        stop.finished(tracker).await;
        let Self { queue, store, dispatcher, .. } = self;
        drop(dispatcher);
        if let Some(queue) = Arc::into_inner(queue) {
            queue.close().await;
        }
        if let Err(error) = store.close().await {
            tracing::warn!(%error, "the database was not closed in order");
        }
    }
}
