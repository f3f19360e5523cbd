//! A listening intake with one GitHub webhook, and a client that speaks bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker::fake::MemoryQueue;
use broker::{PublishError, Publisher};
use hmac::{Hmac, KeyInit, Mac};
use ingress::body::BodyLimits;
use ingress::{ConnectionLimits, Intake, IntakeLimits, Route, Stop, router, serve};
use schemas::Delivery;
use schemas::clock::FakeClock;
use senders::{GitHub, Sender};
use sha2::Sha256;
use telemetry::Meters;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub const SECRET: &[u8] = b"the webhook's secret";
/// No test waits longer for a peer.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct World {
    pub address: SocketAddr,
    pub queue: MemoryQueue,
    pub clock: Arc<FakeClock>,
    pub stop: Stop,
    pub server: JoinHandle<()>,
}

/// Limits short enough to be reached in a test.
pub fn short_limits() -> (IntakeLimits, ConnectionLimits) {
    let short = Duration::from_millis(300);
    let body = BodyLimits { bytes: 64 << 10, idle: short, total: Duration::from_secs(2) };
    let intake = IntakeLimits { body, publish: short, ..IntakeLimits::default() };
    (intake, ConnectionLimits { header_timeout: short, ..ConnectionLimits::default() })
}

impl World {
    pub async fn new() -> Self {
        let (intake, connections) = short_limits();
        Self::with(intake, connections).await
    }

    pub async fn with(limits: IntakeLimits, connections: ConnectionLimits) -> Self {
        Self::of(Route::new(github()), limits, connections).await
    }

    pub async fn of(route: Route, limits: IntakeLimits, connections: ConnectionLimits) -> Self {
        let queue = MemoryQueue::default();
        let publisher = Arc::new(queue.clone());
        let world = Self::publishing(route, publisher, limits, connections).await;
        Self { queue, ..world }
    }

    /// A world whose queue is `publisher`, and `queue` stays empty.
    pub async fn publishing(
        route: Route,
        publisher: Arc<dyn Publisher>,
        limits: IntakeLimits,
        connections: ConnectionLimits,
    ) -> Self {
        let now = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Arc::new(FakeClock::new(now, 7));
        let webhooks = [("github".into(), route)].into();
        let time = Arc::<FakeClock>::clone(&clock);
        let intake = Intake::new(webhooks, publisher, time, limits, Meters::global());
        let world = Self::serving(router(intake), connections).await;
        Self { clock, ..world }
    }

    pub async fn serving(app: axum::Router, connections: ConnectionLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::default();
        let server = tokio::spawn(serve(listener, app, connections, stop.clone()));
        let clock = Arc::new(FakeClock::new(chrono::DateTime::UNIX_EPOCH, 0));
        Self { address, queue: MemoryQueue::default(), clock, stop, server }
    }

    pub async fn connect(&self) -> Client {
        Client::to(self.address).await
    }

    /// Sends one request on a connection of its own; what comes back until the server closes it.
    pub async fn exchange(&self, request: &[u8]) -> Answer {
        exchange(self.address, request).await
    }
}

/// The webhook's sender.
pub fn github() -> Sender {
    Sender::GitHub(GitHub::new(vec![SECRET.to_vec()]).unwrap())
}

/// A queue that stores nothing before it is opened.
#[derive(Debug)]
pub struct Gate {
    /// Has a permit for each delivery that has arrived.
    pub arrived: Semaphore,
    /// A permit lets one delivery through.
    pub open: Semaphore,
}

impl Gate {
    pub fn closed() -> Arc<Self> {
        Arc::new(Self { arrived: Semaphore::new(0), open: Semaphore::new(0) })
    }

    /// Returns when so many further deliveries have arrived.
    pub async fn arrivals(&self, count: u32) {
        timeout(PATIENCE, self.arrived.acquire_many(count)).await.unwrap().unwrap().forget();
    }
}

#[async_trait::async_trait]
impl Publisher for Gate {
    async fn publish(&self, _: Delivery) -> Result<(), PublishError> {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
        Ok(())
    }
}

pub struct Client(pub TcpStream);

impl Client {
    pub async fn to(address: SocketAddr) -> Self {
        Self(timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap())
    }

    /// The status of the next answer; its body is read, the connection stays open.
    pub async fn next_status(&mut self) -> u16 {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, self.0.read_u8()).await.unwrap().unwrap());
        }
        let answer = Answer(String::from_utf8(head).unwrap());
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        self.0.read_exact(&mut vec![0; length]).await.unwrap();
        answer.status()
    }

    /// Sends; a server that has closed already is not an error here.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Everything until the server closes the connection.
    pub async fn rest(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        // A reset after the answer ends the connection as well.
        while let Ok(read @ 1..) = timeout(PATIENCE, self.0.read(&mut piece)).await.unwrap() {
            bytes.extend_from_slice(&piece[..read]);
        }
        Answer(String::from_utf8(bytes).unwrap())
    }
}

#[derive(Debug)]
pub struct Answer(pub String);

impl Answer {
    /// The status of each answer, in order.
    pub fn statuses(&self) -> Vec<u16> {
        self.0.split("HTTP/1.").skip(1).map(|rest| rest[2..5].parse().unwrap()).collect()
    }

    /// The status of the only answer; 0 for none.
    pub fn status(&self) -> u16 {
        let statuses = self.statuses();
        assert!(statuses.len() <= 1, "{self:?}");
        statuses.first().copied().unwrap_or(0)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.0.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next()?;
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// Sends one request on a connection of its own; what comes back until the server closes it.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let mut client = Client::to(address).await;
    client.send(request).await;
    client.rest().await
}

pub fn sign(body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap().chain_update(body).finalize();
    format!("sha256={}", hex::encode(mac.into_bytes()))
}

/// A request as GitHub sends it, with lines to leave out (by name) and to add.
pub fn request(body: &[u8], leave_out: &[&str], add: &[&str]) -> Vec<u8> {
    let lines = [
        "Host: localhost".to_owned(),
        "Connection: close".to_owned(),
        "Content-Type: application/json".to_owned(),
        format!("Content-Length: {}", body.len()),
        "X-GitHub-Event: issues".to_owned(),
        "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958".to_owned(),
        "User-Agent: GitHub-Hookshot/044aadd".to_owned(),
        format!("X-Hub-Signature-256: {}", sign(body)),
    ];
    let kept = lines.iter().map(String::as_str).filter(|line| {
        let name = line.split(':').next().unwrap();
        !leave_out.iter().any(|left| left.eq_ignore_ascii_case(name))
    });
    let lines: Vec<&str> = kept.chain(add.iter().copied()).collect();
    let mut request =
        format!("POST /webhooks/github HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n")).into_bytes();
    request.extend_from_slice(body);
    request
}

/// `body` in chunked encoding, without its end.
pub fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let mut encoded = Vec::new();
    for chunk in body.chunks(size) {
        encoded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        encoded.extend_from_slice(chunk);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded
}
