//! What goes wrong, one thing at a time, and ends.

use std::time::Duration;

use forge_sim::{Fault as Forge, FaultOrder};
use nix::sys::signal::Signal;

use crate::held;
use crate::load::{self, LONG};
use crate::site::{LEASE, LIVES, STUBBORN, Site};
use crate::steps::{Step, Who, die};
use crate::support::{MAINTAINER, NAME, OWNER, REPO, Random, TOKEN};
use crate::version::{self, Version};
use crate::wire::{Lost, Wire};

/// A fault with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    IngressKilled,
    DispatcherKilled,
    TwoDispatchers,
    WorkerKilled,
    WorkerStopped,
    ControlPlaneAway,
    BrokerRestarted,
    BrokerKilled,
    QueueDeleted,
    PoisonDelivery,
    MemoryAlarm,
    DatabaseRestarted,
    DatabaseKilled,
    DatabaseReadOnly,
    DatabaseClosed,
    IngressCutFromBroker,
    DispatcherCutFromBroker,
    DispatcherCutFromDatabase,
    DispatcherCutFromForge,
    WorkersCutOff,
    Dies(Who, Step, Lost),
    ConsumerTimeout,
    RunKillsWorkers,
    Cancelled,
    CommentDeleted,
    ForgeCommitsThen500,
    ForgeCommitsThen502,
    ForgeCommitsThenResets,
    ForgeLimits,
    ForgeLimitsSecondary,
    ForgeListsLag,
    ForgeLongThread,
    Upgraded,
    TakenBack,
}

use Fault as F;

/// JSON, and no event of GitHub's.
const POISON: &str = r#"{"action":["labeled"],"issue":7}"#;

