//! A RabbitMQ node of one test, with a user for each role and no more rights than it needs.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const PASSWORD: &str = "a-broker-password-of-the-tests";

/// As `docs/operations.md` says. `main` is the virtual host; `other` is one that nobody may use.
const DEFINITIONS: &str = r#"{
  "vhosts": [{ "name": "main" }, { "name": "other" }],
  "users": [
    { "name": "dispatcher", "password": "PASSWORD", "tags": "" },
    { "name": "ingress", "password": "PASSWORD", "tags": "" },
    { "name": "worker", "password": "PASSWORD", "tags": "" }
  ],
  "permissions": [
    { "user": "dispatcher", "vhost": "main", "configure": "^pullwright\\.", "write": "^pullwright\\.", "read": "^pullwright\\." },
    { "user": "ingress", "vhost": "main", "configure": "^$", "write": "^pullwright\\.deliveries$", "read": "^$" },
    { "user": "worker", "vhost": "main", "configure": "^$", "write": "^$", "read": "^pullwright\\.jobs\\.default$" }
  ]
}"#;

/// A node; gone when the test ends.
pub struct RabbitMq {
    folder: TempDir,
    pub port: u16,
    /// The users'.
    pub password: &'static str,
    /// The ports through which users reach it, where it is not its own.
    pub through: BTreeMap<&'static str, u16>,
}

impl RabbitMq {
    /// A running node; `None`, with the reason printed, on a machine without RabbitMQ.
    pub async fn start() -> Option<Self> {
        let programs = std::env::var("RABBITMQ_BIN").unwrap_or_else(|_| "/usr/lib/rabbitmq/bin".to_owned());
        if !Path::new(&programs).join("rabbitmq-server").exists() {
            let required = std::env::var("PULLWRIGHT_REQUIRE_RABBITMQ").is_ok_and(|value| value == "1");
            assert!(!required, "rabbitmq-server is not installed, and PULLWRIGHT_REQUIRE_RABBITMQ is 1");
            println!("skipped: rabbitmq-server is not installed");
            return None;
        }
        let (folder, through) = (tempfile::tempdir().unwrap(), BTreeMap::new());
        let node = Self { folder, port: free_ports(), password: PASSWORD, through };
        let definitions = node.folder.path().join("definitions.json");
        std::fs::write(&definitions, DEFINITIONS.replace("PASSWORD", PASSWORD)).unwrap();
        let conf = node.folder.path().join("extra.conf");
        std::fs::write(&conf, format!("load_definitions = {}\n", definitions.display())).unwrap();
        node.up().await;
        // Once only: RabbitMQ 3.10 would start the queues of a virtual host a second time.
        std::fs::write(&conf, "").unwrap();
        Some(node)
    }

    /// What `broker:` says for a user; the password is the variable `BROKER_PASSWORD`.
    pub fn address(&self, user: &str, vhost: &str) -> String {
        let port = self.through.get(user).unwrap_or(&self.port);
        format!("amqp://{user}:${{env:BROKER_PASSWORD}}@127.0.0.1:{port}/{vhost}")
    }

    /// Starts it, or starts it again.
    pub async fn up(&self) {
        self.script("start", &[&self.port.to_string()]).await;
    }

    /// As a power cut would.
    pub async fn kill9(&self) {
        // RabbitMQ 3.10 writes down which queues it has in a while only; after a kill in between, a new
        // queue comes back without a leader.
        self.script("ctl", &["eval", "[dets:sync(Table) || Table <- dets:all()]."]).await;
        self.script("kill", &[]).await;
    }

    /// `scripts/rabbitmq COMMAND` on it.
    pub async fn script(&self, command: &str, arguments: &[&str]) -> Output {
        let mut process = Command::new(script());
        process.arg(command).arg(self.folder.path()).args(arguments);
        let output = tokio::task::spawn_blocking(move || process.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("kill").arg(self.folder.path()).output();
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/rabbitmq")
}

/// Three ports in a row that nobody has; below those that Linux gives to clients.
fn free_ports() -> u16 {
    let first = 10_000 + (std::process::id() % 600) * 3;
    for port in (first..first + 1_800).step_by(3).filter_map(|port| u16::try_from(port).ok()) {
        let bound: Vec<_> = (0..3).map(|offset| TcpListener::bind(("127.0.0.1", port + offset))).collect();
        if bound.iter().all(Result::is_ok) {
            return port;
        }
    }
    panic!("no free ports");
}
