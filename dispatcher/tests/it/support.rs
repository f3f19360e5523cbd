//! A dispatcher on a real database, a fake forge and a clock that moves when told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use broker::fake::MemoryQueue;
use broker::wake::WakeUps;
use chrono::{DateTime, Utc};
use dispatcher::decide::routing::Routing;
use dispatcher::rules::load_texts;
use dispatcher::{Dispatcher, GateKey, Settings, WebhookReading};
use forge::Forge;
use schemas::automation::Permission;
use schemas::clock::FakeClock;
use schemas::control::Claim;
use schemas::event::{Actor, ActorKind, Event, EventType, Item, Repository, SourceKind};
use schemas::run::RepositorySetup;
use schemas::{Clock, ConnectionName, DeliveryId, RepoRef, Untrusted, WebhookName, WorkItem, WorkerName};
use store::{Address, Store};
use telemetry::metrics::Meters;
use tokio_util::sync::CancellationToken;

use crate::fake_forge::FakeForge;
use crate::server::Server;

pub const FIX: &str = "
version: 1
automations:
  - name: fix
    on: [{ source: github, event: issue.labeled, label_command: 'agent:fix' }]
    run: { commands: ['true'] }
    output: { pull_request: {} }
";

pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

pub fn github() -> ConnectionName {
    ConnectionName::from("github")
}

pub fn repo() -> RepoRef {
    RepoRef::new(&github(), "acme/api").unwrap()
}

/// An `issue.labeled` event by `ana` on `acme/api#12`.
pub fn labeled(label: &str) -> Event {
    let id = DeliveryId(uuid::Uuid::from_u128(7));
    Event {
        time: Some(at("2026-11-21T10:00:00Z")),
        work_item: Some(WorkItem::from("github:acme/api#12")),
        repository: Some(Repository { name: repo(), default_branch: Some("main".into()) }),
        actor: Some(Actor { id: "1".into(), login: "ana".into(), kind: ActorKind::Human }),
        item: Some(Item {
            key: "12".into(),
            title: Untrusted::from("Crash on empty input"),
            body: Untrusted::from("Steps: …"),
            labels: vec![Untrusted::from(label)],
            ..Item::default()
        }),
        label: Some(Untrusted::from(label)),
        ..Event::new(id, SourceKind::Github, github(), EventType::IssueLabeled)
    }
}

/// Another dispatcher on a database, which hears nothing itself.
pub fn on_store(store: &Store, forge: &Arc<FakeForge>, clock: &Arc<FakeClock>) -> Arc<Dispatcher> {
    dispatcher_on(store, forge, clock, &[], &MemoryQueue::default())
}

fn dispatcher_on(
    store: &Store,
    forge: &Arc<FakeForge>,
    clock: &Arc<FakeClock>,
    webhooks: &[(&str, SourceKind, &str)],
    queue: &MemoryQueue,
) -> Arc<Dispatcher> {
    let forges: BTreeMap<_, Arc<dyn Forge>> =
        BTreeMap::from([(github(), Arc::clone(forge) as Arc<dyn Forge>)]);
    Arc::new(Dispatcher::new(
        settings(webhooks),
        store.clone(),
        forges,
        Arc::clone(clock) as Arc<dyn Clock>,
        WakeUps::default(),
        Arc::new(queue.clone()),
        Meters::global(),
    ))
}

pub struct World {
    pub dispatcher: Arc<Dispatcher>,
    pub forge: Arc<FakeForge>,
    pub clock: Arc<FakeClock>,
    pub store: Store,
    /// Where replays go.
    pub queue: MemoryQueue,
    /// Where its database is.
    pub address: Address,
    _folder: Option<tempfile::TempDir>,
}

/// What a dispatcher is told that hears these webhooks: name, kind, connection.
fn settings(webhooks: &[(&str, SourceKind, &str)]) -> Settings {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    Settings {
        name: format!("dispatcher {}", NUMBER.fetch_add(1, Ordering::Relaxed)),
        webhooks: webhooks
            .iter()
            .map(|(name, kind, connection)| {
                let connection = ConnectionName::from(*connection);
                (WebhookName::from(*name), WebhookReading { kind: *kind, connection, mapping: None })
            })
            .collect(),
        routing: Routing::default(),
        directories: BTreeMap::new(),
        repository_setup: Box::new(|_| RepositorySetup {
            protected_paths: vec![".github/**".into()],
            ..RepositorySetup::default()
        }),
        trackers: dispatcher::links::Trackers::default(),
        automations: None,
        lease: Duration::from_secs(60),
        lost_retries: 1,
        settle: vec![Duration::ZERO, Duration::ZERO],
        writes_at_once: 8,
        artifacts: artifacts::Artifacts::in_memory(),
        gate_key: GateKey::new("test").unwrap(),
        gate_url: "http://gate".into(),
        commit_author: ("Pullwright".into(), "pullwright@localhost".into()),
    }
}

impl World {
    /// With GitHub's webhook alone.
    pub async fn new(automations: &str) -> Self {
        Self::hearing(automations, &[("github", SourceKind::Github, "github")]).await
    }

    /// With webhooks: name, kind, connection. The forge is GitHub's.
    pub async fn hearing(automations: &str, webhooks: &[(&str, SourceKind, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = match Server::named() {
            Some(server) => Address::Postgres(server.database().await),
            None => Address::Sqlite(folder.path().join("store.db")),
        };
        Self { _folder: Some(folder), ..Self::on(&address, 1, automations, webhooks).await }
    }

    /// On a database that may be another dispatcher's, too; then its ids need a seed of their own.
    pub async fn on(
        address: &Address,
        seed: u64,
        automations: &str,
        webhooks: &[(&str, SourceKind, &str)],
    ) -> Self {
        let store = Store::open(address).await.unwrap();
        let clock = Arc::new(FakeClock::new(at("2026-11-21T10:00:00Z"), seed));
        let forge = Arc::new(FakeForge::default());
        forge.allow("ana", Permission::Write);
        forge.set_head("main", &"a".repeat(40));
        let queue = MemoryQueue::default();
        let dispatcher = dispatcher_on(&store, &forge, &clock, webhooks, &queue);
        let set = load_texts(BTreeMap::from([("a.yaml".to_owned(), automations.to_owned())])).unwrap();
        dispatcher.activate(set).await.unwrap();
        let address = address.clone();
        Self { dispatcher, forge, clock, store, queue, address, _folder: None }
    }

    /// A second dispatcher on the same database, through connections of its own.
    pub async fn second(&self, automations: &str) -> Arc<Dispatcher> {
        let store = Store::open(&self.address).await.unwrap();
        let webhooks = [("github", SourceKind::Github, "github"), ("app", SourceKind::Github, "github")];
        let second = dispatcher_on(&store, &self.forge, &self.clock, &webhooks, &self.queue);
        let set = load_texts(BTreeMap::from([("a.yaml".to_owned(), automations.to_owned())])).unwrap();
        second.activate(set).await.unwrap();
        second
    }

    /// Takes everything from the queue.
    pub async fn decide(&self) {
        let stop = CancellationToken::new();
        let acked = async {
            while self.queue.depth() > 0 {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        tokio::join!(self.dispatcher.consume(self.queue.consumer(), stop.clone()), acked);
    }

    pub fn claim(&self, nonce: &str) -> Claim {
        Claim { worker: WorkerName::from("w"), nonce: nonce.into() }
    }
}
