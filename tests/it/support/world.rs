//! One Pullwright process with its own folder, port and forge; gone when the test ends.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use forge_sim::Sim;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::plan::SECRET;

/// No condition takes longer, on a slow machine under load.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// A running Pullwright and its forge.
pub struct World {
    /// The program that its commands run.
    pub program: PathBuf,
    /// Installations may share it.
    pub sim: Arc<Sim>,
    pub http: reqwest::Client,
    pub(super) folder: TempDir,
    pub(super) port: u16,
    pub(super) up: Option<Child>,
    pub(super) env: Vec<(String, String)>,
    pub(super) forge_token: &'static str,
}

impl World {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn config(&self) -> PathBuf {
        self.path("pullwright.yaml")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts `pullwright up` and returns at once.
    pub fn spawn(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("up.log")).unwrap();
        let mut command = self.command(&["up", "--log-format", "json"]);
        command.stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        self.up = Some(command.spawn().unwrap());
    }

    /// Starts `pullwright up` and waits until it answers.
    pub async fn start(&mut self) {
        self.spawn();
        self.until_up().await;
    }

    pub async fn until_up(&mut self) {
        let health = self.url("/healthz");
        let waiting = async {
            loop {
                if let Some(status) = self.up.as_mut().unwrap().try_wait().unwrap() {
                    return Err(status);
                }
                if self.http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(())) => {}
            Ok(Err(status)) => panic!("`pullwright up` ended with {status}:\n{}", self.logs()),
            Err(_) => panic!("`pullwright up` does not answer:\n{}", self.logs()),
        }
    }

    /// The binary with these arguments, in this world's folder and environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).args(["--config".as_ref(), self.config().as_os_str()]);
        command.current_dir(self.folder.path());
        // What the caller's environment says of proxies, collectors or servers is not for the test.
        let kept = ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"];
        let kept = kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.env_clear().envs(kept).env("HOME", self.folder.path());
        command.env("GITHUB_WEBHOOK_SECRET", SECRET).env("GITHUB_TOKEN", self.forge_token);
        command.env("NO_COLOR", "1").env("COLUMNS", "100").envs(self.env.iter().cloned());
        command
    }

    /// Runs a command of the CLI to its end, into pipes.
    pub async fn cli(&self, args: &[&str]) -> Output {
        let running = self.command(args).stdin(Stdio::null()).kill_on_drop(true).output();
        tokio::time::timeout(PATIENCE, running).await.expect("the command does not end").unwrap()
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.up.as_ref().and_then(Child::id).expect("it is not running")).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Waits for the process's own end.
    pub async fn ended_within(&mut self, limit: Duration) -> ExitStatus {
        let mut up = self.up.take().expect("it is not running");
        match tokio::time::timeout(limit, up.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("it did not end within {limit:?}:\n{}", self.logs()),
        }
    }

    /// Panics when the process ended by itself.
    pub fn assert_running(&mut self, when: &str) {
        let ended = self.up.as_mut().expect("it was not started").try_wait().unwrap();
        assert!(ended.is_none(), "{when}: it ended by itself, {ended:?}:\n{}", self.logs());
    }

    /// SIGKILL, and the process is gone when this returns.
    pub async fn kill9(&mut self) {
        self.signal(Signal::SIGKILL);
        self.ended_within(PATIENCE).await;
    }

    /// SIGTERM, and a clean end.
    pub async fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.ended_within(PATIENCE).await;
        assert!(status.success(), "{status}:\n{}", self.logs());
    }

    /// What the process wrote, of all its lives.
    pub fn logs(&self) -> String {
        std::fs::read_to_string(self.path("up.log")).unwrap_or_default()
    }

    /// Waits until `look` finds something; `what` is said when it never does.
    pub async fn wait<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not within {PATIENCE:?}\n{}", self.state().await),
        }
    }

    /// Everything that helps to see why something did not happen.
    async fn state(&self) -> String {
        let runs = self.api("runs").await.1;
        let ready = self.get("/readyz").await.1;
        format!("readyz: {ready}\nruns: {runs:#}\nlog:\n{}", self.logs())
    }
}
