//! Clients that are slow, lie, never end, come in numbers, or go away.

use std::time::Duration;

use crate::world::{Answer, Client, PATIENCE, World, chunks, request, short_limits, sign};
use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use broker::fake::Fault;
use ingress::ConnectionLimits;
use tokio::time::{sleep, timeout};

const BODY: &[u8] = b"{}";

/// Sends a byte at a time until the server closes; panics if it never does.
async fn drip(client: &mut Client, bytes: &[u8]) -> Answer {
    let (mut read, mut write) = client.0.split();
    let dripping = async {
        for byte in bytes.iter().cycle() {
            if tokio::io::AsyncWriteExt::write_all(&mut write, &[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    let reading = async {
        while let Ok(count @ 1..) = tokio::io::AsyncReadExt::read(&mut read, &mut piece).await {
            answer.extend_from_slice(&piece[..count]);
        }
    };
    let both = async {
        tokio::select! { () = reading => {}, () = dripping => {} }
    };
    timeout(PATIENCE, both).await.unwrap();
    Answer(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn a_connection_without_a_byte_is_closed() {
    let world = World::new().await;
    assert_eq!(world.connect().await.rest().await.0, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let world = World::new().await;
    let mut client = world.connect().await;
    client.send(&request(BODY, &["connection"], &[])).await;
    assert_eq!(client.rest().await.status(), 202);
}

#[tokio::test]
async fn a_header_that_drips_is_cut_off() {
    let world = World::new().await;
    let mut client = world.connect().await;
    client.send(b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n").await;
    let answer = drip(&mut client, b"X-A: b\r\n").await;
    assert!(matches!(answer.status(), 0 | 408), "{answer:?}");
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut_off() {
    let (intake, mut connections) = short_limits();
    connections.header_bytes = 8 << 10;
    connections.header_timeout = PATIENCE;
    let world = World::with(intake, connections).await;
    let mut client = world.connect().await;
    client.send(b"POST /webhooks/github HTTP/1.1\r\nX-A: ").await;
    client.send(&vec![b'a'; 1 << 20]).await;
    assert_eq!(client.rest().await.status(), 431);
}

#[tokio::test]
async fn a_body_that_stops_or_drips_is_cut_off() {
    let world = World::new().await;
    let body = vec![b' '; 1000];
    let whole = request(&body, &[], &[]);
    let mut stopped = world.connect().await;
    stopped.send(&whole[..whole.len() - 1]).await;
    assert_eq!(stopped.rest().await.status(), 400);

    let mut dripping = world.connect().await;
    dripping.send(&request(b"", &["content-length"], &["Content-Length: 60000"])).await;
    assert_eq!(drip(&mut dripping, b" ").await.status(), 400);

    // In chunks of a byte it is no better.
    let mut chunked = world.connect().await;
    chunked.send(&request(b"", &["content-length"], &["Transfer-Encoding: chunked"])).await;
    assert_eq!(drip(&mut chunked, b"1\r\n \r\n").await.status(), 400);
    assert_eq!(world.queue.published(), []);
}

#[tokio::test]
async fn a_chunked_body_without_end_is_cut_off_by_size_or_time() {
    let world = World::new().await;
    let head = request(b"", &["content-length"], &["Transfer-Encoding: chunked"]);
    let mut endless = world.connect().await;
    endless.send(&head).await;
    endless.send(&chunks(&vec![b' '; 1 << 20], 1 << 14)).await;
    assert_eq!(endless.rest().await.status(), 413);

    let mut stopped = world.connect().await;
    stopped.send(&head).await;
    stopped.send(&chunks(BODY, 1)).await;
    assert_eq!(stopped.rest().await.status(), 400);

    let mut broken = world.connect().await;
    broken.send(&head).await;
    broken.send(b"zz\r\n").await;
    assert_eq!(broken.rest().await.status(), 400);
    assert_eq!(world.queue.published(), []);
}

#[tokio::test]
async fn a_refused_request_does_not_disturb_the_next_on_its_connection() {
    let world = World::new().await;
    let bad = request(BODY, &["connection", "x-hub-signature-256"], &[]);
    let good = request(b"[1]", &["connection"], &[]);
    let unknown =
        String::from_utf8(request(BODY, &["connection"], &[])).unwrap().replace("/github", "/unknown");
    let mut client = world.connect().await;
    client.send(&[bad, good.clone(), unknown.into_bytes(), good].concat()).await;
    assert_eq!(client.rest().await.statuses(), [401, 202, 404, 202]);
    assert_eq!(world.queue.published().len(), 2);
}

#[tokio::test]
async fn expect_continue_is_answered_before_the_body() {
    let world = World::new().await;
    let head = request(
        b"",
        &["content-length", "x-hub-signature-256"],
        &["Expect: 100-continue", "Content-Length: 2", &format!("X-Hub-Signature-256: {}", sign(BODY))],
    );
    let mut client = world.connect().await;
    client.send(&head).await;
    let mut line = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut client.0, &mut line).await.unwrap();
    assert_eq!(&line, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send(BODY).await;
    assert_eq!(client.rest().await.status(), 202);

    let refused = String::from_utf8(head).unwrap().replace("/github", "/unknown");
    assert_eq!(world.exchange(refused.as_bytes()).await.status(), 404);
}

#[tokio::test]
async fn a_soft_stop_finishes_requests_and_a_hard_stop_drops_them() {
    for hard in [false, true] {
        let (mut intake, connections) = short_limits();
        intake.publish = Duration::from_secs(1);
        let world = World::with(intake, connections).await;
        world.queue.set_fault(Some(Fault::Hang));
        let mut running = world.connect().await;
        // The answer to the first shows that the second, behind it, is being read.
        let unknown =
            String::from_utf8(request(BODY, &["connection"], &[])).unwrap().replace("/github", "/unknown");
        running.send(&[unknown.into_bytes(), request(BODY, &["connection"], &[])].concat()).await;
        let mut first = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut running.0, &mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 404");
        if hard {
            world.stop.hard.cancel();
        } else {
            world.stop.soft.cancel();
        }
        let rest = running.rest().await;
        assert_eq!(rest.status(), if hard { 0 } else { 503 }, "{rest:?}");
        timeout(PATIENCE, world.server).await.unwrap().unwrap();
        assert!(tokio::net::TcpStream::connect(world.address).await.is_err());
    }
}

#[tokio::test]
async fn a_panic_is_answered_and_the_peer_is_known() {
    let app = Router::new()
        .route("/panic", get(|| async { assert!(std::env::args().count() == 0, "on purpose") }))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>| async move { peer.to_string() }),
        );
    let world = World::serving(app, ConnectionLimits::default()).await;
    let answer = world.exchange(b"GET /panic HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.json(), serde_json::json!({"error": "internal error"}));
    let mut client = world.connect().await;
    let here = client.0.local_addr().unwrap().to_string();
    client.send(b"GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(client.rest().await.0.ends_with(&here));
}
