//! A room for one test, and the commands run in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemas::control::Stream;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::sandbox::{
    Bubblewrap, BubblewrapOptions, Exit, Limits, OutputLine, Room, Sandbox, SandboxCommand, SandboxError,
};

pub const LIMITS: Limits = Limits { memory: 1 << 30, processes: 128, file_size: 1 << 26, output: 1 << 20 };

pub struct World {
    pub folder: TempDir,
    pub sandbox: Bubblewrap,
    pub command: SandboxCommand,
}

impl World {
    /// Nothing, when the group is to be skipped.
    pub async fn new() -> Option<Self> {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut BubblewrapOptions)) -> Option<Self> {
        if std::env::var_os("PULLWRIGHT_SKIP_SANDBOX").is_some_and(|skip| skip == "1") {
            return None;
        }
        let folder = open_folder();
        let mut options = BubblewrapOptions::new(folder.path());
        change(&mut options);
        let sandbox = Bubblewrap::find(options).await.expect("bubblewrap is needed for these tests");
        let make = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            if let Some((user, group)) = sandbox.host_ids() {
                chown(&path, Some(user), Some(group)).unwrap();
            }
            path
        };
        let room = Room {
            workspace: make("workspace"),
            home: make("home"),
            data: make("data"),
            read_only: Vec::new(),
        };
        let command = SandboxCommand {
            room,
            command: String::new(),
            working_directory: String::new(),
            env: BTreeMap::new(),
            timeout: Duration::from_secs(60),
            limits: LIMITS,
        };
        Some(Self { folder, sandbox, command })
    }

    pub fn workspace(&self) -> PathBuf {
        self.command.room.workspace.clone()
    }

    /// Runs `command` and returns its end and all it printed.
    pub async fn sh(&self, command: &str) -> (Exit, String) {
        let command = SandboxCommand { command: command.to_owned(), ..self.command.clone() };
        let (exit, lines) = self.run(&command).await;
        let lines: Vec<_> = lines.into_iter().map(|line| line.text).collect();
        (exit.unwrap(), lines.join("\n"))
    }

    pub async fn run(&self, command: &SandboxCommand) -> (Result<Exit, SandboxError>, Vec<OutputLine>) {
        let (sender, mut receiver) = mpsc::channel::<OutputLine>(16);
        let collect = async {
            let mut lines = Vec::new();
            while let Some(line) = receiver.recv().await {
                lines.push(line);
            }
            lines
        };
        tokio::join!(self.sandbox.run(command, sender, CancellationToken::new()), collect)
    }

    /// Runs `command` until it prints `ready`, then cancels it.
    pub async fn stop_when_ready(&self, command: &str) -> (Exit, Vec<OutputLine>) {
        let command = SandboxCommand { command: command.to_owned(), ..self.command.clone() };
        let (sender, mut receiver) = mpsc::channel::<OutputLine>(16);
        let stop = CancellationToken::new();
        let listen = async {
            let mut lines = Vec::new();
            while let Some(line) = receiver.recv().await {
                if line.text == "ready" {
                    stop.cancel();
                }
                lines.push(line);
            }
            lines
        };
        let (exit, lines) = tokio::join!(self.sandbox.run(&command, sender, stop.clone()), listen);
        (exit.unwrap(), lines)
    }
}

/// A folder that every user of the machine can enter; not in `/tmp`, which a sandbox covers anyway.
pub fn open_folder() -> TempDir {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Host processes with `mark` in their command line.
pub fn processes_with(mark: &str) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    processes
        .filter(|process| {
            let command = fs::read(process.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(mark)
        })
        .collect()
}

pub fn texts(lines: &[OutputLine], stream: Stream) -> Vec<&str> {
    lines.iter().filter(|line| line.stream == stream).map(|line| line.text.as_str()).collect()
}

pub fn exists_on_host(program: &str) -> bool {
    ["/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists())
}
