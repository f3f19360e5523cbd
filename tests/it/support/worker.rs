//! A `pullwright worker` beside a world: a process, a folder and a credential of its own.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::world::World;

/// A running worker.
pub struct Worker {
    pub name: String,
    folder: PathBuf,
    child: Child,
}

impl World {
    /// Enrols a worker and starts it; it need not have reached the control plane yet.
    pub async fn worker(&self, name: &str, slots: u32) -> Worker {
        let folder = self.prepare_worker(name, slots).await;
        Worker::start(name, &folder)
    }

    /// A folder with a configuration and a fresh token.
    pub async fn prepare_worker(&self, name: &str, slots: u32) -> PathBuf {
        self.prepare_worker_of("default", name, slots).await
    }

    /// The same for a worker of that pool.
    pub async fn prepare_worker_of(&self, pool: &str, name: &str, slots: u32) -> PathBuf {
        let enrolled = self.cli(&["workers", "enrol", name, "--pool", pool]).await;
        assert!(enrolled.status.success(), "{enrolled:?}");
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        let token = folder.join("token");
        std::fs::write(&token, enrolled.stdout).unwrap();
        let settings = format!(
            "control_plane: {{ url: \"{}\", enrolment: \"${{file:{}}}\" }}
workers: {{ slots: {slots} }}
runs: {{ stop_grace: 1s }}
",
            self.url(""),
            token.display(),
        );
        std::fs::write(folder.join("pullwright.yaml"), settings).unwrap();
        folder
    }

    /// The workers as the API lists them.
    pub async fn workers(&self) -> serde_json::Value {
        self.api("workers").await.1["items"].clone()
    }

    /// Waits until a worker is there.
    pub async fn online(&self, worker: &Worker) {
        let what = format!("the worker {}:\n{}", worker.name, worker.logs());
        self.wait(&what, async || {
            let workers = self.workers().await;
            let online = |row: &&serde_json::Value| row["name"] == *worker.name && row["state"] == "online";
            workers.as_array()?.iter().find(online).map(drop)
        })
        .await;
    }
}

/// `pullwright worker` in `folder`, with nothing of the world's environment.
pub fn worker_command(folder: &Path) -> Command {
    command_of(Path::new(env!("CARGO_BIN_EXE_pullwright")), folder)
}

fn command_of(program: &Path, folder: &Path) -> Command {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("worker.log")).unwrap();
    let mut command = Command::new(program);
    command.args(["worker", "--log-format", "json", "--config"]).arg(folder.join("pullwright.yaml"));
    let kept = ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"];
    let kept = kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.current_dir(folder).env_clear().envs(kept).env("HOME", folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    command
}

impl Worker {
    /// Starts it in a folder that was prepared, or that one of its lives left.
    pub fn start(name: &str, folder: &Path) -> Self {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_pullwright")), name, folder)
    }

    /// The same with another program.
    pub fn start_program(program: &Path, name: &str, folder: &Path) -> Self {
        let child = command_of(program, folder).spawn().unwrap();
        Self { name: name.to_owned(), folder: folder.to_owned(), child }
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it ended")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    pub async fn ended(&mut self) -> ExitStatus {
        match tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("the worker {} does not end:\n{}", self.name, self.logs()),
        }
    }

    pub fn logs(&self) -> String {
        std::fs::read_to_string(self.folder.join("worker.log")).unwrap_or_default()
    }
}
