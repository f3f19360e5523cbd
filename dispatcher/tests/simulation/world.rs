//! All parts on one clock. What happens next is drawn; what happened is kept, for whoever has to
//! understand a seed that failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker::fake::{MemoryConsumer, MemoryQueue};
use broker::wake::WakeUps;
use broker::{ConsumeError, Consumer, Position, Publisher, Received};
use chrono::{DateTime, TimeDelta, Utc};
use dispatcher::decide::routing::Routing;
use dispatcher::links::Trackers;
use dispatcher::rules::load_texts;
use dispatcher::{Dispatcher, GateKey, Settings, Watches, WebhookReading};
use forge::Forge;
use forge_sim::payload::{LabeledIssue, issues_labeled};
use schemas::clock::FakeClock;
use schemas::delivery::{Body, Delivery};
use schemas::event::SourceKind;
use schemas::run::{RepositorySetup, RunState};
use schemas::trace::TraceContext;
use schemas::{Clock, ConnectionName, DeliveryId, RunId, WebhookName};
use store::Store;
use telemetry::metrics::Meters;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::forge::SimForge;
use crate::promises::Promises;
use crate::random::Random;
use crate::worker::{Happened, Worker};

pub const LEASE: Duration = Duration::from_secs(20);
/// Between two looks of the sweeper and two heartbeats.
const TICK: Duration = Duration::from_secs(4);
const WORKERS: usize = 3;
const ISSUES: u64 = 3;
const AUTOMATIONS: &str = "
version: 1
automations:
  - name: fix
    on: [{ source: github, event: issue.labeled, label_command: 'agent:fix' }]
    run: { commands: ['true'] }
    output: { pull_request: { labels: [agent] } }
";

/// An event in the world; it may be told more than once.
#[derive(Debug, Clone)]
struct Happening {
    issue: u64,
    at: DateTime<Utc>,
    guid: u64,
}

pub struct World {
    pub store: Store,
    pub clock: Arc<FakeClock>,
    pub forge: Arc<SimForge>,
    pub queue: MemoryQueue,
    pub random: Random,
    pub workers: Vec<Worker>,
    pub promises: Promises,
    pub history: Vec<String>,
    /// How often the dispatcher died.
    pub deaths: u64,
    dispatcher: Option<Arc<Dispatcher>>,
    watches: Watches,
    happenings: Vec<Happening>,
    folder: tempfile::TempDir,
}

impl World {
    pub async fn new(seed: u64) -> Self {
        // What is simulated is not the disk.
        let memory = std::path::Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::tempdir_in(parent).unwrap();
        let store = Store::open_sqlite(&folder.path().join("store.db")).await.unwrap();
        let mut random = Random::new(seed);
        let start = "2026-11-21T10:00:00Z".parse().unwrap();
        let mut world = Self {
            store,
            clock: Arc::new(FakeClock::new(start, seed)),
            forge: Arc::new(SimForge::new(Random::new(random.next()))),
            queue: MemoryQueue::default(),
            random,
            workers: (0..WORKERS).map(Worker::new).collect(),
            promises: Promises::default(),
            history: Vec::new(),
            deaths: 0,
            dispatcher: None,
            watches: Watches::default(),
            happenings: Vec::new(),
            folder,
        };
        world.forge.set_faulty(*world.random.one_of(&[0, 10, 30]));
        world.start_dispatcher().await;
        world
    }

    pub fn note(&mut self, what: impl Into<String>) {
        self.history.push(format!("{} {}", self.clock.now().format("%H:%M:%S"), what.into()));
    }

    /// How many events happened, whatever was told of them.
    pub fn happened(&self) -> usize {
        self.happenings.len()
    }

    fn dispatcher_dies(&mut self) {
        self.deaths += u64::from(self.dispatcher.take().is_some());
    }

    async fn start_dispatcher(&mut self) {
        let github = ConnectionName::from("github");
        let reading = |name: &str| {
            let connection = github.clone();
            (WebhookName::from(name), WebhookReading { kind: SourceKind::Github, connection, mapping: None })
        };
        let settings = Settings {
            name: "simulated".to_owned(),
            webhooks: ["github", "app"].map(reading).into(),
            routing: Routing::default(),
            directories: BTreeMap::new(),
            repository_setup: Box::new(|_| RepositorySetup::default()),
            trackers: Trackers::default(),
            automations: None,
            lease: LEASE,
            lost_retries: 1,
            settle: vec![Duration::ZERO, Duration::from_secs(1)],
            writes_at_once: 1,
            artifacts: artifacts::Artifacts::in_memory(),
            gate_key: GateKey::new("simulated").unwrap(),
            gate_url: "http://gate".to_owned(),
            commit_author: ("Pullwright".to_owned(), "pullwright@localhost".to_owned()),
        };
        let forges: BTreeMap<_, Arc<dyn Forge>> =
            [(github, Arc::clone(&self.forge) as Arc<dyn Forge>)].into();
        let dispatcher = Dispatcher::new(
            settings,
            self.store.clone(),
            forges,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            WakeUps::default(),
            Arc::new(self.queue.clone()),
            Meters::global(),
        );
        let set = load_texts([("a.yaml".to_owned(), AUTOMATIONS.to_owned())].into()).unwrap();
        dispatcher.activate(set).await.unwrap();
        self.watches = Watches::default();
        self.dispatcher = Some(Arc::new(dispatcher));
    }

