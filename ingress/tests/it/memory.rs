//! What hostile clients cost: a server in a process of its own, whose memory the kernel counts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::fake::MemoryQueue;
use ingress::body::BodyLimits;
use ingress::{ConnectionLimits, Intake, IntakeLimits, Route, Stop, raise_open_files, router, serve};
use schemas::SystemClock;
use telemetry::Meters;
use tokio::net::TcpListener;

use crate::world::{Client, PATIENCE, chunks, exchange, github, request};

/// Names the limit of all bodies, in bytes, for the process that serves.
const BODIES: &str = "PULLWRIGHT_TEST_BODIES";
const BODY: &[u8] = b"{}";
const MIB: usize = 1 << 20;

/// Not a test: the process that serves, until its standard input ends.
#[test]
#[ignore = "the other tests start it"]
fn serving() {
    let Ok(bodies) = std::env::var(BODIES) else { return };
    raise_open_files().unwrap();
    let patient = BodyLimits { idle: PATIENCE * 3, total: PATIENCE * 3, ..BodyLimits::default() };
    let limits = IntakeLimits { bodies: bodies.parse().unwrap(), body: patient, ..IntakeLimits::default() };
    let connections = ConnectionLimits { header_timeout: PATIENCE * 3, ..ConnectionLimits::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.spawn(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("\nlistening {}", listener.local_addr().unwrap());
        let webhooks = [("github".into(), Route::new(github()))].into();
        let (queue, clock) = (Arc::new(MemoryQueue::default()), Arc::new(SystemClock::new()));
        let app = router(Intake::new(webhooks, queue, clock, limits, Meters::global()));
        serve(listener, app, connections, Stop::default()).await;
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// The process that serves; it ends with this.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(bodies: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::serving", "--ignored", "--nocapture"])
            .env(BODIES, bodies.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("listening ").map(|address| address.parse().unwrap()))
            .unwrap();
        Self { process, address }
    }

    /// Bytes: `VmRSS` now, or `VmHWM`, the most it ever was.
    fn memory(&self, figure: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(figure)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }

    /// One honest delivery, and how long it took. That it is answered at all is what counts: an
    /// attack that holds others up would hold them up for a timeout of ours, which is longer.
    async fn deliver(&self) -> Duration {
        let start = now();
        let status = exchange(self.address, &request(BODY, &[], &[])).await.status();
        assert_eq!(status, 202);
        start.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.stdin.take().map(|mut input| input.flush());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "another process is measured, in real time")]
fn now() -> Instant {
    Instant::now()
}

/// Less than every timeout of the server, more than a busy machine needs.
const HELD_UP: Duration = Duration::from_secs(8);

#[tokio::test]
async fn thousands_of_idle_connections() {
    let files = raise_open_files().unwrap();
    let count = 5000.min(usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(200));
    if count < 5000 {
        eprintln!("only {files} open files are allowed: {count} connections instead of 5000");
    }
    let server = Server::start(256 * MIB);
    server.deliver().await;
    let before = server.memory("VmRSS");
    let mut idle = Vec::with_capacity(count);
    let mut full = before;
    for number in 0..count {
        let mut client = Client::to(server.address).await;
        client.send(&request(BODY, &["connection"], &[])).await;
        assert_eq!(client.next_status().await, 202, "connection {number}");
        idle.push(client);
        if number == 3999 {
            full = server.memory("VmRSS");
        }
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        slowest = slowest.max(server.deliver().await);
    }
    let (each, highest) = ((full - before) / 4000, server.memory("VmHWM"));
    eprintln!(
        "{count} idle connections: {each} bytes each, {} KiB at most; slowest of 100 deliveries {slowest:?}",
        highest >> 10
    );
    assert!(slowest < HELD_UP, "{slowest:?}");
    assert!(each < 64 << 10, "{each}");
    assert!(highest < 256 * MIB, "{highest}");
    // The last ones are still there.
    let mut last = idle.pop().unwrap();
    last.send(&request(BODY, &[], &[])).await;
    assert_eq!(last.rest().await.status(), 202);
}

#[tokio::test]
async fn bodies_of_a_byte_too_much() {
    let server = Server::start(256 * MIB);
    let size = 25 * MIB + 1;
    let declared = format!("Content-Length: {size}");
    let declared = request(b"", &["content-length"], &[&declared]);
    let chunked = request(b"", &["content-length"], &["Transfer-Encoding: chunked"]);
    let body = chunks(&vec![b' '; size], 1 << 16);
    let attack = async {
        for _ in 0..3 {
            assert_eq!(exchange(server.address, &declared).await.status(), 413);
            // With the body on its way as well.
            let sent = [&declared[..], &vec![b' '; size]].concat();
            assert_eq!(exchange(server.address, &sent).await.status(), 413);
            assert_eq!(exchange(server.address, &[&chunked[..], &body].concat()).await.status(), 413);
        }
    };
    let others = async {
        for _ in 0..30 {
            assert!(server.deliver().await < HELD_UP);
        }
    };
    tokio::join!(attack, others);
    let highest = server.memory("VmHWM");
    eprintln!("bodies of 25 MiB and a byte: {} KiB at most", highest >> 10);
    assert!(highest < 128 * MIB, "{highest}");
}

#[tokio::test]
async fn many_large_bodies_at_once() {
    let server = Server::start(64 * MIB);
    let body = vec![b' '; 12 * MIB];
    let unfinished = request(&body, &[], &[]);
    let unfinished = &unfinished[..unfinished.len() - 1];
    // Each sends all but a byte, and most hear that there is no room.
    let attacks: Vec<_> = (0..24)
        .map(|_| {
            let (address, unfinished) = (server.address, unfinished.to_vec());
            tokio::spawn(async move {
                let mut client = Client::to(address).await;
                client.send(&unfinished).await;
                client
            })
        })
        .collect();
    let mut clients = Vec::new();
    for attack in attacks {
        clients.push(attack.await.unwrap());
    }
    for _ in 0..20 {
        assert!(server.deliver().await < HELD_UP);
    }
    let mut refused = 0;
    let mut held = 0;
    for mut client in clients {
        client.send(b" ").await;
        let answer = client.rest().await;
        match answer.status() {
            503 => {
                assert_eq!(answer.header("retry-after"), Some("1"));
                refused += 1;
            }
            // Spaces are no JSON, and not signed.
            400 | 401 => held += 1,
            status => unreachable!("{status}"),
        }
    }
    assert!(refused > 0 && held <= 5, "{refused} refused, {held} held");
    let highest = server.memory("VmHWM");
    eprintln!("24 bodies of 12 MiB, room for 64: {} KiB at most, {held} held", highest >> 10);
    assert!(highest < 192 * MIB, "{highest}");
    server.deliver().await;
}

#[tokio::test]
async fn a_bomb_is_not_unpacked() {
    let server = Server::start(256 * MIB);
    let bomb = bomb();
    for line in ["Content-Encoding: gzip", "Content-Encoding: deflate", "Content-Encoding: br"] {
        assert_eq!(exchange(server.address, &request(&bomb, &[], &[line])).await.status(), 415, "{line}");
    }
    // As a transfer coding it is refused as well, and without a word about it it is no JSON.
    let coded = request(&bomb, &["content-length"], &["Transfer-Encoding: gzip, chunked"]);
    assert_eq!(exchange(server.address, &coded).await.status(), 400);
    assert_eq!(exchange(server.address, &request(&bomb, &[], &[])).await.status(), 400);
    let highest = server.memory("VmHWM");
    eprintln!("a bomb of {} bytes: {} KiB at most", bomb.len(), highest >> 10);
    assert!(highest < 64 * MIB, "{highest}");
    server.deliver().await;
}

/// 1 MB of gzip that unpacks to 166 MB of zeros: one fixed-Huffman block (RFC 1951, section 3.2.6) of
/// copies of length 258 (code 285, 8 bits) at distance 1 (code 0, 5 bits).
fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut held, mut count) = (0_u32, 0);
    let mut put = |bits: &str| {
        for bit in bits.bytes() {
            held |= u32::from(bit == b'1') << count;
            count += 1;
            if count == 8 {
                bytes.push(u8::try_from(held).unwrap());
                (held, count) = (0, 0);
            }
        }
    };
    // Last block, fixed codes; a literal zero.
    put("110");
    put("00110000");
    for _ in 0..(1_000_000 * 8 / 13) {
        put("1100010100000");
    }
    bytes
}
