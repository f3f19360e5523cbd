//! One RabbitMQ node of a test, with virtual hosts to spare.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use broker::amqp::AmqpSettings;
use lapin::{Channel, Connection, ConnectionProperties};
use schemas::amqp::Address;
use secrecy::ExposeSecret;

use crate::world::eventually;

/// What each node begins with. Making a virtual host by command takes more than a second.
const DEFINITIONS: &str = r#"{
  "users": [
    { "name": "test", "password": "test", "tags": "administrator" },
    { "name": "dispatcher", "password": "test", "tags": "" },
    { "name": "ingress", "password": "test", "tags": "" },
    { "name": "worker", "password": "test", "tags": "" },
    { "name": "stranger", "password": "test", "tags": "" }
  ],
  "vhosts": [ "#;

pub struct Node {
    folder: tempfile::TempDir,
    port: u16,
    next_vhost: std::sync::atomic::AtomicU32,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/rabbitmq")
}

/// Four ports in a row that nobody has; below those that Linux gives to clients (from 32768), or a
/// client that tries to reach a stopped node would be given the node's port, and reach itself.
fn free_ports() -> u16 {
    let first = 10_000 + (std::process::id() % 5_000) * 4;
    for port in (first..first + 2_000).step_by(4).filter_map(|port| u16::try_from(port).ok()) {
        let bound: Vec<_> = (0..4).map(|offset| TcpListener::bind(("127.0.0.1", port + offset))).collect();
        if bound.iter().all(Result::is_ok) {
            return port;
        }
    }
    panic!("no free ports");
}

impl Node {
    /// A running node; `None`, with the reason printed, on a machine without RabbitMQ.
    pub async fn start(extra: &str) -> Option<Self> {
        let programs = std::env::var("RABBITMQ_BIN").unwrap_or_else(|_| "/usr/lib/rabbitmq/bin".to_owned());
        if !Path::new(&programs).join("rabbitmq-server").exists() {
            let required = std::env::var("PULLWRIGHT_REQUIRE_RABBITMQ").is_ok_and(|value| value == "1");
            assert!(!required, "rabbitmq-server is not installed, and PULLWRIGHT_REQUIRE_RABBITMQ is 1");
            println!("skipped: rabbitmq-server is not installed");
            return None;
        }
        let node = Self { folder: tempfile::tempdir().unwrap(), port: free_ports(), next_vhost: 0.into() };
        let vhosts: Vec<String> = (0..16).map(|number| format!("v{number}")).collect();
        let names: Vec<_> = vhosts.iter().map(|name| format!(r#"{{ "name": "{name}" }}"#)).collect();
        let mut permissions: Vec<_> =
            vhosts.iter().map(|vhost| permission("test", vhost, ".*", ".*", ".*")).collect();
        permissions.push(permission(
            "dispatcher",
            "v0",
            r"^pullwright\\.",
            r"^pullwright\\.",
            r"^pullwright\\.",
        ));
        permissions.push(permission("ingress", "v0", "^$", r"^pullwright\\.deliveries$", "^$"));
        permissions.push(permission("worker", "v0", "^$", "^$", r"^pullwright\\.jobs\\.default$"));
        let definitions =
            format!("{DEFINITIONS}{}], \"permissions\": [{}] }}", names.join(","), permissions.join(","));
        let path = node.folder.path().join("definitions.json");
        std::fs::write(&path, definitions).unwrap();
        let extra = extra.replace("FOLDER", &node.folder.path().display().to_string());
        let conf = node.folder.path().join("extra.conf");
        std::fs::write(&conf, format!("load_definitions = {}\n{extra}\n", path.display())).unwrap();
        node.up().await;
        // Once only: RabbitMQ 3.10 would start the queues of a virtual host a second time.
        std::fs::write(&conf, extra).unwrap();
        Some(node)
    }

    pub fn tls_port(&self) -> u16 {
        self.port + 3
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A virtual host that no other test uses.
    pub fn vhost(&self) -> String {
        let number = self.next_vhost.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        assert!(number < 16, "more virtual hosts are needed");
        format!("v{number}")
    }

    pub fn settings(&self, user: &str, vhost: &str) -> AmqpSettings {
        let address = format!("amqp://{user}:test@127.0.0.1:{}/{vhost}", self.port);
        settings_of(&address)
    }

    pub async fn up(&self) {
        let port = self.port.to_string();
        self.script("start", &[&port]).await;
    }

    /// Has RabbitMQ 3.10 write down which queues it has. It does so by itself in a while only; after a
    /// kill in between, a new queue comes back without a leader and without what was in it.
    pub async fn settle(&self) {
        self.ctl(&["eval", "[dets:sync(Table) || Table <- dets:all()]."]).await;
    }

    pub async fn kill(&self) {
        self.script("kill", &[]).await;
    }

    pub async fn ctl(&self, arguments: &[&str]) -> String {
        let output = self.script("ctl", arguments).await;
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    async fn script(&self, command: &str, arguments: &[&str]) -> Output {
        let mut process = Command::new(script());
        process.arg(command).arg(self.folder.path()).args(arguments);
        let output = tokio::task::spawn_blocking(move || process.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("kill").arg(self.folder.path()).output();
    }
}

fn permission(user: &str, vhost: &str, configure: &str, write: &str, read: &str) -> String {
    format!(
        r#"{{ "user": "{user}", "vhost": "{vhost}", "configure": "{configure}", "write": "{write}", "read": "{read}" }}"#
    )
}

/// Settings for an address with its password.
pub fn settings_of(address: &str) -> AmqpSettings {
    let (address, password) = Address::read(address).unwrap();
    AmqpSettings::new(address, password.unwrap().into(), "pullwright test")
}

/// A bare connection, for what only a test does. It must be kept as long as its channel is used.
pub async fn bare(settings: &AmqpSettings) -> (Connection, Channel) {
    let Address { hosts, user, vhost, .. } = &settings.address;
    let uri = format!("amqp://{user}:{}@{}/{vhost}", settings.password.expose_secret(), hosts[0]);
    let connection = Connection::connect(&uri, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

/// Waits until the queue has so many messages ready.
pub async fn has_ready(settings: &AmqpSettings, queue: &str, count: u32) {
    let (_connection, channel) = bare(settings).await;
    let passive = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
    eventually("the queue's length", async || {
        let queue = channel.queue_declare(queue.into(), passive, Default::default()).await.unwrap();
        queue.message_count() == count
    })
    .await;
}
