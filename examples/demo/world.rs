//! Two processes and their files, gone when the demo ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The repository's name on the stand-in.
pub const REPO: &str = "acme/demo";
/// The person who labels issues.
pub const MAINTAINER: &str = "maintainer";
/// The label that starts the automation.
pub const LABEL: &str = "agent:fix";
/// Where the webhook's secret comes from.
pub const SECRET: &str = "demo-webhook-secret";
const TOKEN: &str = "demo-forge-token";
const PATIENCE: Duration = Duration::from_secs(60);

/// The repository of a demo without `REPO=`: a script that fails on empty input, and its test.
const GREET: &str = "#!/bin/sh\n# Says hello.\nset -eu\necho \"Hello, $1\"\n";
const TEST: &str = "#!/bin/sh\nset -eu\n[ \"$(sh greet.sh Ada)\" = \"Hello, Ada\" ]\n[ \"$(sh greet.sh)\" = \"Hello, world\" ]\necho both greetings are right\n";
const FIX: &str = r#"        - "sh test.sh || echo 'as the issue says: it fails without a name'"
        - "sed -i 's/\\$1/${1:-world}/' greet.sh"
        - "cat greet.sh"
"#;
const NOTE: &str = r#"        - "git log --oneline | head -5"
        - "printf 'Written in a sandbox without network, for: ' > PULLWRIGHT_DEMO.md"
        - "cat /event/title.txt >> PULLWRIGHT_DEMO.md"
"#;

pub struct World {
    pub forge: String,
    pub server: String,
    pub token: String,
    pub issue: u64,
    folder: TempDir,
    sim: Child,
    up: Child,
}

fn program(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("where the demo itself lies is unknown")?;
    let built = here.ancestors().nth(2).map(|folder| folder.join(name)).filter(|path| path.is_file());
    built.with_context(|| format!("the program `{name}` is not built; run `cargo build --workspace` first"))
}

impl World {
    /// Starts both processes and opens the issue.
    pub async fn start(own: Option<&Path>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("pullwright-demo-").tempdir()?;
        let repository = folder.path().join("repository");
        copy(own, &repository).await?;
        let (sim, forge) = start_sim(&repository, &folder.path().join("forge")).await?;
        let ports = free_port()?;
        let server = format!("http://127.0.0.1:{ports}");
        configure(folder.path(), &forge, ports, own.is_some())?;
        let client = reqwest::Client::new();
        let control = async |path: &str, body: Value| -> anyhow::Result<Value> {
            let answer = client.post(format!("{forge}/_sim/{path}")).json(&body).send().await?;
            let answer = answer.error_for_status()?;
            Ok(answer.json().await.unwrap_or(Value::Null))
        };
        control("users", json!({ "login": MAINTAINER, "permissions": { REPO: "write" } })).await?;
        let issue = json!({
            "repository": REPO, "login": MAINTAINER, "labels": [],
            "title": "It fails without a name", "body": "`sh greet.sh` should greet the world.",
        });
        let issue = control("issues", issue).await?["number"].as_u64().context("no issue number")?;
        control("webhooks", json!({ "url": format!("{server}/webhooks/github"), "secret": SECRET })).await?;
        let up = start_up(folder.path())?;
        let mut world = Self { forge, server, token: String::new(), issue, folder, sim, up };
        world.wait_until_ready().await?;
        Ok(world)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let ready = format!("{}/readyz", self.server);
        let waiting = async {
            loop {
                if let Some(status) = self.up.try_wait()? {
                    bail!("`pullwright up` ended with {status}:\n{}", self.log());
                }
                if reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        match waited {
            Ok(done) => done?,
            Err(_) => bail!("`pullwright up` is not ready:\n{}", self.log()),
        }
        let token = self.folder.path().join("data/admin.token");
        self.token = std::fs::read_to_string(&token).context("no admin.token")?.trim().to_owned();
        Ok(())
    }

    /// What `pullwright up` wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("up.log")).unwrap_or_default()
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("pullwright.yaml")
    }

    /// Waits until either process ends: for `KEEP=1`.
    pub async fn keep(&mut self) {
        tokio::select! {
            _ = self.sim.wait() => {}
            _ = self.up.wait() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }

    /// Stops both in order.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        for child in [&mut self.up, &mut self.sim] {
            if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM)
                    .ok();
            }
            tokio::time::timeout(PATIENCE, child.wait()).await.context("it does not stop")??;
        }
        Ok(())
    }
}

/// A bare copy, so that the original is only read.
async fn copy(own: Option<&Path>, to: &Path) -> anyhow::Result<()> {
    let Some(own) = own else {
        std::fs::create_dir_all(to)?;
        std::fs::write(to.join("greet.sh"), GREET)?;
        std::fs::write(to.join("test.sh"), TEST)?;
        return Ok(());
    };
    let cloned = Command::new("git")
        .args(["clone", "--quiet", "--bare", "--no-hardlinks", "--"])
        .args([own, to])
        .status()
        .await
        .context("git cannot be started")?;
    if !cloned.success() {
        bail!("{} cannot be cloned; is it a git repository?", own.display());
    }
    Ok(())
}

async fn start_sim(repository: &Path, data: &Path) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(program("forge-sim")?)
        .args(["--listen", "127.0.0.1:0", "--token", TOKEN])
        .arg("--data")
        .arg(data)
        .arg("--repo")
        .arg(format!("{REPO}={}", repository.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().context("no output")?;
    let mut lines = BufReader::new(output).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??.unwrap_or_default();
    let url = line.rsplit(' ').next().filter(|url| url.starts_with("http"));
    let url = url.with_context(|| format!("the stand-in did not start: {line}"))?.to_owned();
    tokio::spawn(async move { while lines.next_line().await.is_ok_and(|line| line.is_some()) {} });
    Ok((child, url))
}

fn start_up(folder: &Path) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join("up.log"))?;
    let child = Command::new(program("pullwright")?)
        .args(["up", "--log-format", "human", "--config"])
        .arg(folder.join("pullwright.yaml"))
        .env("GITHUB_WEBHOOK_SECRET", SECRET)
        .env("GITHUB_TOKEN", TOKEN)
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

fn configure(folder: &Path, forge: &str, port: u16, own: bool) -> anyhow::Result<()> {
    let validate = if own { "" } else { ", validate: [\"sh test.sh\"]" };
    let settings = format!(
        "listen: {{ webhooks: 127.0.0.1:{port} }}
webhooks:
  github: {{ kind: github, secret: \"${{env:GITHUB_WEBHOOK_SECRET}}\" }}
connections:
  github: {{ kind: github, url: \"{forge}\", auth: {{ token: \"${{env:GITHUB_TOKEN}}\" }} }}
repositories:
  - {{ match: \"github/acme/*\"{validate} }}
"
    );
    let commands = if own { NOTE } else { FIX };
    let automation = format!(
        "version: 1
automations:
  - name: fix-labelled-issue
    on: [{{ source: github, event: issue.labeled, label_command: \"{LABEL}\" }}]
    run:
      timeout: 5m
      commands:
{commands}    output: {{ pull_request: {{}} }}
"
    );
    std::fs::write(folder.join("pullwright.yaml"), settings)?;
    std::fs::create_dir_all(folder.join("automations"))?;
    std::fs::write(folder.join("automations/fix-labelled-issue.yaml"), automation)?;
    Ok(())
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