impl Fault {
    pub const ALL: [(Self, &'static str); 48] = [
        (F::Nothing, "nothing"),
        (F::IngressKilled, "kill -9 of ingress"),
        (F::DispatcherKilled, "kill -9 of the dispatcher"),
        (F::TwoDispatchers, "two dispatchers, each killed in turn"),
        (F::WorkerKilled, "kill -9 of a worker"),
        (F::WorkerStopped, "worker stopped past its lease, then continued"),
        (F::ControlPlaneAway, "control plane away for three leases"),
        (F::BrokerRestarted, "RabbitMQ restarted"),
        (F::BrokerKilled, "kill -9 of RabbitMQ"),
        (F::QueueDeleted, "the queue deleted"),
        (F::PoisonDelivery, "deliveries that cannot be read"),
        (F::MemoryAlarm, "memory alarm of RabbitMQ, 3 s"),
        (F::DatabaseRestarted, "PostgreSQL restarted"),
        (F::DatabaseKilled, "kill -9 of PostgreSQL"),
        (F::DatabaseReadOnly, "PostgreSQL read-only, 3 s"),
        (F::DatabaseClosed, "PostgreSQL takes no connections, 5 s"),
        (F::IngressCutFromBroker, "ingress cut off from RabbitMQ"),
        (F::DispatcherCutFromBroker, "dispatcher cut off from RabbitMQ"),
        (F::DispatcherCutFromDatabase, "dispatcher cut off from PostgreSQL"),
        (F::DispatcherCutFromForge, "dispatcher cut off from the forge"),
        (F::WorkersCutOff, "workers cut off from the control plane"),
        (F::Dies(Who::Ingress, Step::Publish, Lost::Question), "ingress killed before RabbitMQ has it"),
        (F::Dies(Who::Ingress, Step::Publish, Lost::Answer), "ingress killed before it hears the confirm"),
        (F::Dies(Who::Dispatcher, Step::Commit, Lost::Question), "dispatcher killed before a commit"),
        (F::Dies(Who::Dispatcher, Step::Commit, Lost::Answer), "dispatcher killed after a commit"),
        (F::Dies(Who::Dispatcher, Step::Ack, Lost::Question), "dispatcher killed before its ack"),
        (F::Dies(Who::Dispatcher, Step::Comment, Lost::Question), "dispatcher killed before a comment"),
        (F::Dies(Who::Dispatcher, Step::Comment, Lost::Answer), "dispatcher killed after a comment"),
        (
            F::Dies(Who::Dispatcher, Step::PullRequest, Lost::Question),
            "dispatcher killed before a pull request",
        ),
        (F::Dies(Who::Dispatcher, Step::PullRequest, Lost::Answer), "dispatcher killed after a pull request"),
        (F::Dies(Who::Dispatcher, Step::PushToForge, Lost::Answer), "dispatcher killed after a push"),
        (F::Dies(Who::Workers, Step::Claim, Lost::Answer), "workers killed as they claim"),
        (F::Dies(Who::Workers, Step::Grant, Lost::Answer), "workers killed with leave to push"),
        (F::Dies(Who::Workers, Step::Push, Lost::Answer), "workers killed after a push"),
        (F::Dies(Who::Workers, Step::Report, Lost::Answer), "workers killed as they report"),
        (F::ConsumerTimeout, "consumer timeout, a job of four times that"),
        (F::RunKillsWorkers, "a run that kills five workers"),
        (F::Cancelled, "cancel racing success"),
        (F::CommentDeleted, "a person deletes our comments"),
        (F::ForgeCommitsThen500, "forge does it and says 500"),
        (F::ForgeCommitsThen502, "forge does it and says 502"),
        (F::ForgeCommitsThenResets, "forge does it and hangs up"),
        (F::ForgeLimits, "forge limits: 429 with retry-after"),
        (F::ForgeLimitsSecondary, "forge limits: 403 without a word"),
        (F::ForgeListsLag, "forge's lists lag by 10 s, after a 502"),
        (F::ForgeLongThread, "forge does it and says 502, thread of 250 comments"),
        (F::Upgraded, "upgrade from the version before, jobs going on"),
        (F::TakenBack, "back to the version before, jobs going on"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(fault, _)| *fault == self).map_or("", |(_, name)| name)
    }

    /// The comments that stand in every thread before ours.
    pub fn thread(self) -> usize {
        if self == F::ForgeLongThread { 250 } else { 0 }
    }

    /// Whether what it needs was given.
    pub fn is_possible(self) -> bool {
        !matches!(self, F::Upgraded | F::TakenBack) || Version::before().is_some()
    }

    /// The version that runs when it begins.
    pub fn begins_with(self) -> Version {
        if self == F::Upgraded { Version::Before } else { Version::This }
    }

    /// The time over which the deliveries around it are spread.
    pub fn within(self) -> Duration {
        if matches!(self, F::Upgraded | F::TakenBack) { version::WITHIN } else { load::WITHIN }
    }

    /// Makes it happen, and ends it.
    pub async fn happen(self, site: &mut Site, issues: &[u64], random: &mut Random, cut: Duration) {
        if let F::Dies(who, step, lost) = self {
            return die(site, who, step, lost, random).await;
        }
        let moment = Duration::from_millis(random.between(0, 700));
        tokio::time::sleep(moment).await;
        match self {
            F::Nothing | F::Dies(..) => {}
            F::IngressKilled => {
                site.kill_ingress().await;
                site.start_ingress().await;
            }
            F::DispatcherKilled => {
                site.kill_dispatcher().await;
                site.start_dispatcher().await;
            }
            F::TwoDispatchers => {
                let mut second = site.second_dispatcher().await;
                site.kill_dispatcher().await;
                tokio::time::sleep(Duration::from_secs(2)).await;
                site.start_dispatcher().await;
                second.kill().await.unwrap();
            }
            F::WorkerKilled => site.restart_worker(usize::try_from(random.between(0, 1)).unwrap()).await,
            F::WorkerStopped => site.stop_a_worker_past_its_lease(random).await,
            F::ControlPlaneAway => {
                site.kill_dispatcher().await;
                tokio::time::sleep(LEASE * 3).await;
                site.start_dispatcher().await;
            }
            F::BrokerRestarted => {
                site.node.script("stop", &[]).await;
                site.node.up().await;
            }
            F::BrokerKilled => {
                site.node.kill9().await;
                site.node.up().await;
            }
            F::QueueDeleted => {
                // What it holds would be gone with it: all of it is stored by then, and nobody is told.
                for issue in issues {
                    site.world.run_when(*issue, "there", |_| true).await;
                }
                site.node.script("ctl", &["delete_queue", "-p", "main", "pullwright.deliveries"]).await;
                let (more, door) = (load::issues(&site.world, 0), site.ingress.url("/webhooks/github"));
                load::taken(load::deliver(&site.world, door, &more, Duration::ZERO, random)).await;
                for issue in more {
                    assert_eq!(site.world.finished(issue).await["outcome"], "succeeded");
                }
            }
            F::PoisonDelivery => {
                for number in 0..3 {
                    let guid = format!("poison-{number}-{}", random.next());
                    load::deliver_one(&site.ingress, &site.world, &guid, POISON).await;
                }
                let quarantined = async || {
                    let rows = site.world.all("deliveries").await;
                    rows.iter().any(|row| row["status"] == "quarantined").then_some(())
                };
                site.world.wait("a delivery in quarantine", quarantined).await;
            }
            F::MemoryAlarm => {
                site.node.script("ctl", &["set_vm_memory_high_watermark", "absolute", "1"]).await;
                tokio::time::sleep(Duration::from_secs(3)).await;
                site.node.script("ctl", &["set_vm_memory_high_watermark", "0.4"]).await;
            }
            F::DatabaseRestarted => {
                site.database.script("stop", &[]).await;
                site.database.up().await;
            }
            F::DatabaseKilled => {
                site.database.script("kill", &[]).await;
                site.database.up().await;
            }
            F::DatabaseReadOnly => {
                let sql = |sql: &'static str| ["-qc", sql, "-c", "SELECT pg_reload_conf()"];
                let on = sql("ALTER SYSTEM SET default_transaction_read_only = on");
                site.database.script("psql", &on).await;
                tokio::time::sleep(Duration::from_secs(3)).await;
                let off = [
                    "-qc",
                    "SET default_transaction_read_only = off",
                    "-c",
                    "ALTER SYSTEM RESET default_transaction_read_only",
                    "-c",
                    "SELECT pg_reload_conf()",
                ];
                site.database.script("psql", &off).await;
            }
            F::DatabaseClosed => {
                let allowed = |word: &str| {
                    format!("UPDATE pg_database SET datallowconn = {word} WHERE datname LIKE 't%\\_%'")
                };
                let kick = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
                site.database.script("psql", &["-qc", &allowed("false"), "-c", kick]).await;
                tokio::time::sleep(Duration::from_secs(5)).await;
                site.database.script("psql", &["-qc", &allowed("true")]).await;
            }
            F::IngressCutFromBroker => cut_for(&site.wires.ingress_to_broker, cut).await,
            F::DispatcherCutFromBroker => cut_for(&site.wires.dispatcher_to_broker, cut).await,
            F::DispatcherCutFromDatabase => cut_for(&site.wires.dispatcher_to_database, cut).await,
            F::DispatcherCutFromForge => cut_for(&site.wires.dispatcher_to_forge, cut).await,
            F::WorkersCutOff => cut_for(&site.wires.workers_to_dispatcher, cut).await,
            F::ConsumerTimeout => site.outlast_the_consumer_timeout(cut).await,
            F::RunKillsWorkers => site.kill_every_worker_of_one_run(issues).await,
            F::Cancelled => site.cancel_some(issues, random).await,
            F::CommentDeleted => site.delete_comments(issues, random).await,
            F::Upgraded => site.run_as_beside_a_job(Version::This).await,
            F::TakenBack => site.run_as_beside_a_job(Version::Before).await,
            F::ForgeCommitsThen500 => site.forge_fails(&Forge::CommitThenStatus { status: 500 }),
            F::ForgeLongThread | F::ForgeCommitsThen502 => {
                site.forge_fails(&Forge::CommitThenStatus { status: 502 })
            }
            F::ForgeCommitsThenResets => site.forge_fails(&Forge::CommitThenReset),
            F::ForgeLimits => site.forge_fails(&Forge::RateLimited { retry_after: Some(1), status: 429 }),
            F::ForgeLimitsSecondary => site.forge_fails(&Forge::Secondary { retry_after: Some(1) }),
            F::ForgeListsLag => {
                let lists = FaultOrder::once("GET", "*", Forge::ListLag { ms: 10_000 });
                site.world.sim.fault(lists.times(10_000)).unwrap();
                site.forge_fails(&Forge::CommitThenStatus { status: 502 });
                tokio::time::sleep(Duration::from_secs(20)).await;
                site.world.sim.no_faults();
            }
        }
    }
}

async fn cut_for(wire: &Wire, time: Duration) {
    wire.cut();
    tokio::time::sleep(time).await;
    wire.mend();
}

impl Site {
    /// The next comments, edits and pull requests go wrong so.
    fn forge_fails(&self, fault: &Forge) {
        for (method, path) in [
            ("POST", format!("/repos/{REPO}/issues/*/comments")),
            ("POST", format!("/repos/{REPO}/pulls")),
            ("PATCH", format!("/repos/{REPO}/issues/comments/*")),
        ] {
            let order = FaultOrder::once(method, &path, fault.clone()).times(2);
            self.world.sim.fault(order).unwrap();
        }
    }
    /// A worker that was frozen with runs in its hands, until others have them, goes on where it was.
    async fn stop_a_worker_past_its_lease(&mut self, random: &mut Random) {
        let worker = &self.workers[usize::try_from(random.between(0, 1)).unwrap()];
        let holds = async || {
            let row = self.world.api(&format!("workers/{}", worker.name)).await.1;
            row["holds"].as_array().filter(|holds| !holds.is_empty()).cloned()
        };
        self.world.wait("a worker with a run", holds).await;
        worker.signal(Signal::SIGSTOP);
        let mut held = Vec::new();
        for run in holds().await.unwrap_or_default() {
            let run = format!("runs/{}", run.as_str().unwrap());
            held.push((self.world.api(&run).await.1, run));
        }
        tokio::time::sleep(LEASE * 2).await;
        for (before, run) in held {
            let now = self.world.api(&run).await.1;
            let taken_over = before["state"] == "active" && now["epoch"].as_u64() > before["epoch"].as_u64();
            self.zombies += u64::from(taken_over);
        }
        worker.signal(Signal::SIGCONT);
    }

