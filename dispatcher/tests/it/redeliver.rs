//! Deliveries that were missed while we were down come again, and only those.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use broker::fake::MemoryQueue;
use broker::wake::WakeUps;
use dispatcher::decide::routing::Routing;
use dispatcher::{Dispatcher, GateKey, HookLooks, Settings, WebhookReading};
use forge::Forge;
use forge::github::{GitHub, GitHubAuth, GitHubSettings};
use forge::gitlab::{GitLab, GitLabSettings};
use forge_sim::{Fault, FaultOrder, Permission, Sim, SimOptions};
use schemas::clock::FakeClock;
use schemas::delivery::Body;
use schemas::event::SourceKind;
use schemas::run::RepositorySetup;
use schemas::trace::TraceContext;
use schemas::{Clock, ConnectionName, Delivery, DeliveryId, RepoRef, SystemClock, WebhookName};
use store::{DeliveryStatus, NewDelivery, Store};
use telemetry::metrics::Meters;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Three hours.
const LATER: Duration = Duration::from_secs(3 * 3600);

struct World {
    dispatcher: Arc<Dispatcher>,
    sim: Sim,
    clock: Arc<FakeClock>,
    store: Store,
    /// The guids that the receiver accepted, in order.
    inbox: mpsc::UnboundedReceiver<String>,
    looks: HookLooks,
    repositories: Vec<RepoRef>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(|url| github(url, "sim-token")).await
    }

    async fn with(forge: impl FnOnce(&str) -> (&'static str, SourceKind, Arc<dyn Forge>)) -> Self {
        // Not any time: an App's token carries the machine's.
        let clock = Arc::new(FakeClock::new(SystemClock::new().now(), 1));
        let sim_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let sim = Sim::start(SimOptions { clock: sim_clock, ..SimOptions::default() }).await.unwrap();
        sim.create_repo("acme", "api", &[("README.md", "hello\n")]).await.unwrap();
        sim.create_issue("acme", "api", "ana", "It breaks", "", &[]).unwrap();
        let (name, kind, forge) = forge(&sim.url);
        let connection = ConnectionName::from(name);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("store.db")).await.unwrap();
        let reading = WebhookReading { kind, connection: connection.clone(), mapping: None };
        let settings = Settings {
            name: "one".into(),
            webhooks: BTreeMap::from([(WebhookName::from("hook"), reading)]),
            routing: Routing::default(),
            directories: BTreeMap::new(),
            repository_setup: Box::new(|_| RepositorySetup::default()),
            trackers: dispatcher::links::Trackers::default(),
            automations: None,
            lease: Duration::from_secs(60),
            lost_retries: 1,
            settle: Vec::new(),
            writes_at_once: 8,
            artifacts: artifacts::Artifacts::in_memory(),
            gate_key: GateKey::new("test").unwrap(),
            gate_url: "http://gate".into(),
            commit_author: ("Pullwright".into(), "pullwright@localhost".into()),
        };
        let dispatcher = Dispatcher::new(
            settings,
            store.clone(),
            BTreeMap::from([(connection.clone(), forge)]),
            Arc::clone(&clock) as Arc<dyn Clock>,
            WakeUps::default(),
            Arc::new(MemoryQueue::default()),
            Meters::global(),
        );
        let (url, inbox) = receiver().await;
        sim.add_webhook(&url, "s3cret", &["issues"]);
        let repositories = vec![RepoRef::new(&connection, "acme/api").unwrap()];
        let (dispatcher, looks) = (Arc::new(dispatcher), HookLooks::default());
        Self { dispatcher, sim, clock, store, inbox, looks, repositories, _folder: folder }
    }

    fn down(&self, times: u32) {
        let order = FaultOrder::once("POST", "*/webhooks/hook", Fault::TargetDown).times(times);
        self.sim.fault(order).unwrap();
    }

    /// Something happens that the webhook is told of.
    async fn happen(&self, label: &str) {
        self.sim.label_issue("acme", "api", 1, label, "ana").unwrap();
        self.sim.delivered().await;
    }

    /// One round, and what came of it: how many were asked for, and what arrived.
    async fn round(&mut self) -> (usize, Vec<String>) {
        let asked = self.dispatcher.redeliver_once(&mut self.looks, &self.repositories).await;
        self.sim.delivered().await;
        (asked, self.arrived())
    }

    fn arrived(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.inbox.try_recv().ok()).collect()
    }

    /// The guids of all deliveries, in the order of their first attempts.
    fn guids(&self) -> Vec<String> {
        let first = self.sim.deliveries().into_iter().filter(|d| !d.redelivery);
        first.map(|d| d.guid).collect()
    }

    fn sentences(&self) -> Vec<String> {
        self.dispatcher.hook_problems().into_iter().map(|(_, sentence)| sentence).collect()
    }
}

