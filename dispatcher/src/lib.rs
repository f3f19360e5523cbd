//! The control plane: decides what an event starts, owns the truth about runs, writes to forges.
//!
//! Deliveries come in through [`Dispatcher::consume`], workers through [`schemas::ControlPlane`],
//! people through [`http::api`]. The loops of [`Dispatcher::tend`] take no input: they look at the
//! database and do what is due, so that a crash at any moment costs time and nothing else.

mod active;
pub mod admit;
mod backtest;
pub mod commands;
pub mod condition;
mod consume;
mod control;
pub mod decide;
mod firing;
mod gather;
pub mod http;
pub mod interpolate;
pub mod links;
mod portions;
mod publish;
mod reap;
mod redeliver;
mod replay;
mod results;
mod retain;
pub mod rules;
pub mod schedule;
pub mod trial;
pub mod words;
mod workers;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use artifacts::Artifacts;
use broker::Publisher;
use broker::wake::WakeUps;
use forge::{Directory, Forge};
use schemas::event::SourceKind;
use schemas::mapping::Mapping;
use schemas::run::RepositorySetup;
use schemas::{Clock, ConnectionName, Intent, RepoRef, RunId, WebhookName};
use store::Store;
use telemetry::metrics::Meters;
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;

use decide::Context;
use decide::facts::FactFinder;
use decide::routing::Routing;

pub use active::{AutomationsRepository, Pulled};
pub use consume::ConsumeEnd;
pub use control::CancelAnswer;
pub use control::git_token::GateKey;
pub use firing::LastLook;
pub use reap::Watches;
pub use redeliver::HookLooks;
pub use replay::{ReplayError, Replayed};
pub use results::NotDropped;
pub use retain::Retention;
pub use workers::{Invitation, WorkerRefused};

/// How the deliveries of one webhook are read.
#[derive(Debug, Clone)]
pub struct WebhookReading {
    /// What sends them.
    pub kind: SourceKind,
    /// The connection that its events belong to.
    pub connection: ConnectionName,
    /// Where a body of [`SourceKind::Generic`] holds what.
    pub mapping: Option<Mapping>,
}

/// What the dispatcher is told once, at start.
pub struct Settings {
    /// What this dispatcher is known by among those on the same database: no two at a time have one
    /// name, and whoever comes back under it goes on with what it left.
    pub name: String,
    /// What each webhook's deliveries are, and the connection they belong to.
    pub webhooks: BTreeMap<WebhookName, WebhookReading>,
    /// Where work goes that names no repository.
    pub routing: Routing,
    /// Trackers that know groups and roles.
    pub directories: BTreeMap<ConnectionName, Arc<dyn Directory>>,
    /// What configuration adds to a repository.
    pub repository_setup: Box<dyn Fn(&RepoRef) -> RepositorySetup + Send + Sync>,
    /// The trackers that texts may point to.
    pub trackers: links::Trackers,
    /// Where automations are pulled from, if not from a folder.
    pub automations: Option<AutomationsRepository>,
    /// How long a worker keeps a run without a heartbeat.
    pub lease: Duration,
    /// How often a run is given to another worker after one was lost.
    pub lost_retries: u32,
    /// After an unclear write, when to look whether it happened; then it is tried again.
    pub settle: Vec<Duration>,
    /// Work items that are written to at the same time.
    pub writes_at_once: usize,
    /// Where results are kept until they are published.
    pub artifacts: Artifacts,
    /// Signs the tokens that workers show to the git gate.
    pub gate_key: GateKey,
    /// Where workers reach the git gate: the address of `/worker/v1/git`.
    pub gate_url: String,
    /// Author and committer of commits.
    pub commit_author: (String, String),
}

/// The control plane of one process.
pub struct Dispatcher {
    settings: Settings,
    store: Store,
    forges: BTreeMap<ConnectionName, Arc<dyn Forge>>,
    facts: FactFinder,
    active: active::Active,
    firing: firing::Firing,
    /// This installation's id, once read.
    instance: OnceCell<String>,
    clock: Arc<dyn Clock>,
    wake_ups: WakeUps,
    /// Where replays go: the queue that ingress stores in, so that they keep their place among what arrives.
    deliveries: Arc<dyn Publisher>,
    meters: Meters,
    /// Ends answers that would go on for ever.
    streams: CancellationToken,
    /// Why deliveries may not arrive.
    hook_problems: redeliver::HookProblems,
    /// Runs that a claim is looking at.
    claiming: Mutex<HashSet<RunId>>,
    /// Rung when intents were planned.
    publish: Notify,
}

impl Dispatcher {
    /// A control plane over these parts, with no automations yet.
    #[must_use]
    pub fn new(
        settings: Settings,
        store: Store,
        forges: BTreeMap<ConnectionName, Arc<dyn Forge>>,
        clock: Arc<dyn Clock>,
        wake_ups: WakeUps,
        deliveries: Arc<dyn Publisher>,
        meters: Meters,
    ) -> Self {
        let directories = settings.directories.clone();
        let facts = FactFinder::new(forges.clone(), directories, store.clone(), Arc::clone(&clock));
        Self {
            settings,
            store,
            forges,
            facts,
            active: active::Active::new(),
            firing: firing::Firing::default(),
            instance: OnceCell::new(),
            clock,
            wake_ups,
            deliveries,
            meters,
            streams: CancellationToken::new(),
            hook_problems: redeliver::HookProblems::default(),
            claiming: Mutex::default(),
            publish: Notify::new(),
        }
    }

    /// This installation's id, made at its first start: what tells its markers from those of others.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn instance(&self) -> Result<&str, store::StoreError> {
        let read = || async {
            if let Some(id) = self.store.instance().await? {
                return Ok(id);
            }
            let tx = self.store.begin().await?;
            tx.name_instance(&self.clock.fresh_id().simple().to_string()).await?;
            tx.commit().await?;
            let missing = || store::StoreError::Missing { what: "the installation's id".to_owned() };
            self.store.instance().await?.ok_or_else(missing)
        };
        self.instance.get_or_try_init(read).await.map(String::as_str)
    }

    /// What decisions hang on besides events and facts.
    async fn context(&self) -> Result<Context, store::StoreError> {
        Ok(Context {
            instance: self.instance().await?.to_owned(),
            accounts: self.facts.accounts(),
            routing: self.settings.routing.clone(),
        })
    }

    /// Ends the API's streams, which would hold a stopping server up; their clients come again.
    pub fn end_streams(&self) {
        self.streams.cancel();
    }

    /// The database, for `/readyz`.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Of every pool: which one's work there is, who asks finds out.
    fn wake_workers(&self) {
        self.wake_ups.wake_all();
    }

    /// The forge that a write goes to. Where merge requests have numbers of their own, it is the one
    /// that takes a number for theirs, when the write is about one.
    fn forge_for(&self, intent: &Intent) -> Result<Arc<dyn Forge>, forge::ForgeError> {
        let forge = self.forge(&intent.repository.connection)?;
        let prefix = format!("{}:{}!", intent.repository.connection, intent.repository.path);
        let about_merge_request = intent.work_item.as_str().starts_with(&prefix);
        let apart = about_merge_request.then(|| forge.for_merge_requests()).flatten();
        Ok(apart.unwrap_or_else(|| Arc::clone(forge)))
    }

    fn forge(&self, connection: &ConnectionName) -> Result<&Arc<dyn Forge>, forge::ForgeError> {
        self.forges
            .get(connection)
            .ok_or_else(|| forge::ForgeError::NotFound { what: format!("the connection `{connection}`") })
    }
}

/// The first letters of a hash, for people.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
