//! What teams use today for tasks in the background: Celery on RabbitMQ, a task acknowledged when it is
//! done, its result in PostgreSQL. One worker with two processes, as many as this machine has cores.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::process::{self, PATIENCE};
use crate::servers::Server;

/// How long a round may take.
const ROUND: Duration = Duration::from_secs(600);

/// Celery in a virtual environment of its own, with what it talks to.
pub struct Celery {
    folder: TempDir,
    broker: String,
    results: String,
}

impl Celery {
    /// It, installed from PyPI in the versions of `benches/peers/celery`; or why it cannot be had.
    pub async fn install(node: &Server, database: &Server) -> anyhow::Result<Result<Self, String>> {
        let folder = tempfile::tempdir()?;
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/celery");
        for file in ["tasks.py", "measure.py"] {
            std::fs::copy(peer.join(file), folder.path().join(file))?;
        }
        let celery = Self {
            folder,
            broker: node.address.replace("amqp://", "pyamqp://"),
            results: database.address.replace("postgres://", "db+postgresql+psycopg2://"),
        };
        let mut environment = Command::new("python3");
        environment.args(["-m", "venv"]).arg(celery.folder.path().join("venv"));
        let mut packages = Command::new(celery.program("pip"));
        packages.args(["install", "--quiet", "--requirement"]).arg(peer.join("requirements.txt"));
        for mut step in [environment, packages] {
            let output = step.stdin(Stdio::null()).kill_on_drop(true).output();
            match timeout(PATIENCE, output).await {
                Ok(Ok(output)) if output.status.success() => {}
                Ok(Ok(output)) => return Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned())),
                Ok(Err(error)) => return Ok(Err(error.to_string())),
                Err(_) => return Ok(Err("the packages do not come".to_owned())),
            }
        }
        Ok(Ok(celery))
    }

    /// Tasks a second, from the first one published to the last result stored.
    pub async fn rate(&self, tasks: u64, bytes: usize) -> anyhow::Result<f64> {
        let mut worker = self.worker()?;
        let measuring = self
            .command("python")
            .arg("measure.py")
            .args([tasks.to_string(), bytes.to_string()])
            .stderr(Stdio::inherit())
            .output();
        let output = timeout(ROUND, measuring).await.context("Celery does not come to an end")??;
        ensure!(output.status.success(), "the script of Celery failed");
        let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        if worker.try_wait()?.is_some() {
            bail!("the worker of Celery ended");
        }
        process::end(&mut worker).await?;
        Ok(tasks as f64 / seconds)
    }

    fn worker(&self) -> anyhow::Result<Child> {
        let arguments = ["--app", "tasks", "worker", "--pool", "prefork", "--concurrency", "2"];
        let quiet = ["--loglevel", "error", "--without-gossip", "--without-mingle"];
        let worker = self.command("celery").args(arguments).args(quiet).stdout(Stdio::null()).spawn();
        worker.context("Celery cannot be started")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.program(program));
        command
            .current_dir(self.folder.path())
            .env("BROKER", &self.broker)
            .env("RESULTS", &self.results)
            // It is told so that it works as root, too.
            .env("C_FORCE_ROOT", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.path().join("venv/bin").join(name)
    }
}
