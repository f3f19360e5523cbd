//! The stand-in for GitHub that `pullwright up` writes to.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::deliveries::REPOSITORY;
use crate::process::Role;
use crate::roles::FORGE_TOKEN;

/// A small tree: what each file costs on this disk, it costs the floor as well.
const FILES: usize = 12;
const FILE_LINES: usize = 40;

/// A forge with one repository.
pub struct Forge {
    pub url: String,
    pub address: SocketAddr,
    client: reqwest::Client,
    _role: Role,
}

impl Forge {
    pub async fn start() -> anyhow::Result<Self> {
        let role = Role::start("forge", &[]).await?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let address = role.address;
        let forge = Self { url: format!("http://{address}"), address, client, _role: role };
        let (owner, name) = REPOSITORY;
        forge.order("repos", json!({ "owner": owner, "name": name, "files": files() })).await?;
        Ok(forge)
    }

    /// An issue of somebody who may write, by its number.
    pub async fn issue(&self, login: &str) -> anyhow::Result<u64> {
        let repository = full_name();
        self.order("users", json!({ "login": login, "permissions": { &repository: "write" } })).await?;
        let issue = json!({ "repository": repository, "login": login, "labels": [], "title": "It fails" });
        self.order("issues", issue).await?["number"].as_u64().context("no issue number")
    }

    /// Where git gets the repository.
    pub fn git_url(&self) -> String {
        format!("http://x-access-token:{FORGE_TOKEN}@{}/{}.git", self.address, full_name())
    }

    async fn order(&self, what: &str, body: Value) -> anyhow::Result<Value> {
        let answer = self.client.post(format!("{}/_sim/{what}", self.url)).json(&body).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}

/// `owner/name`
pub fn full_name() -> String {
    format!("{}/{}", REPOSITORY.0, REPOSITORY.1)
}

fn files() -> Map<String, Value> {
    let text = |file: usize| {
        let line = |line| format!("line {line} of file {file} says little, but not the same as others\n");
        (0..FILE_LINES).map(line).collect::<String>()
    };
    (0..FILES).map(|file| (format!("part-{}/file-{file}.txt", file / 4), text(file).into())).collect()
}
