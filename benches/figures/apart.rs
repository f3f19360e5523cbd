//! The shipped `pullwright ingress` and `pullwright dispatcher`, on RabbitMQ and PostgreSQL, with
//! workers that do nothing.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use schemas::{Clock, SystemClock};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::process::{PATIENCE, Role};
use crate::roles::FORGE_TOKEN;
use crate::scheme::SECRET;
use crate::servers::Server;
use crate::site::is_fine;

/// The processes of one deployment; killed when dropped.
pub struct Apart {
    folder: TempDir,
    /// Where webhooks go.
    pub ingress: SocketAddr,
    dispatcher: SocketAddr,
    _children: [Child; 2],
}

impl Apart {
    /// Starts both and waits until they are ready.
    pub async fn start(
        forge: SocketAddr,
        node: &Server,
        database: &Server,
        automation: &str,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("pullwright-figures-").tempdir()?;
        let settings = format!(
            "webhooks:
  github: {{ kind: github, secret: \"${{env:GITHUB_WEBHOOK_SECRET}}\" }}
connections:
  github: {{ kind: github, url: \"http://{forge}\", auth: {{ token: \"${{env:GITHUB_TOKEN}}\" }} }}
broker: \"{}\"
database: \"{}\"
",
            node.address.replace(":guest@", ":${env:BROKER_PASSWORD}@"),
            database.address.replace(":test@", ":${env:DB_PASSWORD}@"),
        );
        std::fs::write(folder.path().join("pullwright.yaml"), settings)?;
        std::fs::create_dir(folder.path().join("automations"))?;
        std::fs::write(folder.path().join("automations/all.yaml"), automation)?;
        let secrets = [("GITHUB_TOKEN", FORGE_TOKEN), ("DB_PASSWORD", "test")];
        let (dispatcher, first) = role(folder.path(), "dispatcher", &secrets).await?;
        let (ingress, second) = role(folder.path(), "ingress", &[("GITHUB_WEBHOOK_SECRET", SECRET)]).await?;
        Ok(Self { folder, ingress, dispatcher, _children: [first, second] })
    }

    /// Enrols a worker that does nothing in so many slots, and starts it.
    pub async fn idle_worker(&self, name: &str, slots: usize) -> anyhow::Result<Role> {
        let output = pullwright(self.folder.path(), &["--server", &format!("http://{}", self.dispatcher)])
            .args(["workers", "enrol", name])
            .output()
            .await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout)?;
        let (url, slots) = (format!("http://{}", self.dispatcher), slots.to_string());
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder)?;
        let arguments: [&OsStr; 4] = [url.as_ref(), token.trim().as_ref(), folder.as_ref(), slots.as_ref()];
        Role::start("idle-worker", &arguments).await
    }
}

fn pullwright(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pullwright"));
    command
        .args(arguments)
        .arg("--config")
        .arg(folder.join("pullwright.yaml"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Starts a role, with its log in the folder, and waits until it is ready.
async fn role(folder: &Path, name: &str, secrets: &[(&str, &str)]) -> anyhow::Result<(SocketAddr, Child)> {
    let log = folder.join(format!("{name}.log"));
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut child = pullwright(folder, &["--log-format", "json", name])
        .env("PULLWRIGHT__LISTEN__WEBHOOKS", address.to_string())
        .env("BROKER_PASSWORD", "guest")
        .envs(secrets.iter().copied())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log)?)
        .spawn()
        .context("pullwright cannot be started")?;
    let clock = SystemClock::new();
    while !is_fine(address, "/readyz").await {
        if child.try_wait()?.is_some() || clock.monotonic() > PATIENCE {
            bail!("`pullwright {name}` is not ready:\n{}", std::fs::read_to_string(&log)?);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok((address, child))
}
