//! A PostgreSQL server for one test, with databases to spare.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use store::{PostgresAddress, Tls};

/// A server: this test's own, or the one whose folder `PULLWRIGHT_TEST_POSTGRES` names.
pub struct Server {
    pub folder: PathBuf,
    port: u16,
    own: Option<tempfile::TempDir>,
}

fn script() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().map(|folder| folder.join("scripts/postgres")).find(|script| script.exists()).unwrap()
}

/// A port that nobody has; below those that Linux gives to clients (from 32768), or a client that
/// tries to reach a stopped server would be given its port, and reach itself.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() * 13;
    loop {
        let step = first + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 30_000 + u16::try_from(step % 2_700).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Server {
    /// Whichever there is; `None`, with the reason printed, on a machine without PostgreSQL.
    pub async fn find() -> Option<Self> {
        match Self::named() {
            Some(named) => Some(named),
            // Nobody pulls its plug.
            None => Self::start("fsync = off").await,
        }
    }

    /// The one that the environment names.
    pub fn named() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("PULLWRIGHT_TEST_POSTGRES")?);
        let port = std::fs::read_to_string(folder.join("port")).unwrap().trim().parse().unwrap();
        Some(Self { folder, port, own: None })
    }

    /// One of its own, which may be stopped and killed.
    pub async fn start(extra: &str) -> Option<Self> {
        if !Path::new("/usr/lib/postgresql").exists() {
            let required = std::env::var("PULLWRIGHT_REQUIRE_POSTGRESQL").is_ok_and(|value| value == "1");
            assert!(!required, "PostgreSQL is not installed, and PULLWRIGHT_REQUIRE_POSTGRESQL is 1");
            println!("skipped: PostgreSQL is not installed");
            return None;
        }
        let own = tempfile::tempdir().unwrap();
        std::fs::write(own.path().join("extra.conf"), extra).unwrap();
        let server = Self { folder: own.path().to_owned(), port: free_port(), own: Some(own) };
        server.up().await;
        Some(server)
    }

    pub async fn up(&self) {
        self.script("start", &[&self.port.to_string()]).await;
    }

    pub fn address(&self, database: &str) -> PostgresAddress {
        PostgresAddress {
            host: "127.0.0.1".into(),
            port: self.port,
            user: "pullwright".into(),
            password: Some("test".into()),
            database: database.into(),
            tls: Tls::Prefer,
            root_certificates: None,
        }
    }

    /// An empty database that no other test uses.
    pub async fn database(&self) -> PostgresAddress {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        self.script("psql", &["-qc", &format!("CREATE DATABASE {name}")]).await;
        self.address(&name)
    }

    /// `scripts/postgres COMMAND` on it.
    pub async fn script(&self, command: &'static str, arguments: &[&str]) {
        let mut process = Command::new(script());
        process.arg(command).arg(&self.folder).args(arguments);
        let output = tokio::task::spawn_blocking(move || process.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.own.is_some() {
            let _ = Command::new(script()).arg("kill").arg(&self.folder).output();
        }
    }
}
