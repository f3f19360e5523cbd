//! A repository, its gate, a control plane and a worker's data folder.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use schemas::automation::{RunSpec, Span};
use schemas::control::{CommitMeta, DataFile, GitAccess, Job};
use schemas::run::RepositorySetup;
use schemas::{Clock, Epoch, Oid, Report, RunId, SystemClock};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use worker::sandbox::{Limits, Sandbox};
use worker::{Stop, WorkerError, WorkerSettings};

use super::git_server::{GitServer, TOKEN};
use super::{FakeControl, Shell};

pub struct Site {
    pub folder: TempDir,
    pub server: GitServer,
    pub control: Arc<FakeControl>,
    pub base: Oid,
}

/// A worker that works.
pub struct Running {
    pub stop: Stop,
    pub wake_up: Arc<Notify>,
    pub task: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    pub async fn end(self) {
        self.stop.soft.cancel();
        tokio::time::timeout(Duration::from_secs(60), self.task).await.unwrap().unwrap().unwrap();
    }
}

/// Runs git as a person would, without the person's configuration.
pub fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@example.com"),
            ("GIT_AUTHOR_DATE", "1700000000 +0000"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "A"),
            ("GIT_COMMITTER_EMAIL", "a@example.com"),
            ("GIT_COMMITTER_DATE", "1700000000 +0000"),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl Site {
    /// A site whose repository's first commit is what the shell script `fill` leaves.
    pub async fn new(fill: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let repositories = folder.path().join("repositories");
        std::fs::create_dir_all(&repositories).unwrap();
        let server = GitServer::start(repositories.clone()).await;
        git(&repositories, &["init", "-q", "--bare", "-b", "main", "api.git"]);
        let mut site = Self { folder, server, control: Arc::default(), base: Oid::zero() };
        site.base = site.commit(fill);
        site
    }

    /// Commits what `script` makes of the newest commit and pushes it to `main`.
    pub fn commit(&self, script: &str) -> Oid {
        let checkout = TempDir::new_in(self.folder.path()).unwrap();
        let path = checkout.path();
        git(path, &["clone", "-q", self.origin().to_str().unwrap(), "."]);
        let status = Command::new("/bin/sh").args(["-ec", script]).current_dir(path).status().unwrap();
        assert!(status.success());
        git(path, &["add", "-A", "-f"]);
        git(path, &["commit", "-q", "--allow-empty", "-m", "a commit"]);
        git(path, &["push", "-q", "origin", "HEAD:refs/heads/main"]);
        String::from_utf8(git(path, &["rev-parse", "HEAD"])).unwrap().trim().parse().unwrap()
    }

    pub fn origin(&self) -> PathBuf {
        self.folder.path().join("repositories/api.git")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A job that runs `commands` on the base.
    pub fn job(&self, commands: &[&str]) -> Job {
        Job {
            run: RunId(SystemClock::new().fresh_id()),
            epoch: Epoch(1),
            lease_ms: 60_000,
            automation: "fix".into(),
            work_item: "github:acme/api#1".into(),
            repository: "github/acme/api".parse().unwrap(),
            git: GitAccess { url: self.server.url("api.git"), token: TOKEN.into() },
            base_branch: "main".into(),
            base: self.base.clone(),
            branch: "pullwright/result".into(),
            spec: RunSpec {
                commands: commands.iter().map(|c| (*c).to_owned()).collect(),
                timeout: Some(Span(Duration::from_secs(60))),
                ..RunSpec::default()
            },
            limits: schemas::automation::ChangeLimits::default(),
            setup: RepositorySetup::default(),
            files: vec![DataFile { name: "event.json".into(), content: "{\"n\":1}".into() }],
            commit: CommitMeta {
                subject: "Fix it".into(),
                body: "Because.".into(),
                name: "Pullwright <bot>".into(),
                email: "bot@example.com".into(),
                time: "2026-01-02T03:04:05Z".parse().unwrap(),
            },
            trace: schemas::trace::TraceContext::default(),
            kept: None,
            publish_only: false,
        }
    }

    pub fn settings(&self) -> WorkerSettings {
        WorkerSettings {
            name: "w1".into(),
            slots: NonZeroUsize::new(2).unwrap(),
            data_dir: self.data_dir(),
            poll: Duration::from_secs(600),
            grace: Duration::from_millis(50),
            git_timeout: Duration::from_secs(60),
            git_ca_file: None,
            limits: Limits { memory: 1 << 30, processes: 100, file_size: 1 << 30, output: 1 << 20 },
            secrets: vec!["hunter2-hunter2".to_owned().into(), "first line\nsecond line".to_owned().into()],
            room_owner: None,
        }
    }

    pub fn start(&self) -> Running {
        self.start_with(self.settings(), Arc::new(Shell::default()))
    }

    pub fn start_with(&self, settings: WorkerSettings, sandbox: Arc<dyn Sandbox>) -> Running {
        let stop = Stop::default();
        let wake_up = Arc::new(Notify::new());
        let clock = Arc::new(SystemClock::new());
        let control = Arc::clone(&self.control);
        let task =
            tokio::spawn(worker::run(settings, control, sandbox, clock, Arc::clone(&wake_up), stop.clone()));
        Running { stop, wake_up, task }
    }

    /// One job from claim to report, by a worker of its own.
    pub async fn run(&self, job: Job) -> Report {
        let before = self.control.change(|state| state.reports.len());
        self.control.enqueue(job);
        let mut running = self.start();
        tokio::select! {
            () = self.control.until("a report", |state| state.reports.len() > before) => {}
            ended = &mut running.task => panic!("the worker ended: {ended:?}"),
        }
        running.end().await;
        assert_eq!(std::fs::read_dir(self.data_dir().join("runs")).unwrap().count(), 0, "leftovers");
        self.control.change(|state| state.reports.pop().unwrap())
    }

    /// What the pushed branch holds: path, mode and content of every file.
    pub fn pushed(&self) -> BTreeMap<String, (String, String)> {
        let listing = git(&self.origin(), &["ls-tree", "-r", "-z", "pullwright/result"]);
        let lines = listing.split(|b| *b == 0).filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let line = String::from_utf8_lossy(line).into_owned();
                let (head, path) = line.split_once('\t').unwrap();
                let (mode, oid) = (&head[..6], &head[head.len() - 40..]);
                let content = if mode == "160000" {
                    oid.into()
                } else {
                    git(&self.origin(), &["cat-file", "blob", oid])
                };
                (path.to_owned(), (mode.to_owned(), String::from_utf8_lossy(&content).into_owned()))
            })
            .collect()
    }

    /// The object that a name stands for in the origin.
    pub fn tip(&self, name: &str) -> Oid {
        let id = git(&self.origin(), &["rev-parse", "--verify", name]);
        String::from_utf8(id).unwrap().trim().parse().unwrap()
    }

    pub fn has_branch(&self) -> bool {
        self.origin().join("refs/heads/pullwright/result").exists()
    }
}
