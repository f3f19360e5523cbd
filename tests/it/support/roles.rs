//! A world whose ingress and dispatcher are processes of their own, with RabbitMQ between them. What a
//! [`World`] says of `up` it then says of the dispatcher.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::free_port;
use super::plan::SECRET;
use super::rabbitmq::RabbitMq;
use super::world::World;

/// A `pullwright ingress`.
pub struct Ingress {
    port: u16,
    child: Option<Child>,
}

impl World {
    /// A command of this world with the secrets of `role` alone, on this node as the user of that name.
    pub fn role_command(&self, role: &str, node: &RabbitMq) -> Command {
        let mut command = self.command(&[role, "--log-format", "json"]);
        let others: &[&str] = match role {
            "ingress" => &["GITHUB_TOKEN", "DB_PASSWORD"],
            "dispatcher" => &["GITHUB_WEBHOOK_SECRET"],
            _ => &[],
        };
        for name in others {
            command.env_remove(name);
        }
        let user = if role == "ingress" { role } else { "dispatcher" };
        command.env("PULLWRIGHT__BROKER", node.address(user, "main"));
        command.env("BROKER_PASSWORD", node.password);
        let log = std::fs::File::options().create(true).append(true).open(self.path("up.log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        command
    }

    /// Starts the dispatcher and waits until it answers.
    pub async fn start_dispatcher(&mut self, node: &RabbitMq) {
        self.up = Some(self.role_command("dispatcher", node).spawn().unwrap());
        self.until_up().await;
    }

    /// Starts `pullwright up` on RabbitMQ and waits until it answers.
    pub async fn start_on(&mut self, node: &RabbitMq) {
        self.up = Some(self.role_command("up", node).spawn().unwrap());
        self.until_up().await;
    }

    /// Starts an ingress; the forge delivers to it.
    pub async fn ingress(&self, node: &RabbitMq) -> Ingress {
        let mut ingress = Ingress { port: free_port(), child: None };
        self.sim.add_webhook(&ingress.url("/webhooks/github"), SECRET, &[]);
        ingress.start(self, node).await;
        ingress
    }

    /// Waits until `/readyz` says that all is well, at `url`.
    pub async fn until_ready(&self, url: &str) {
        self.wait(&format!("{url} ready"), async || {
            let answer = self.http.get(url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }
}

impl Ingress {
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Starts it, again where it was; it takes deliveries when this returns.
    pub async fn start(&mut self, world: &World, node: &RabbitMq) {
        let mut command = world.role_command("ingress", node);
        command.env("PULLWRIGHT__LISTEN__WEBHOOKS", format!("127.0.0.1:{}", self.port));
        self.child = Some(command.spawn().unwrap());
        world.until_ready(&self.url("/readyz")).await;
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).expect("it is not running")
    }

    pub async fn end(&mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
        let mut child = self.child.take().expect("it is not running");
        tokio::time::timeout(Duration::from_secs(30), child.wait()).await.expect("it does not end").unwrap()
    }

    /// A signed delivery: the status, and the text.
    pub async fn deliver(&self, world: &World, guid: &str, body: &str) -> (u16, String) {
        let request = world
            .http
            .post(self.url("/webhooks/github"))
            .header("content-type", "application/json")
            .header("x-github-event", "issues")
            .header("x-github-delivery", guid)
            .header("x-hub-signature-256", super::deliver::sign(body.as_bytes()));
        match request.body(body.to_owned()).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
            Err(error) => (0, error.to_string()),
        }
    }
}
