//! The version before, process by process, in the order that `docs/operations.md` gives.

use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::load::LONG;
use crate::site::Site;

/// The load is spread over the change of all processes.
pub const WITHIN: Duration = Duration::from_secs(10);

/// Which version the processes are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The one that is tested.
    This,
    /// The one whose program `PREVIOUS` names.
    Before,
}

impl Version {
    /// The program of the version before, where there is one.
    pub fn before() -> Option<PathBuf> {
        std::env::var_os("PREVIOUS").map(PathBuf::from)
    }

    fn program(self) -> PathBuf {
        match self {
            Self::This => env!("CARGO_BIN_EXE_pullwright").into(),
            Self::Before => Self::before().expect("PREVIOUS names the program of the version before"),
        }
    }
}

impl Site {
    /// Every process is of this version when it returns. Who reads goes first, and last on the way back.
    pub async fn run_as(&mut self, version: Version) {
        if self.version == version {
            return;
        }
        self.version = version;
        match version {
            Version::This => {
                self.replace_workers().await;
                self.replace_dispatcher().await;
                self.replace_ingress().await;
            }
            Version::Before => {
                self.replace_ingress().await;
                self.replace_dispatcher().await;
                self.replace_workers().await;
            }
        }
    }

    /// The same while a job goes on that is longer than the change of any process.
    pub async fn run_as_beside_a_job(&mut self, version: Version) {
        let issue = self.world.issue(LONG);
        self.world.label(issue);
        self.world.run_when(issue, "at its commands", |run| run["step"] == "commands").await;
        self.run_as(version).await;
        let run = self.world.finished(issue).await;
        assert_eq!(run["outcome"], "succeeded", "{run:#}");
        assert!(run["epoch"].as_u64().is_some_and(|epoch| epoch <= 2), "{run:#}");
        assert_eq!((self.world.pulls_for(issue).len(), self.world.our_comments(issue).len()), (1, 1));
    }

    async fn replace_ingress(&mut self) {
        self.ingress.end(Signal::SIGTERM).await;
        self.world.program = self.version.program();
        self.start_ingress().await;
    }

    async fn replace_dispatcher(&mut self) {
        self.world.stop().await;
        if self.version == Version::Before {
            self.undo_what_is_newer().await;
        }
        self.world.program = self.version.program();
        self.start_dispatcher().await;
    }

    /// The newer version takes the tables back to what the older one says that it knows.
    async fn undo_what_is_newer(&mut self) {
        self.world.program = Version::Before.program();
        let rows = self.world.cli(&["db", "status", "--json"]).await;
        let rows: Vec<Value> = serde_json::from_slice(&rows.stdout).unwrap();
        let known = rows.iter().rfind(|row| row["state"] != "of a newer version");
        let newest = known.unwrap()["migration"].as_str().unwrap();
        self.world.program = Version::This.program();
        let undone = self.world.cli(&["db", "migrate", "--to", newest]).await;
        assert!(undone.status.success(), "{}", String::from_utf8_lossy(&undone.stderr));
    }

    /// One is drained first, the other one just stopped: it hands back what it holds.
    async fn replace_workers(&mut self) {
        let name = self.workers[0].name.clone();
        self.world.post(&format!("workers/{name}/drain")).await;
        self.world
            .wait("a drained worker", async || {
                let row = self.world.api(&format!("workers/{name}")).await.1;
                row["holds"].as_array()?.is_empty().then_some(())
            })
            .await;
        self.replace_worker(0).await;
        self.world.post(&format!("workers/{name}/resume")).await;
        self.replace_worker(1).await;
    }

    async fn replace_worker(&mut self, which: usize) {
        self.workers[which].signal(Signal::SIGTERM);
        self.workers[which].ended().await;
        self.start_worker(which, &self.version.program());
    }
}