    /// A job that takes four times as long as anybody may hold a message, beside somebody who does hold
    /// one, and is cut off.
    async fn outlast_the_consumer_timeout(&mut self, timeout: Duration) {
        let set = format!(
            "application:set_env(rabbit, consumer_timeout, {}), \
             application:set_env(rabbit, channel_tick_interval, 1000).",
            timeout.as_millis()
        );
        self.node.script("ctl", &["eval", &set]).await;
        // A channel keeps the interval that it began with.
        self.kill_dispatcher().await;
        self.start_dispatcher().await;
        let issue = self.world.issue(LONG);
        self.world.label(issue);
        held::until_cut(&self.node, timeout * 6).await;
        self.world.run_when(issue, "at its commands still", |run| run["step"] == "commands").await;
        tokio::time::sleep(timeout * 3).await;
        let run = self.world.finished(issue).await;
        assert_eq!((&run["outcome"], &run["epoch"]), (&"succeeded".into(), &1.into()), "{run:#}");
    }

    /// Whoever has this run dies, until nobody gets it any more.
    async fn kill_every_worker_of_one_run(&mut self, neighbours: &[u64]) {
        for issue in neighbours {
            self.world.run_when(*issue, "begun", |run| run["state"] != "pending").await;
        }
        let issue = self.world.issue(LONG);
        self.world.sim.label_issue(OWNER, NAME, issue, STUBBORN, MAINTAINER).unwrap();
        for epoch in 1..=LIVES {
            let at_it = |run: &serde_json::Value| run["step"] == "commands" && run["epoch"] == epoch;
            let run = self.world.run_when(issue, "at its commands", at_it).await;
            if epoch == LIVES {
                for neighbour in neighbours {
                    self.world.finished(*neighbour).await;
                }
            }
            let holder = self.workers.iter().position(|worker| run["worker"] == *worker.name).unwrap();
            self.restart_worker(holder).await;
        }
        let run = self.world.finished(issue).await;
        assert_eq!(run["outcome"], "failed", "{run:#}");
        assert!(self.world.pulls_for(issue).is_empty());
        assert_eq!(self.world.our_comments(issue).len(), 1);
    }

    async fn cancel_some(&self, issues: &[u64], random: &mut Random) {
        for issue in issues {
            let run = self.world.run_when(*issue, "there", |_| true).await;
            tokio::time::sleep(Duration::from_millis(random.between(0, 400))).await;
            // It may say that it is too late.
            self.world.post(&format!("runs/{}/cancel", run["id"].as_str().unwrap())).await;
        }
    }

    async fn delete_comments(&self, issues: &[u64], random: &mut Random) {
        for issue in issues {
            let ours = async || self.world.our_comments(*issue).into_iter().next();
            let comment = self.world.wait("our comment", ours).await;
            tokio::time::sleep(Duration::from_millis(random.between(0, 300))).await;
            let url = format!("{}/repos/{REPO}/issues/comments/{}", self.world.sim.url, comment.id);
            let deleted = self.world.http.delete(url).bearer_auth(TOKEN).send().await.unwrap();
            assert!(deleted.status().is_success(), "{deleted:?}");
        }
    }
}
