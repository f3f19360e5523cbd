//! A whole deployment of real processes: ingress, dispatcher, two workers, RabbitMQ and PostgreSQL on
//! private ports, the stand-in of a forge; and a line between each two that talk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::process::Child;

use crate::load::LONG;
use crate::server::Server;
use crate::support::{Ingress, LABEL, Plan, RabbitMq, Worker, World, automation, free_port};
use crate::version::Version;
use crate::wire::Wire;

/// How long a worker keeps a run without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(5);
/// The command label of what is begun until [`LIVES`] workers are lost.
pub const STUBBORN: &str = "agent:stubborn";
pub const LIVES: u64 = 5;

/// The lines, by who talks to whom.
pub struct Wires {
    pub ingress_to_broker: Wire,
    pub dispatcher_to_broker: Wire,
    pub dispatcher_to_database: Wire,
    pub dispatcher_to_forge: Wire,
    pub workers_to_dispatcher: Wire,
}

pub struct Site {
    pub world: World,
    pub node: RabbitMq,
    pub database: Server,
    pub ingress: Ingress,
    pub workers: Vec<Worker>,
    pub wires: Wires,
    pub version: Version,
    /// Runs that had been given to others when a worker that had been stopped went on with them.
    pub zombies: u64,
    folders: Vec<PathBuf>,
}

impl Site {
    /// Everything running; `None` on a machine that lacks a server.
    ///
    /// `job` is how long a job with the title [`LONG`] takes.
    pub async fn start(job: Duration) -> Option<Self> {
        let mut node = RabbitMq::start().await?;
        let database = Server::start("max_connections = 40").await?;
        let address = database.database().await;
        let dispatcher_to_database = Wire::to(address.port).await;
        let url = format!(
            "postgres://pullwright:${{env:DB_PASSWORD}}@127.0.0.1:{}/{}",
            dispatcher_to_database.port(),
            address.database
        );
        let settings = format!("database: \"{url}\"\nruns: {{ lease: {}s }}", LEASE.as_secs());
        let long = format!("grep -q '{LONG}' /event/title.txt && sleep {} || sleep 0.3", job.as_secs());
        let commands = serde_json::to_string(&[long.as_str(), "echo done > result"]).unwrap();
        let automation = |name: &str, more: &str| {
            let run = format!("    run: {{ timeout: 10m, commands: {commands}{more} }}\n");
            automation(name, &[], &format!("{run}    output: {{ pull_request: {{}} }}\n"))
        };
        let stubborn = automation("stubborn", &format!(", retry: {{ worker_lost: {} }}", LIVES - 1));
        let mut world = Plan::default()
            .automation(automation("fix", ""))
            .automation(stubborn.replace(LABEL, STUBBORN))
            .settings(&settings)
            .env("DB_PASSWORD", "test")
            .without_webhook()
            .prepare()
            .await;
        let forge: u16 = world.sim.url.rsplit(':').next()?.parse().ok()?;
        let dispatcher_to_forge = Wire::to(forge).await;
        let through = format!("http://127.0.0.1:{}", dispatcher_to_forge.port());
        let config = std::fs::read_to_string(world.config()).unwrap().replace(&world.sim.url, &through);
        std::fs::write(world.config(), config).unwrap();
        let wires = Wires {
            ingress_to_broker: Wire::to(node.port).await,
            dispatcher_to_broker: Wire::to(node.port).await,
            dispatcher_to_database,
            dispatcher_to_forge,
            workers_to_dispatcher: Wire::to(world.port()).await,
        };
        node.through.insert("ingress", wires.ingress_to_broker.port());
        node.through.insert("dispatcher", wires.dispatcher_to_broker.port());
        world.start_dispatcher(&node).await;
        let ingress = world.ingress(&node).await;
        let (version, workers, folders) = (Version::This, Vec::new(), Vec::new());
        let mut site = Self { world, node, database, ingress, workers, wires, version, zombies: 0, folders };
        for name in ["one", "two"] {
            let folder = site.world.prepare_worker(name, 2).await;
            let file = folder.join("pullwright.yaml");
            let (direct, through) = (site.world.port(), site.wires.workers_to_dispatcher.port());
            let config = std::fs::read_to_string(&file).unwrap();
            let config = config.replace(&format!(":{direct}"), &format!(":{through}"));
            std::fs::write(&file, config).unwrap();
            site.workers.push(Worker::start(name, &folder));
            site.folders.push(folder);
            site.world.online(&site.workers[site.workers.len() - 1]).await;
        }
        Some(site)
    }

    pub async fn kill_ingress(&mut self) {
        self.ingress.end(Signal::SIGKILL).await;
    }

    pub async fn start_ingress(&mut self) {
        self.ingress.start(&self.world, &self.node).await;
    }

    pub async fn kill_dispatcher(&mut self) {
        self.world.kill9().await;
    }

    pub async fn start_dispatcher(&mut self) {
        self.world.start_dispatcher(&self.node).await;
    }

    /// Another dispatcher on the same database and broker, with a data folder of its own; killed when
    /// dropped.
    pub async fn second_dispatcher(&self) -> Child {
        let port = free_port();
        let mut command = self.world.role_command("dispatcher", &self.node);
        command.env("PULLWRIGHT__LISTEN__WEBHOOKS", format!("127.0.0.1:{port}"));
        command.env("PULLWRIGHT__DATA_DIR", self.world.path("second"));
        let child = command.spawn().unwrap();
        self.world.until_ready(&format!("http://127.0.0.1:{port}/readyz")).await;
        child
    }

    /// SIGKILL, and another process in the same folder.
    pub async fn restart_worker(&mut self, which: usize) {
        self.workers[which].signal(Signal::SIGKILL);
        self.workers[which].ended().await;
        let program = self.world.program.clone();
        self.start_worker(which, &program);
    }

    /// A process of this program in the folder of one that ended.
    pub fn start_worker(&mut self, which: usize, program: &Path) {
        let name = self.workers[which].name.clone();
        self.workers[which] = Worker::start_program(program, &name, &self.folders[which]);
    }
}
