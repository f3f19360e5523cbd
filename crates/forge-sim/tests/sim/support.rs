//! A sim with one repository, a client that has its token, and git without the machine's settings.

use std::path::Path;
use std::process::Output;

use forge_sim::{Sim, SimOptions};
use reqwest::header::HeaderMap;
use serde_json::Value;

pub struct Client {
    pub url: String,
    pub token: String,
    pub client: reqwest::Client,
}

pub struct World {
    pub sim: Sim,
    client: Client,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl World {
    pub async fn start() -> Self {
        let sim = Sim::start(SimOptions::default()).await.unwrap();
        sim.create_repo("acme", "api", &[("README.md", "hello\n")]).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let client = Client { url: sim.url.clone(), token: "sim-token".into(), client };
        Self { sim, client }
    }

    pub fn with_token(&self, token: &str) -> Client {
        Client { url: self.url.clone(), token: token.into(), client: self.client.client.clone() }
    }
}

impl std::ops::Deref for World {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Client {
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.url))).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.client.delete(format!("{}{path}", self.url))).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.try_post(path, body).await.unwrap()
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.client.patch(format!("{}{path}", self.url)).json(&body)).await.unwrap()
    }

    pub async fn try_post(&self, path: &str, body: Value) -> reqwest::Result<Answer> {
        self.send(self.client.post(format!("{}{path}", self.url)).json(&body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.bearer_auth(&self.token).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null);
        Ok(Answer { status, headers, body })
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
