//! What a world is made of: repository, people, configuration, automations.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use forge_sim::{Permission, Sim, SimOptions};

use super::world::World;

pub const OWNER: &str = "acme";
pub const NAME: &str = "api";
pub const REPO: &str = "acme/api";
/// May write to the repository.
pub const MAINTAINER: &str = "maintainer";
/// May read it.
pub const STRANGER: &str = "stranger";
pub const LABEL: &str = "agent:fix";
pub const SECRET: &str = "a-webhook-secret-of-the-tests";
pub const TOKEN: &str = "a-forge-token-of-the-tests";

/// How a world is to be; the defaults are the main job.
pub struct Plan {
    automations: Vec<String>,
    settings: String,
    repository: String,
    /// More entries of `webhooks`, `connections` and `repositories`.
    entries: [String; 3],
    env: Vec<(String, String)>,
    files: Vec<(&'static str, &'static str)>,
    forge_token: &'static str,
    webhook: bool,
}

/// An automation that listens to [`LABEL`], runs `commands` and opens a pull request.
pub fn automation(name: &str, commands: &[&str], more: &str) -> String {
    let commands = serde_json::to_string(commands).unwrap();
    let on = format!("[{{ source: github, event: issue.labeled, label_command: \"{LABEL}\" }}]");
    let body =
        format!("    run: {{ timeout: 60s, commands: {commands} }}\n    output: {{ pull_request: {{}} }}\n");
    let body = if more.contains("run:") { String::new() } else { body };
    format!("version: 1\nautomations:\n  - name: {name}\n    on: {on}\n{body}{more}")
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            automations: Vec::new(),
            settings: String::new(),
            repository: String::new(),
            entries: Default::default(),
            env: Vec::new(),
            files: vec![("README.md", "hello\n"), ("src/greet.sh", "echo hello\n")],
            forge_token: TOKEN,
            webhook: true,
        }
    }
}

impl Plan {
    /// The automation `fix` with these commands.
    pub fn running(commands: &[&str]) -> Self {
        Self::default().automation(automation("fix", commands, ""))
    }

    /// One more file of automations.
    pub fn automation(mut self, yaml: impl Into<String>) -> Self {
        self.automations.push(yaml.into());
        self
    }

    /// More sections of `pullwright.yaml`.
    pub fn settings(mut self, yaml: &str) -> Self {
        self.settings.push_str(yaml);
        self.settings.push('\n');
        self
    }

    /// What `repositories:` says of every repository, as `key: value, …`.
    pub fn repository(mut self, yaml: &str) -> Self {
        self.repository = format!(", {yaml}");
        self
    }

    /// One more sender `name` of `kind`, its webhook's secret under `key`, its connection at the stand-in.
    pub fn sender(mut self, name: &str, kind: &str, key: &str) -> Self {
        let [webhooks, connections, _] = &mut self.entries;
        let _ = writeln!(webhooks, "  {name}: {{ kind: {kind}, {key}: \"${{env:GITHUB_WEBHOOK_SECRET}}\" }}");
        let token = "token: \"${env:GITHUB_TOKEN}\"";
        let _ = writeln!(connections, "  {name}: {{ kind: {kind}, url: \"SIM\", auth: {{ {token} }} }}");
        self
    }

    /// One more entry of `repositories`.
    pub fn rule(mut self, entry: &str) -> Self {
        let _ = writeln!(self.entries[2], "  - {entry}");
        self
    }

    /// A variable of the process.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The token that Pullwright shows the forge.
    pub fn forge_token(mut self, token: &'static str) -> Self {
        self.forge_token = token;
        self
    }

    /// The forge sends no webhooks; the test delivers.
    pub fn without_webhook(mut self) -> Self {
        self.webhook = false;
        self
    }

    /// Starts the forge alone and writes the files.
    pub async fn prepare(self) -> World {
        let sim = self.forge().await;
        self.prepare_on(sim)
    }

    /// Starts another Pullwright on the forge of `world`, with the same token.
    pub async fn start_beside(self, world: &World) -> World {
        let mut beside = self.prepare_on(Arc::clone(&world.sim));
        beside.start().await;
        beside
    }

    async fn forge(&self) -> Arc<Sim> {
        let options = SimOptions { token: TOKEN.to_owned(), ..SimOptions::default() };
        let sim = Sim::start(options).await.unwrap();
        sim.create_repo(OWNER, NAME, &self.files).await.unwrap();
        sim.add_user(MAINTAINER, OWNER, NAME, Permission::Write).unwrap();
        sim.add_user(STRANGER, OWNER, NAME, Permission::Read).unwrap();
        Arc::new(sim)
    }

    fn prepare_on(self, sim: Arc<Sim>) -> World {
        let folder = tempfile::Builder::new().prefix("pullwright-it-").tempdir().unwrap();
        let port = free_port();
        if self.webhook {
            sim.add_webhook(&format!("http://127.0.0.1:{port}/webhooks/github"), SECRET, &[]);
        }
        let world = World {
            program: env!("CARGO_BIN_EXE_pullwright").into(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            folder,
            port,
            sim,
            up: None,
            env: self.env,
            forge_token: self.forge_token,
        };
        let [webhooks, connections, rules] = self.entries;
        let connections = connections.replace("SIM", &world.sim.url);
        let settings = format!(
            "listen: {{ webhooks: 127.0.0.1:{port} }}
webhooks:
  github: {{ kind: github, secret: \"${{env:GITHUB_WEBHOOK_SECRET}}\" }}
{webhooks}connections:
  github: {{ kind: github, url: \"{}\", auth: {{ token: \"${{env:GITHUB_TOKEN}}\" }} }}
{connections}repositories:
  - {{ match: \"github/acme/*\"{} }}
{rules}{}",
            world.sim.url, self.repository, self.settings
        );
        std::fs::write(world.config(), settings).unwrap();
        std::fs::create_dir_all(world.path("automations")).unwrap();
        for (number, automation) in self.automations.iter().enumerate() {
            std::fs::write(world.path(&format!("automations/{number}.yaml")), automation).unwrap();
        }
        world
    }

    /// Starts it all; Pullwright answers when this returns.
    pub async fn start(self) -> World {
        let mut world = self.prepare().await;
        world.start().await;
        world
    }
}

/// A port outside the range that the kernel takes for outgoing connections: a client that knocks
/// while nobody listens could otherwise be given that very port.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() * 13;
    loop {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 12_000 + u16::try_from((start + step) % 20_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