fn github(url: &str, token: &str) -> (&'static str, SourceKind, Arc<dyn Forge>) {
    let auth = GitHubAuth::Token(token.to_owned().into());
    let settings = GitHubSettings { url: url.to_owned(), auth, ca_file: None };
    ("github", SourceKind::Github, Arc::new(GitHub::connect(settings).unwrap()))
}

/// Accepts all it gets.
async fn receiver() -> (String, mpsc::UnboundedReceiver<String>) {
    let (sender, inbox) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/hook", listener.local_addr().unwrap());
    let receive = move |headers: HeaderMap| async move {
        sender.send(headers["x-github-delivery"].to_str().unwrap().to_owned()).unwrap();
        StatusCode::ACCEPTED
    };
    let router = Router::new().route("/webhooks/hook", post(receive));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

#[tokio::test]
async fn what_was_missed_comes_again_and_nothing_else() {
    let mut world = World::new().await;
    world.happen("before").await;
    world.down(3);
    for label in ["one", "two", "three"] {
        world.happen(label).await;
        world.clock.advance(Duration::from_secs(60));
    }
    world.happen("after").await;
    let guids = world.guids();
    assert_eq!(world.arrived(), [guids[0].clone(), guids[4].clone()]);

    // Oldest first, each once.
    assert_eq!(world.round().await, (3, guids[1..4].to_vec()));
    assert_eq!(world.round().await, (0, vec![]));
    world.clock.advance(LATER);
    assert_eq!(world.round().await, (0, vec![]));
    assert!(world.sentences().is_empty());
}

#[tokio::test]
async fn one_that_fails_again_is_asked_for_in_the_next_round() {
    let mut world = World::new().await;
    world.down(2);
    world.happen("one").await;
    let guid = world.guids().remove(0);
    assert_eq!(world.round().await, (1, vec![]));
    world.clock.advance(LATER);
    assert_eq!(world.round().await, (1, vec![guid]));
    assert_eq!(world.round().await, (0, vec![]));
}

#[tokio::test]
async fn what_is_stored_is_not_asked_for() {
    let mut world = World::new().await;
    // It was stored, and the answer never reached the forge.
    world.down(2);
    world.happen("stored").await;
    world.happen("missed").await;
    let guids = world.guids();
    let now = world.clock.now();
    let delivery = Delivery {
        id: DeliveryId::fresh(&*world.clock),
        webhook: WebhookName::from("hook"),
        received_at: now,
        headers: BTreeMap::new(),
        body: Body::compress(b"{}"),
        trace: TraceContext::default(),
        replay_of: None,
    };
    let row = NewDelivery {
        delivery,
        status: DeliveryStatus::Decided,
        duplicate_of: None,
        error: None,
        rule_set: None,
        event: None,
        keys: vec![format!("id:hook:{}", guids[0])],
    };
    let tx = world.store.begin().await.unwrap();
    tx.insert_deliveries(&[row], now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.round().await, (1, vec![guids[1].clone()]));
}

#[tokio::test]
async fn three_days_are_the_limit() {
    let mut world = World::new().await;
    world.down(2);
    world.happen("too old").await;
    world.clock.advance(Duration::from_secs(2 * 86_400));
    world.happen("in time").await;
    world.clock.advance(Duration::from_secs(86_400 + 60));
    let guids = world.guids();
    assert_eq!(world.round().await, (1, vec![guids[1].clone()]));
}

#[tokio::test]
async fn a_round_is_bounded_and_the_next_goes_on() {
    let mut world = World::new().await;
    world.down(300);
    for n in 0..300 {
        world.sim.label_issue("acme", "api", 1, &n.to_string(), "ana").unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    world.sim.delivered().await;
    let guids = world.guids();
    assert_eq!(guids.len(), 300);
    let (asked, arrived) = world.round().await;
    assert_eq!((asked, arrived.len()), (250, 250));
    let (asked, last) = world.round().await;
    assert_eq!((asked, last.len()), (50, 50));
    let mut all: Vec<String> = arrived.into_iter().chain(last).collect();
    all.sort();
    let mut expected = guids;
    expected.sort();
    assert_eq!(all, expected);
}

/// One that is refused for ever must not keep the others waiting.
#[tokio::test]
async fn those_never_asked_for_come_first() {
    let mut world = World::new().await;
    world.down(1_000);
    for n in 0..260 {
        world.sim.label_issue("acme", "api", 1, &n.to_string(), "ana").unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(world.round().await.0, 250);
    let guids = world.guids();
    world.clock.advance(LATER);
    let before = world.sim.deliveries().len();
    assert_eq!(world.round().await.0, 250);
    let second: Vec<String> = world.sim.deliveries()[before..].iter().map(|d| d.guid.clone()).collect();
    assert_eq!(second[..10], guids[250..]);
}

#[tokio::test]
async fn a_hook_to_somewhere_else_is_none_of_ours() {
    let mut world = World::new().await;
    world.sim.add_webhook("http://127.0.0.1:1/webhooks/other", "k", &["issues"]);
    world.sim.add_webhook("http://127.0.0.1:1/ci", "k", &["issues"]);
    world.happen("one").await;
    assert_eq!(world.arrived().len(), 1);
    assert_eq!(world.round().await, (0, vec![]));
}

#[tokio::test]
async fn missing_rights_become_a_sentence() {
    let mut world = World::with(|url| github(url, "writer-token")).await;
    world.sim.add_user("writer", "acme", "api", Permission::Write).unwrap();
    world.sim.add_token("writer", "writer-token");
    world.down(1);
    world.happen("one").await;
    world.repositories.push("github/acme/none".parse().unwrap());
    assert_eq!(world.round().await.0, 0);
    let told = world.sentences();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("the webhooks of github/acme/api cannot be looked after"), "{}", told[0]);
    assert!(told[0].contains("forbids it") && told[0].contains("`admin:repo_hook`"), "{}", told[0]);
    assert!(told[1].contains("github/acme/none") && told[1].contains("not found"), "{}", told[1]);
    // Once the rights are there it is in order again, and what was missed comes.
    world.sim.add_user("writer", "acme", "api", Permission::Admin).unwrap();
    world.repositories.pop();
    assert_eq!(world.round().await.0, 1);
    assert!(world.sentences().is_empty());
}

#[tokio::test]
async fn an_outage_of_the_forge_is_waited_out() {
    let mut world = World::new().await;
    world.down(1);
    world.happen("one").await;
    let order = FaultOrder::once("GET", "*/deliveries", Fault::Status { status: 502 });
    world.sim.fault(order).unwrap();
    assert_eq!(world.round().await.0, 0);
    assert!(world.sentences()[0].contains("does not answer"), "{:?}", world.sentences());
    let limit = Fault::RateLimited { retry_after: Some(60), status: 403 };
    world.sim.fault(FaultOrder::once("POST", "*/attempts", limit)).unwrap();
    assert_eq!(world.round().await.0, 0);
    assert!(world.sentences()[0].contains("slow down"), "{:?}", world.sentences());
    assert_eq!(world.round().await.0, 1);
    assert!(world.sentences().is_empty());
}

#[tokio::test]
async fn the_loop_asks_at_once_and_ends_when_told() {
    let world = World::new().await;
    world.down(1);
    world.happen("one").await;
    let guid = world.guids().remove(0);
    let stop = CancellationToken::new();
    let (dispatcher, repositories) = (Arc::clone(&world.dispatcher), world.repositories.clone());
    let until = stop.clone();
    let task = tokio::spawn(async move { dispatcher.redeliver(repositories, until).await });
    let mut inbox = world.inbox;
    assert_eq!(inbox.recv().await, Some(guid));
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn hooks_that_gitlab_switched_off_are_named() {
    let mut world = World::with(|url| {
        let token = "sim-token".to_owned().into();
        let settings = GitLabSettings { url: url.to_owned(), token, ca_file: None };
        ("gitlab", SourceKind::Gitlab, Arc::new(GitLab::connect(settings).unwrap()))
    })
    .await;
    let there = world.sim.gitlab();
    there.create_project("acme/api", "sim-user", &[("README.md", "hello\n")]).await.unwrap();
    there.add_hook("acme/api", "https://pw.acme.dev/webhooks/hook", "disabled", None).unwrap();
    there.add_hook("acme/api", "https://ci.acme.dev/webhooks/ci", "disabled", None).unwrap();
    assert_eq!(world.round().await.0, 0);
    let told = world.dispatcher.hook_problems();
    assert_eq!((told.len(), told[0].0.as_str()), (1, "gitlab"));
    assert!(told[0].1.contains("switched off") && told[0].1.contains("`hook`"), "{}", told[0].1);
    world.sim.gitlab().change("acme/api", |p| p.hooks.clear()).unwrap();
    world.round().await;
    assert!(world.sentences().is_empty());
    world.sim.gitlab().set_member("acme/api", "sim-user", 30).unwrap();
    world.round().await;
    assert!(world.sentences()[0].contains("Maintainer"), "{:?}", world.sentences());
}