    /// One thing that happens.
    pub async fn act(&mut self) {
        match self.random.below(100) {
            0..8 => self.happen().await,
            8..16 => self.tell_again().await,
            16..32 => self.consume().await,
            32..46 => self.publish().await,
            46..56 => self.pass().await,
            56..84 => self.work().await,
            84..88 => {
                let which = self.any_worker();
                self.note(format!("w{which} dies"));
                self.workers[which].die();
            }
            88..92 => self.freeze_or_thaw().await,
            92..95 => {
                self.note("the dispatcher dies");
                self.dispatcher_dies();
            }
            95..97 => self.cancel().await,
            97..98 => {
                if self.forge.delete_a_comment() {
                    self.promises.a_comment_was_deleted = true;
                    self.note("a person deletes a comment");
                }
            }
            _ => {
                let faulty = *self.random.one_of(&[0, 0, 10, 30]);
                self.note(format!("of the forge's writes {faulty} of 100 go wrong"));
                self.forge.set_faulty(faulty);
            }
        }
    }

    /// A worker that goes on after a stop is where it was: its next call comes before any heartbeat.
    async fn freeze_or_thaw(&mut self) {
        let frozen = |worker: &Worker| worker.frozen;
        if let Some(which) = self.workers.iter().position(frozen) {
            self.note(format!("w{which} goes on"));
            self.workers[which].frozen = false;
            for _ in 0..2 {
                self.call(which).await;
            }
            return;
        }
        if let Some(which) = self.workers.iter().position(Worker::holds_a_run) {
            self.note(format!("w{which} freezes"));
            self.workers[which].frozen = true;
        }
    }

    fn any_worker(&mut self) -> usize {
        usize::try_from(self.random.below(WORKERS as u64)).unwrap()
    }

    /// Somebody puts the label on an issue.
    async fn happen(&mut self) {
        let (issue, guid) = (1 + self.random.below(ISSUES), self.random.next());
        // Two within one second would be one for all that GitHub says.
        let at = self.clock.now() + TimeDelta::seconds(self.happenings.len() as i64);
        self.note(format!("the label is put on issue {issue}"));
        let happening = Happening { issue, at, guid };
        self.happenings.push(happening.clone());
        self.tell(&happening, "github", guid).await;
    }

    /// An event is told once more: the same delivery, the same body under another id, or the App's hook.
    async fn tell_again(&mut self) {
        if self.happenings.is_empty() {
            return;
        }
        let happening = self.random.one_of(&self.happenings.clone()).clone();
        let (webhook, guid) = match self.random.below(3) {
            0 => ("github", happening.guid),
            1 => ("github", self.random.next()),
            _ => ("app", self.random.next()),
        };
        self.note(format!("issue {} is told of again through {webhook}", happening.issue));
        self.tell(&happening, webhook, guid).await;
    }

