//! A sim with one project, one issue and one merge request, and a forge connected to it.

use std::path::Path;
use std::sync::Arc;

use forge::Forge;
use forge::gitlab::{GitLab, GitLabSettings};
use forge_sim::gitlab::model::{Item, Project};
use forge_sim::{Fault, FaultOrder, GitLabSim, Sim, SimOptions};
use schemas::{ConnectionName, Oid, RepoRef};

/// The project of the tests, in a group of a group.
pub const PROJECT: &str = "acme/backend/api";

pub struct World {
    pub sim: Sim,
    pub gitlab: GitLab,
    /// The same, with the numbers of merge requests.
    pub merge_requests: Arc<dyn Forge>,
    pub repo: RepoRef,
}

pub fn repo(path: &str) -> RepoRef {
    RepoRef::new(&ConnectionName::from("gitlab"), path).unwrap()
}

pub fn connect(url: &str, token: &str) -> GitLab {
    // Like the binary's main: the library takes the process's default.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    GitLab::connect(GitLabSettings { url: url.to_owned(), token: token.to_owned().into(), ca_file: None })
        .unwrap()
}

impl World {
    pub async fn start() -> Self {
        let sim = Sim::start(SimOptions::default()).await.unwrap();
        let there = sim.gitlab();
        there.create_project(PROJECT, "sim-user", &[("README.md", "hello\n")]).await.unwrap();
        there.create_issue(PROJECT, "ana", "It breaks", "Always.", &["bug", "agent:fix"]).unwrap();
        let gitlab = connect(&sim.url, "sim-token");
        let merge_requests = gitlab.for_merge_requests().unwrap();
        Self { gitlab, merge_requests, repo: repo(PROJECT), sim }
    }

    pub fn there(&self) -> GitLabSim<'_> {
        self.sim.gitlab()
    }

    pub fn project(&self) -> Project {
        self.there().project(PROJECT).unwrap()
    }

    pub fn issue(&self) -> Item {
        self.project().issues[&1].clone()
    }

    /// What was said on the issue.
    pub fn notes(&self) -> Vec<String> {
        self.issue().notes.into_iter().map(|note| note.body).collect()
    }

    pub fn fault(&self, method: &str, path: &str, fault: Fault) {
        self.sim.fault(FaultOrder::once(method, path, fault)).unwrap();
    }

    pub async fn head(&self) -> Oid {
        git_ok(&self.there().bare_repo(PROJECT), &["rev-parse", "main"]).await.parse().unwrap()
    }

    /// A branch with one commit more than `main`, made by git itself in the bare repository.
    pub async fn branch(&self, name: &str) -> Oid {
        let bare = self.there().bare_repo(PROJECT);
        let tree = git_ok(&bare, &["rev-parse", "main^{tree}"]).await;
        let commit = git_ok(&bare, &["commit-tree", "-p", "main", "-m", "Change", &tree]).await;
        git_ok(&bare, &["update-ref", &format!("refs/heads/{name}"), &commit]).await;
        commit.parse().unwrap()
    }
}

pub async fn git_ok(folder: &Path, args: &[&str]) -> String {
    let output = tokio::process::Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "t")
        .env("GIT_AUTHOR_EMAIL", "t@localhost")
        .env("GIT_COMMITTER_NAME", "t")
        .env("GIT_COMMITTER_EMAIL", "t@localhost")
        .env_remove("GIT_DIR")
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
