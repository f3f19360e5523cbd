//! Private servers with their data in folders of their own: RabbitMQ, and a PostgreSQL that syncs.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{PostgresAddress, Tls};
use tempfile::TempDir;
use tokio::process::Command;

/// Of PostgreSQL.
pub const PASSWORD: &str = "test";

/// A server; killed when dropped.
pub struct Server {
    script: PathBuf,
    folder: TempDir,
    /// With the password, which is nobody's secret.
    pub address: String,
}

impl Server {
    /// RabbitMQ; `None` where it is not installed.
    pub async fn rabbitmq() -> anyhow::Result<Option<Self>> {
        let programs = std::env::var("RABBITMQ_BIN").unwrap_or_else(|_| "/usr/lib/rabbitmq/bin".to_owned());
        if !Path::new(&programs).join("rabbitmq-server").exists() {
            return Ok(None);
        }
        // It takes three; below those that Linux gives to clients.
        let port = 12_000 + std::process::id() % 6_000 * 3;
        Self::start("rabbitmq", tempfile::tempdir()?, port).await.map(Some)
    }

    /// PostgreSQL; `None` where it is not installed.
    pub async fn postgres() -> anyhow::Result<Option<Self>> {
        if !Path::new("/usr/lib/postgresql").exists() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        // As for a machine of this size; it syncs, as it does by itself.
        std::fs::write(folder.path().join("extra.conf"), "shared_buffers = 512MB\nmax_wal_size = 4GB\n")?;
        Self::start("postgres", folder, 30_500 + std::process::id() % 2_000).await.map(Some)
    }

    /// An empty database on it.
    pub async fn database(&self, name: &str) -> anyhow::Result<PostgresAddress> {
        let mut connection = PgConnection::connect(&self.address).await?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        let port = self.address.rsplit([':', '/']).nth(1).context("no port")?;
        Ok(PostgresAddress {
            host: "127.0.0.1".to_owned(),
            port: port.parse()?,
            user: "pullwright".to_owned(),
            password: Some(PASSWORD.into()),
            database: name.to_owned(),
            tls: Tls::Off,
            root_certificates: None,
        })
    }

    async fn start(script: &str, folder: TempDir, port: u32) -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script);
        let mut server = Self { script, folder, address: String::new() };
        let output = server.command("start").arg(port.to_string()).output().await?;
        let address = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        address.lines().last().context("no address")?.clone_into(&mut server.address);
        Ok(server)
    }

    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.script);
        command.arg(what).arg(self.folder.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to be told of it.
        drop(self.command("kill").as_std_mut().output());
    }
}
