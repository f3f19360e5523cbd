//! The parts of one process, opened and wired together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use broker::embedded::{Queue, QueueLimits};
use broker::wake::WakeUps;
use config::{Automations, Secrets, Settings};
use dispatcher::http::api::{self, AdminToken};
use dispatcher::http::worker::git;
use dispatcher::links::{Tracker, Trackers};
use dispatcher::rules::{LoadError, RuleSet};
use dispatcher::{AutomationsRepository, Dispatcher, GateKey, Retention};
use forge::Directory;
use forge::git_http::GitHttp;
use ingress::ConnectionLimits;
use schemas::{Clock, ConnectionName, WorkerName};
use secrecy::SecretString;
use store::Store;
use telemetry::metrics::Meters;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::data_dir::DataDir;
use super::local_worker::{self, LocalWorker};
use super::ready::{self, Health, MetricsText, WorkerState};
use super::{credentials, deciding, explained, reload, routes};
use crate::database;
use crate::lifecycle::Stop;

/// How often gauges are read.
const GAUGES: Duration = Duration::from_secs(5);
/// Work items that are written to at the same time.
const WRITES_AT_ONCE: usize = 8;
/// After an unclear write, when to look whether it happened. GitHub's lists were seen to lag by seconds.
const SETTLE: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(20)];

/// Where the automations of a start come from.
pub enum Start {
    /// A folder, and what it holds.
    Folder(PathBuf, Result<RuleSet, LoadError>),
    /// A repository, which is asked while everything runs already.
    Repository,
}

/// Everything that runs in this process.
pub struct Parts {
    dispatcher: Arc<Dispatcher>,
    queue: Arc<Queue>,
    store: Store,
    clock: Arc<dyn Clock>,
    meters: Meters,
    wake_ups: WakeUps,
    secrets: Secrets,
    webhooks: Router,
    token: AdminToken,
    worker_state: WorkerState,
    worker_dir: PathBuf,
    publishing: CancellationToken,
}

