//! The shipped `pullwright up` with a folder of its own.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use schemas::{Clock, SystemClock};
use serde_json::Value;
use store::PostgresAddress;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::forge::Forge;
use crate::http::{Answer, Connection};
use crate::process::{self, PATIENCE};
use crate::roles::FORGE_TOKEN;
use crate::scheme::SECRET;
use crate::servers::PASSWORD;

/// How often something is looked for.
const LOOK: Duration = Duration::from_millis(1);

/// Configuration and data; what a start leaves, the next one finds.
pub struct Site {
    folder: TempDir,
    /// Records in PostgreSQL, where they are not in the data folder.
    database: Option<String>,
}

/// A running `pullwright up`; killed when dropped.
pub struct Up {
    pub address: SocketAddr,
    pub child: Child,
    /// From its start to the first 200 of `/healthz` and `/readyz`.
    pub healthy_after: Duration,
    pub ready_after: Duration,
    began: DateTime<Utc>,
    token: String,
    log: PathBuf,
    client: reqwest::Client,
}

impl Site {
    /// A site whose one automation runs `command` for the label; `more` are lines of that automation.
    pub fn new(forge: &Forge, label: &str, command: &str, more: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("pullwright-figures-").tempdir()?;
        // The sandbox's user passes through on the way to its room.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        let settings = format!(
            "webhooks:
  github: {{ kind: github, secret: \"${{env:GITHUB_WEBHOOK_SECRET}}\" }}
connections:
  github: {{ kind: github, url: \"{}\", auth: {{ token: \"${{env:GITHUB_TOKEN}}\" }} }}
",
            forge.url
        );
        let automation = format!(
            "version: 1
automations:
  - name: fix-labelled-issue
    on: [{{ source: github, event: issue.labeled, label_command: \"{label}\" }}]
{more}    run: {{ timeout: 5m, commands: [\"{command}\"] }}
    output: {{ pull_request: {{}} }}
"
        );
        std::fs::write(folder.path().join("pullwright.yaml"), settings)?;
        std::fs::create_dir(folder.path().join("automations"))?;
        std::fs::write(folder.path().join("automations/fix-labelled-issue.yaml"), automation)?;
        Ok(Self { folder, database: None })
    }

    /// The same with its records in that database.
    pub fn on(self, database: &PostgresAddress) -> Self {
        let PostgresAddress { user, host, port, database, .. } = database;
        let database = format!("postgres://{user}:${{env:DB_PASSWORD}}@{host}:{port}/{database}");
        Self { database: Some(database), ..self }
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self) -> anyhow::Result<Up> {
        let log = self.folder.path().join("up.log");
        // A port that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_pullwright"));
        command
            .args(["--log-format", "json", "--config"])
            .arg(self.folder.path().join("pullwright.yaml"))
            .arg("up")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PULLWRIGHT__LISTEN__WEBHOOKS", address.to_string())
            .env("GITHUB_WEBHOOK_SECRET", SECRET)
            .env("GITHUB_TOKEN", FORGE_TOKEN)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true);
        if let Some(database) = &self.database {
            command.env("PULLWRIGHT__DATABASE", database).env("DB_PASSWORD", PASSWORD);
        }
        let clock = SystemClock::new();
        let began = clock.now();
        let mut child = command.spawn().context("pullwright cannot be started")?;
        let mut healthy_after = None;
        let ready_after = loop {
            if healthy_after.is_none() && is_fine(address, "/healthz").await {
                healthy_after = Some(clock.monotonic());
            }
            if healthy_after.is_some() && is_fine(address, "/readyz").await {
                break clock.monotonic();
            }
            if child.try_wait()?.is_some() || clock.monotonic() > PATIENCE {
                bail!("`pullwright up` is not ready:\n{}", std::fs::read_to_string(&log)?);
            }
            tokio::time::sleep(LOOK).await;
        };
        let token = std::fs::read_to_string(self.folder.path().join("data/admin.token"))?.trim().to_owned();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let healthy_after = healthy_after.unwrap_or(ready_after);
        Ok(Up { address, child, healthy_after, ready_after, began, token, log, client })
    }

    /// What `data_dir` is.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Bytes of a file in the data folder.
    pub fn size(&self, file: &str) -> u64 {
        std::fs::metadata(self.data_dir().join(file)).map_or(0, |found| found.len())
    }
}

/// Whether it answers 200 there.
pub async fn is_fine(address: SocketAddr, path: &str) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    connection.get(path).await.is_ok_and(|Answer { status, .. }| status == 200)
}

impl Up {
    /// One call of the API.
    pub async fn api(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let answer = self.client.get(url).bearer_auth(&self.token).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// A page as text.
    pub async fn text(&self, path: &str) -> anyhow::Result<String> {
        let url = format!("http://{}{path}", self.address);
        Ok(self.client.get(url).send().await?.error_for_status()?.text().await?)
    }

    /// Waits until the sandbox was probed and the worker takes jobs; how long after the start that was.
    pub async fn until_taking_jobs(&self) -> anyhow::Result<Duration> {
        let looking = async {
            loop {
                let log = std::fs::read_to_string(&self.log)?;
                let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
                if let Some(line) = lines.into_iter().find(|line| line["message"] == "taking jobs") {
                    let at: DateTime<Utc> = line["timestamp"].as_str().unwrap_or_default().parse()?;
                    return Ok((at - self.began).to_std().unwrap_or_default());
                }
                tokio::time::sleep(LOOK * 10).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.context("the worker takes no jobs")?
    }

    /// Ends it in order.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        process::end(&mut self.child).await
    }
}
