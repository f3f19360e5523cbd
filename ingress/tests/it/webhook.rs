//! Every status of the route, over real connections.

use crate::world::{World, chunks, request, sign};
use ingress::{ConnectionLimits, IntakeLimits};

const BODY: &[u8] = br#"{"action":"opened","issue":{"number":1}}"#;

#[tokio::test]
async fn a_genuine_request_is_stored_as_it_came() {
    let world = World::new().await;
    let answer = world.exchange(&request(BODY, &[], &["X-GitHub-Hook-ID: 1", "Authorization: secret"])).await;
    assert_eq!(answer.status(), 202, "{answer:?}");
    let stored = world.queue.published();
    let [delivery] = stored.as_slice() else { unreachable!("{stored:?}") };
    assert_eq!(answer.json()["delivery"], delivery.id.to_string());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(delivery.webhook.as_str(), "github");
    assert_eq!(delivery.body.decompress().unwrap(), BODY);
    assert_eq!(delivery.received_at.timestamp(), 1_700_000_000);
    let headers: Vec<_> =
        delivery.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        headers,
        [
            ("content-type", "application/json"),
            ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            ("x-github-event", "issues"),
            ("x-github-hook-id", "1"),
        ],
    );
}

#[tokio::test]
async fn a_form_and_a_chunked_body_are_taken() {
    let world = World::new().await;
    let form = b"payload=%7B%22zen%22%3A1%7D";
    let form = request(form, &["content-type"], &["Content-Type: application/x-www-form-urlencoded"]);
    assert_eq!(world.exchange(&form).await.status(), 202);

    let mut chunked = request(
        b"",
        &["content-length", "x-hub-signature-256"],
        &["Transfer-Encoding: chunked", &format!("X-Hub-Signature-256: {}", sign(BODY))],
    );
    chunked.extend(chunks(BODY, 7));
    chunked.extend(b"0\r\n\r\n");
    assert_eq!(world.exchange(&chunked).await.status(), 202);
    assert_eq!(world.queue.published()[1].body.decompress().unwrap(), BODY);
}

#[tokio::test]
async fn a_large_body_is_taken_within_the_default_limits() {
    let world = World::with(IntakeLimits::default(), ConnectionLimits::default()).await;
    let body = format!("\"{}\"", "x".repeat(5 << 20));
    assert_eq!(world.exchange(&request(body.as_bytes(), &[], &[])).await.status(), 202);
    assert_eq!(world.queue.published()[0].body.decompress().unwrap(), body.as_bytes());
}

#[tokio::test]
async fn what_is_refused() {
    let world = World::new().await;
    let signature = ["x-hub-signature-256"];
    let length = ["content-length"];
    let content_type = ["content-type"];
    let right = format!("X-Hub-Signature-256: {}", sign(BODY));
    let wrong = format!("X-Hub-Signature-256: {}", sign(b"another body"));
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let too_large = vec![b' '; (64 << 10) + 1];
    let path = |path: &str| {
        let request = String::from_utf8(request(BODY, &[], &[])).unwrap();
        request.replace("/webhooks/github", path).into_bytes()
    };
    let method = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
    };
    let table = [
        ("no signature", request(BODY, &signature, &[]), 401),
        ("empty signature", request(BODY, &signature, &["X-Hub-Signature-256:"]), 401),
        ("wrong signature", request(BODY, &signature, &[&wrong]), 401),
        ("two signatures", request(BODY, &[], &[&right]), 401),
        ("malformed signature", request(BODY, &signature, &["X-Hub-Signature-256: sha256=zz"]), 401),
        (
            "the older signature",
            request(BODY, &signature, &["X-Hub-Signature: sha1=3374ef144403e8035423b23b02e2c9d7a4c50368"]),
            401,
        ),
        ("no signature, and no JSON: says nothing of the body", request(b"{", &signature, &[]), 401),
        ("text", request(BODY, &content_type, &["Content-Type: text/plain"]), 415),
        ("no content type", request(BODY, &content_type, &[]), 415),
        ("two content types", request(BODY, &[], &["Content-Type: text/plain"]), 415),
        ("gzip", request(BODY, &[], &["Content-Encoding: gzip"]), 415),
        (
            "wrong charset",
            request(BODY, &content_type, &["Content-Type: application/json; charset=latin1"]),
            415,
        ),
        ("no JSON", request(b"{\"a\":}", &[], &[]), 400),
        ("no body", request(b"", &[], &[]), 400),
        ("JSON and more", request(b"{} {}", &[], &[]), 400),
        ("deep JSON", request(deep.as_bytes(), &[], &[]), 400),
        ("not UTF-8", request(b"\"\xff\"", &[], &[]), 400),
        (
            "a form without payload",
            request(b"a=1", &content_type, &["Content-Type: application/x-www-form-urlencoded"]),
            400,
        ),
        ("two event names", request(BODY, &[], &["X-GitHub-Event: push"]), 400),
        ("declared too large", request(&too_large, &[], &[]), 413),
        ("length is no number", request(BODY, &length, &["Content-Length: ten"]), 400),
        ("two lengths", request(BODY, &[], &["Content-Length: 3"]), 400),
        ("unknown name", path("/webhooks/gitlab"), 404),
        ("no name", path("/webhooks/"), 404),
        ("no UTF-8 in the name", path("/webhooks/%ff"), 404),
        ("a longer path", path("/webhooks/github/x"), 404),
        ("another case", path("/webhooks/GitHub"), 404),
        ("GET", method("GET", "/webhooks/github"), 405),
        ("DELETE", method("DELETE", "/webhooks/github"), 405),
        ("GET of an unknown name", method("GET", "/webhooks/gitlab"), 404),
    ];
    for (case, request, status) in table {
        let answer = world.exchange(&request).await;
        assert_eq!(answer.status(), status, "{case}: {answer:?}");
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("POST"), "{case}");
        }
        if let Some((_, body)) = answer.0.split_once("\r\n\r\n").filter(|(_, body)| !body.is_empty()) {
            let json: serde_json::Value = serde_json::from_str(body).unwrap();
            assert!(json["error"].is_string(), "{case}: {body}");
            assert_eq!(json.as_object().unwrap().len(), 1, "{case}: {body}");
        }
    }
    assert_eq!(world.queue.published(), []);
}

#[tokio::test]
async fn through_the_embedded_queue() {
    use std::sync::Arc;

    use broker::{Consumer, Queue, QueueLimits};

    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(&folder.path().join("queue.db"), QueueLimits::default()).await.unwrap();
    let intake = ingress::Intake::new(
        [("github".into(), ingress::Route::new(crate::world::github()))].into(),
        queue.publisher(),
        Arc::new(schemas::SystemClock::new()),
        IntakeLimits::default(),
        telemetry::Meters::global(),
    );
    let world = World::serving(ingress::router(intake), ConnectionLimits::default()).await;
    let answer = world.exchange(&request(BODY, &[], &[])).await;
    let mut consumer = queue.consumer().unwrap();
    let received = consumer.next(1).await.unwrap().remove(0).delivery.unwrap();
    assert_eq!(answer.json()["delivery"], received.id.to_string());
    assert_eq!(received.body.decompress().unwrap(), BODY);
    queue.close().await;
    // With the queue gone a sender hears so at once.
    let answer = world.exchange(&request(BODY, &[], &[])).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")));
    world.stop.soft.cancel();
    world.server.await.unwrap();
}