impl Parts {
    /// Opens databases and clients; nothing runs yet.
    pub async fn open(
        settings: &Settings,
        secrets: Secrets,
        data_dir: &DataDir,
        clock: Arc<dyn Clock>,
        meters: Meters,
    ) -> miette::Result<Self> {
        let config::Broker::Embedded { max_bytes } = settings.broker;
        let limits = QueueLimits { max_bytes, ..QueueLimits::default() };
        let queue_path = data_dir.join("queue.db");
        let address = database::address(settings, secrets.database.as_ref());
        let (queue, store) = tokio::join!(Queue::open(&queue_path, limits), Store::open(&address));
        let queue = queue.context("the embedded queue cannot be opened").map_err(explained)?;
        let store = store.map_err(|error| {
            let what = store::chain(&error);
            miette::miette!(help = database::remedy(&error), "the database cannot be opened: {what}")
        })?;
        for warning in settings.warnings() {
            tracing::warn!("{warning}");
        }
        let webhooks = routes::router(settings, &secrets, queue.publisher(), &clock, meters.clone())?;
        let forges = credentials::forges(settings, &secrets.connections).map_err(explained)?;
        let token = data_dir.secret("admin.token", || clock.secret_bytes()).map_err(explained)?;
        let gate_key = data_dir.secret("gate.key", || clock.secret_bytes()).map_err(explained)?;
        let wake_ups = WakeUps::default();
        let gate_key = GateKey::new(&gate_key).ok_or_else(|| miette::miette!("gate.key is empty"))?;
        let directories = credentials::directories(settings, &secrets.connections).map_err(explained)?;
        let name = data_dir.secret("dispatcher.name", || clock.secret_bytes()).map_err(explained)?;
        let told = dispatcher_settings(settings, name, gate_key, directories);
        let dispatcher = Dispatcher::new(
            told,
            store.clone(),
            forges,
            Arc::clone(&clock),
            wake_ups.clone(),
            queue.publisher(),
            meters.clone(),
        );
        Ok(Self {
            dispatcher: Arc::new(dispatcher),
            queue: Arc::new(queue),
            store,
            clock,
            meters,
            wake_ups,
            secrets,
            webhooks,
            token: AdminToken::new(&token),
            worker_state: WorkerState::default(),
            worker_dir: data_dir.join("worker"),
            publishing: CancellationToken::new(),
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
        self.dispatcher
            .forget_worker(&WorkerName::from(local_worker::NAME))
            .await
            .context("runs of the last start cannot be taken back")
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
                meters.queue_depth(queue.depth().rows);
                if let Ok(leases) = store.leases().await {
                    meters.runs_active(leases.len() as u64);
                }
                tokio::time::sleep(GAUGES).await;
            }
        }));
    }

    /// Starts the worker; the task ends when its last job did.
    pub fn spawn_worker(&self, settings: &Settings, stop: &Stop) -> tokio::task::JoinHandle<()> {
        LocalWorker {
            control: Arc::<Dispatcher>::clone(&self.dispatcher),
            clock: Arc::clone(&self.clock),
            state: self.worker_state.clone(),
            wake_up: local_worker::wake_up(&self.wake_ups, &stop.soft),
            data_dir: self.worker_dir.clone(),
            masked: self.masked(),
        }
        .spawn(settings, stop)
    }

    /// Every secret of this process, to be masked in what commands print: should one ever reach a
    /// sandbox, it does not reach a log.
    fn masked(&self) -> Vec<SecretString> {
        let webhooks = self.secrets.webhooks.values().flat_map(config::Proof::secrets);
        let connections = self.secrets.connections.values().map(config::Credential::secret);
        webhooks.chain(connections).chain(&self.secrets.database).cloned().collect()
    }

    /// The webhook routes.
    pub fn webhooks(&self) -> Router {
        self.webhooks.clone()
    }

    /// The API's routes.
    pub fn api(&self) -> Router {
        api::router(Arc::clone(&self.dispatcher), self.token.clone())
    }

    /// The git gate's routes.
    pub fn git_gate(&self) -> Router {
        git::router(Arc::clone(&self.dispatcher), GitHttp::new())
    }

    /// Health, readiness and metrics.
    pub fn health(&self, metrics: MetricsText) -> Router {
        ready::router(Health {
            dispatcher: Arc::clone(&self.dispatcher),
            queue: Arc::clone(&self.queue),
            worker: self.worker_state.clone(),
            metrics,
        })
    }

    /// Lets the publisher end once its calls are done, and open streams of the API at once.
    pub fn stop_publishing(&self) {
        self.dispatcher.end_streams();
        self.publishing.cancel();
    }

    /// Closes the databases.
    pub async fn close(self) {
        let Self { queue, store, dispatcher, webhooks, .. } = self;
        drop((dispatcher, webhooks));
        if let Ok(queue) = Arc::try_unwrap(queue) {
            queue.close().await;
        }
        if let Err(error) = store.close().await {
            tracing::warn!(%error, "the database was not closed in order");
        }
    }
}

fn dispatcher_settings(
    settings: &Settings,
    name: String,
    gate_key: GateKey,
    directories: BTreeMap<ConnectionName, Arc<dyn Directory>>,
) -> dispatcher::Settings {
    let repositories = settings.clone();
    dispatcher::Settings {
        name,
        webhooks: deciding::readings(settings),
        routing: deciding::routing(settings),
        directories,
        trackers: trackers(settings),
        repository_setup: Box::new(move |repo| repositories.repository(repo)),
        automations: match &settings.automations {
            Automations::Folder(_) => None,
            Automations::Repository { repository, path, branch } => Some(AutomationsRepository {
                repository: repository.clone(),
                path: path.clone(),
                branch: branch.clone(),
            }),
        },
        lease: settings.runs.lease,
        lost_retries: 1,
        settle: SETTLE.to_vec(),
        writes_at_once: WRITES_AT_ONCE,
        gate_key,
        gate_url: format!("http://{}/worker/v1/git", reachable(settings.listen.worker())),
        commit_author: ("Pullwright".to_owned(), "pullwright@localhost".to_owned()),
    }
}

/// Whose pages texts may point to.
fn trackers(settings: &Settings) -> Trackers {
    let connections = settings.connections.iter().filter(|(_, connection)| !connection.has_repositories());
    let tracker =
        |connection: &config::Connection| Tracker { kind: connection.kind, url: connection.url.clone() };
    connections.map(|(name, connection)| (name.clone(), tracker(connection))).collect()
}

/// An address that this machine reaches itself by, for one that listens everywhere.
fn reachable(mut address: std::net::SocketAddr) -> std::net::SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// What a connection may be.
pub fn connection_limits(settings: &Settings) -> ConnectionLimits {
    ConnectionLimits {
        connections: settings.intake.max_connections as usize,
        header_timeout: settings.intake.header_timeout,
        ..ConnectionLimits::default()
    }
}
