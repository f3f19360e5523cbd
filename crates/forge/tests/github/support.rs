//! A sim with one repository and one issue, and a forge connected to it.

use std::path::Path;
use std::process::Output;

use forge::github::{GitHub, GitHubAuth, GitHubSettings};
use forge_sim::{Fault, FaultOrder, Sim, SimOptions};
use schemas::{ConnectionName, Oid, RepoRef};

/// Made for these tests; it opens nothing.
pub const APP_KEY: &str = include_str!("app-key.pem");

pub struct World {
    pub sim: Sim,
    pub github: GitHub,
    pub repo: RepoRef,
}

pub fn repo(path: &str) -> RepoRef {
    RepoRef::new(&ConnectionName::from("github"), path).unwrap()
}

pub fn connect(url: &str, auth: GitHubAuth) -> GitHub {
    // Like the binary's main: both libraries take the process's default.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    GitHub::connect(GitHubSettings { url: url.to_owned(), auth, ca_file: None }).unwrap()
}

pub fn token(text: &str) -> GitHubAuth {
    GitHubAuth::Token(text.to_owned().into())
}

impl World {
    pub async fn start() -> Self {
        Self::with(token("sim-token")).await
    }

    pub async fn as_app() -> Self {
        Self::with(GitHubAuth::App { id: 1234, private_key: APP_KEY.to_owned().into() }).await
    }

    async fn with(auth: GitHubAuth) -> Self {
        let sim = Sim::start(SimOptions::default()).await.unwrap();
        sim.create_repo("acme", "api", &[("README.md", "hello\n")]).await.unwrap();
        sim.create_issue("acme", "api", "octocat", "It breaks", "Always.", &["bug", "agent:fix"]).unwrap();
        let github = connect(&sim.url, auth);
        Self { sim, github, repo: repo("acme/api") }
    }

    pub fn fault(&self, method: &str, path: &str, fault: Fault) {
        self.sim.fault(FaultOrder::once(method, path, fault)).unwrap();
    }

    pub async fn head(&self, branch: &str) -> Oid {
        self.sim.branch("acme", "api", branch).await.unwrap().parse().unwrap()
    }

    /// A branch with one commit more than `main`, made by git itself in the bare repository.
    pub async fn branch(&self, name: &str) -> Oid {
        let bare = self.sim.bare_repo("acme", "api");
        let tree = git_ok(&bare, &["rev-parse", "main^{tree}"]).await;
        let commit = git_ok(&bare, &["commit-tree", "-p", "main", "-m", "Change", &tree]).await;
        git_ok(&bare, &["update-ref", &format!("refs/heads/{name}"), &commit]).await;
        commit.parse().unwrap()
    }

    /// The bodies of the issue's comments.
    pub fn comments(&self) -> Vec<String> {
        let issue = self.sim.issue("acme", "api", 1).unwrap();
        issue.comments.into_iter().map(|c| c.body).collect()
    }
}

pub async fn git(folder: &Path, args: &[&str]) -> Output {
    tokio::process::Command::new("git")
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
        .unwrap()
}

pub async fn git_ok(folder: &Path, args: &[&str]) -> String {
    let output = git(folder, args).await;
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
