//! What teams use today to take webhooks: each starts as its documentation says, on a private port,
//! and is ended with its folder.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Duration, sleep, timeout};

use crate::process::PATIENCE;
use crate::scheme::SECRET;

/// Debian's `webhook` (adnanh/webhook): checks the signature and starts a command.
pub struct DebianWebhook {
    pub address: SocketAddr,
    _child: Child,
    _folder: TempDir,
}

/// An app of Probot that puts each webhook on a queue of BullMQ in a Redis that syncs every second.
pub struct Probot {
    pub address: SocketAddr,
    _app: Child,
    _redis: Child,
    _folder: TempDir,
}

impl DebianWebhook {
    /// It, running; `None` where it is not installed.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        if !installed("webhook") {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let hooks = serde_json::json!([{
            "id": "github",
            "execute-command": "/bin/true",
            "trigger-rule": { "match": {
                "type": "payload-hmac-sha256",
                "secret": SECRET,
                "parameter": { "source": "header", "name": "X-Hub-Signature-256" },
            } },
        }]);
        std::fs::write(folder.path().join("hooks.json"), hooks.to_string())?;
        let address = free()?;
        let child = quiet("webhook")
            .args(["-ip", "127.0.0.1", "-port", &address.port().to_string(), "-hooks", "hooks.json"])
            .current_dir(folder.path())
            .spawn()?;
        answering(address).await?;
        Ok(Some(Self { address, _child: child, _folder: folder }))
    }
}

impl Probot {
    /// It, running; `None` where `npm` or `redis-server` is missing.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        if !installed("npm") || !installed("redis-server") {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/probot");
        for file in ["package.json", "app.js"] {
            std::fs::copy(app.join(file), folder.path().join(file))?;
        }
        let install = quiet("npm")
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(folder.path())
            .status();
        if !timeout(PATIENCE, install).await??.success() {
            bail!("`npm install` failed in a copy of {}", app.display());
        }
        let (redis_address, address) = (free()?, free()?);
        let redis = quiet("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &redis_address.port().to_string(), "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "everysec"])
            .current_dir(folder.path())
            .spawn()?;
        answering(redis_address).await?;
        let mut app = quiet("node")
            .arg("app.js")
            .current_dir(folder.path())
            .env("SECRET", SECRET)
            .env("PORT", address.port().to_string())
            .env("REDIS_PORT", redis_address.port().to_string())
            .env("NODE_ENV", "production")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(app.stdout.take().context("no output")?).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if line == "ready" {
                    return Ok(());
                }
            }
            bail!("the app of Probot ended at its start")
        };
        timeout(PATIENCE, ready).await??;
        // Whatever it prints later is read and forgotten, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        answering(address).await?;
        Ok(Some(Self { address, _app: app, _redis: redis, _folder: folder }))
    }
}

fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// An address that was free a moment ago.
fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn answering(address: SocketAddr) -> anyhow::Result<()> {
    let connecting = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, connecting).await.with_context(|| format!("nothing answers at {address}"))
}