    async fn tell(&mut self, happening: &Happening, webhook: &str, guid: u64) {
        let mut body = issues_labeled(&LabeledIssue {
            owner: "acme".to_owned(),
            name: "api".to_owned(),
            number: happening.issue,
            title: "It does not greet".to_owned(),
            body: String::new(),
            labels: Vec::new(),
            label: "agent:fix".to_owned(),
            author: "ana".to_owned(),
            sender: "ana".to_owned(),
            at: happening.at,
        });
        if webhook == "app" {
            body["installation"] = serde_json::json!({ "id": 3 });
        }
        let guid = guid.to_string();
        let headers = [
            ("x-github-event", "issues"),
            ("x-github-delivery", &guid),
            ("content-type", "application/json"),
        ];
        let delivery = Delivery {
            id: DeliveryId::fresh(&*self.clock),
            webhook: WebhookName::from(webhook),
            received_at: self.clock.now(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: Body::compress(body.to_string().as_bytes()),
            trace: TraceContext::default(),
            replay_of: None,
        };
        self.promises.accepted.push(delivery.id);
        self.queue.publish(delivery).await.unwrap();
    }

    /// The dispatcher, started first where it is dead.
    async fn dispatcher(&mut self) -> Arc<Dispatcher> {
        if self.dispatcher.is_none() {
            self.note("the dispatcher starts");
            self.start_dispatcher().await;
        }
        Arc::clone(self.dispatcher.as_ref().unwrap())
    }

    /// The dispatcher takes what waits; it may die between the commit and the acknowledgement.
    pub async fn consume(&mut self) {
        let waiting = self.queue.depth();
        if waiting == 0 {
            return;
        }
        let dispatcher = self.dispatcher().await;
        let dies = self.random.percent(10);
        self.note(format!("{waiting} deliveries are decided{}", if dies { ", and not acked" } else { "" }));
        let (stop, crash) = (CancellationToken::new(), Arc::new(Notify::new()));
        let consumer = Acks {
            inner: self.queue.consumer(),
            queue: self.queue.clone(),
            emptied: stop.clone(),
            dies: dies.then(|| Arc::clone(&crash)),
        };
        tokio::select! {
            _ = dispatcher.consume(consumer, stop) => {}
            () = crash.notified() => self.dispatcher_dies(),
        }
    }

    /// The dispatcher makes the writes that are due; it may die in the middle of one.
    pub async fn publish(&mut self) {
        let dispatcher = self.dispatcher().await;
        let before = self.forge.faults();
        // Told to stop, it makes what is due first.
        let stop = CancellationToken::new();
        stop.cancel();
        let died = tokio::select! {
            () = dispatcher.publish(stop) => false,
            () = self.forge.crash.notified() => true,
        };
        let faults = self.forge.faults() - before;
        let dies = if died { ", the dispatcher dies" } else { "" };
        self.note(format!("writes are made, {faults} went wrong{dies}"));
        if died {
            self.dispatcher_dies();
        }
    }

    /// Time passes: workers beat, the dispatcher looks over the database.
    pub async fn pass(&mut self) {
        let ticks = 1 + self.random.below(8);
        self.note(format!("{} s pass", ticks * TICK.as_secs()));
        for _ in 0..ticks {
            self.clock.advance(TICK);
            let Some(dispatcher) = self.dispatcher.clone() else { continue };
            for which in 0..self.workers.len() {
                if !self.workers[which].frozen {
                    let happened = self.workers[which].beat(&dispatcher).await;
                    self.promises.keep(&happened);
                }
            }
            dispatcher.sweep(&mut self.watches).await.unwrap();
        }
    }

    /// A worker makes its next call.
    pub async fn work(&mut self) {
        let which = self.any_worker();
        if !self.workers[which].frozen {
            self.call(which).await;
        }
    }

    async fn call(&mut self, which: usize) {
        // Without a control plane a call is lost on its way.
        let Some(dispatcher) = self.dispatcher.clone() else { return };
        let happened = self.workers[which].act(&dispatcher, &self.forge, &mut self.random, 8).await;
        self.note(format!("w{which}: {happened:?}"));
        self.promises.keep(&happened);
        if matches!(happened, Happened::Claimed { .. }) {
            self.promises.keep_alone(&self.store).await;
        }
    }

    async fn cancel(&mut self) {
        let runs = self.store.runs(100, None, None).await.unwrap().items;
        let open: Vec<RunId> =
            runs.iter().filter(|run| !is_done(&run.run.state)).map(|run| run.run.id).collect();
        if open.is_empty() {
            return;
        }
        let run = *self.random.one_of(&open);
        self.note(format!("an operator cancels {run}"));
        self.promises.cancelled.insert(run);
        self.dispatcher().await.cancel(run).await.unwrap();
    }

    /// All faults end; true when everything comes to its end without anybody's hands.
    pub async fn drains(&mut self) -> bool {
        self.note("all faults end");
        self.forge.set_faulty(0);
        for worker in &mut self.workers {
            worker.frozen = false;
        }
        for _ in 0..400 {
            self.consume().await;
            self.publish().await;
            for _ in 0..WORKERS * 2 {
                self.work().await;
            }
            self.pass().await;
            let runs = self.store.runs(100, None, None).await.unwrap().items;
            let over = runs.iter().all(|run| is_done(&run.run.state)) && self.queue.depth() == 0;
            if over && self.store.next_intent_due(self.clock.now()).await.unwrap().is_none() {
                return true;
            }
        }
        false
    }

    pub async fn close(self) {
        self.store.close().await.unwrap();
        drop(self.folder);
    }
}

pub fn is_done(state: &RunState) -> bool {
    matches!(state, RunState::Done { .. })
}

/// A consumer that says when the queue is empty, and whose acknowledgement the dispatcher may not
/// live to make.
struct Acks {
    inner: MemoryConsumer,
    queue: MemoryQueue,
    emptied: CancellationToken,
    dies: Option<Arc<Notify>>,
}

#[async_trait]
impl Consumer for Acks {
    async fn next(&mut self, max: usize) -> Result<Vec<Received>, ConsumeError> {
        self.inner.next(max).await
    }

    async fn ack(&mut self, up_to: Position) -> Result<(), ConsumeError> {
        if let Some(dies) = &self.dies {
            dies.notify_one();
            std::future::pending().await
        }
        self.inner.ack(up_to).await?;
        if self.queue.depth() == 0 {
            self.emptied.cancel();
        }
        Ok(())
    }
}
