//! What goes wrong, one thing at a time, and ends.

use std::time::Duration;

use forge_sim::{Fault as Forge, FaultOrder};
use nix::sys::signal::Signal;

use crate::site::{LEASE, Site};
use crate::support::{REPO, Random};
use crate::wire::Wire;

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
    ForgeCommitsThen500,
    ForgeCommitsThen502,
    ForgeCommitsThenResets,
    ForgeLimits,
    ForgeLimitsSecondary,
    ForgeListsLag,
}

use Fault as F;

/// JSON, and no event of GitHub's.
const POISON: &str = r#"{"action":["labeled"],"issue":7}"#;

impl Fault {
    pub const ALL: [(Self, &'static str); 27] = [
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
        (F::ForgeCommitsThen500, "forge does it and says 500"),
        (F::ForgeCommitsThen502, "forge does it and says 502"),
        (F::ForgeCommitsThenResets, "forge does it and hangs up"),
        (F::ForgeLimits, "forge limits: 429 with retry-after"),
        (F::ForgeLimitsSecondary, "forge limits: 403 without a word"),
        (F::ForgeListsLag, "forge's lists lag by 2 s, after a 502"),
    ];

    /// Makes it happen, and ends it.
    pub async fn happen(self, site: &mut Site, random: &mut Random, cut: Duration) {
        let moment = Duration::from_millis(random.between(0, 700));
        tokio::time::sleep(moment).await;
        match self {
            F::Nothing => {}
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
            F::WorkerStopped => {
                let worker = &site.workers[usize::try_from(random.between(0, 1)).unwrap()];
                worker.signal(Signal::SIGSTOP);
                tokio::time::sleep(LEASE * 2).await;
                worker.signal(Signal::SIGCONT);
            }
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
                // What it holds would be gone with it: it is empty, and nobody is told.
                site.until_the_queue_is_empty().await;
                site.node.script("ctl", &["delete_queue", "-p", "main", "pullwright.deliveries"]).await;
            }
            F::PoisonDelivery => {
                for number in 0..3 {
                    let guid = format!("poison-{number}-{}", random.next());
                    let (status, answer) = site.ingress.deliver(&site.world, &guid, POISON).await;
                    assert_eq!(status, 202, "{answer}");
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
            F::ForgeCommitsThen500 => site.forge_fails(&Forge::CommitThenStatus { status: 500 }),
            F::ForgeCommitsThen502 => site.forge_fails(&Forge::CommitThenStatus { status: 502 }),
            F::ForgeCommitsThenResets => site.forge_fails(&Forge::CommitThenReset),
            F::ForgeLimits => site.forge_fails(&Forge::RateLimited { retry_after: Some(1), status: 429 }),
            F::ForgeLimitsSecondary => site.forge_fails(&Forge::Secondary { retry_after: Some(1) }),
            F::ForgeListsLag => {
                let lists = FaultOrder::once("GET", "*", Forge::ListLag { ms: 2_000 });
                site.world.sim.fault(lists.times(1_000)).unwrap();
                site.forge_fails(&Forge::CommitThenStatus { status: 502 });
                tokio::time::sleep(Duration::from_secs(4)).await;
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
}
