//! What knocks at the webhooks and does not get in, and what gets in and is kept apart.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Plan, REPO, SECRET, World, automation, sign};

const JSON: (&str, &str) = ("content-type", "application/json");
const ISSUES: (&str, &str) = ("x-github-event", "issues");
const GUID: (&str, &str) = ("x-github-delivery", "guid");
const SIGNATURE: &str = "x-hub-signature-256";

/// What is wrong, the path, the headers, the body and the answer's status.
type Knock<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, u16);

async fn world() -> World {
    let observe = automation("watch", &["true"], "    mode: observe\n");
    let intake = "intake: { max_body: 256KiB, body_timeout: 1s, header_timeout: 1s }";
    Plan::default().automation(observe).settings(intake).without_webhook().start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_genuine_json_for_us_is_refused_and_leaves_no_trace() {
    let world = world().await;
    let issue = world.issue("It greets nobody");
    let good = world.labelled_payload(issue).to_string();
    let (right, other) = (sign(good.as_bytes()), sign(b"another body"));
    let broken = "{\"action\":";
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("{{\"action\":\"{}\"}}", "x".repeat(300 << 10));
    let (broken_signature, deep_signature, large_signature) =
        (sign(broken.as_bytes()), sign(deep.as_bytes()), sign(large.as_bytes()));
    let legacy = forge_sim::sign::github_sha1(SECRET, good.as_bytes());
    let upper = right.to_uppercase();
    let cut = &right[..right.len() - 2];
    let bare = right.trim_start_matches("sha256=");
    let hook = "/webhooks/github";
    let cases: [Knock<'_>; 18] = [
        ("no signature", hook, &[JSON, ISSUES, GUID], &good, 401),
        ("empty signature", hook, &[JSON, ISSUES, GUID, (SIGNATURE, "")], &good, 401),
        ("of another body", hook, &[JSON, ISSUES, GUID, (SIGNATURE, &other)], &good, 401),
        ("doubled", hook, &[JSON, ISSUES, GUID, (SIGNATURE, &right), (SIGNATURE, &right)], &good, 401),
        (
            "right and wrong",
            hook,
            &[JSON, ISSUES, GUID, (SIGNATURE, &other), (SIGNATURE, &right)],
            &good,
            401,
        ),
        ("legacy alone", hook, &[JSON, ISSUES, GUID, ("x-hub-signature", &legacy)], &good, 401),
        ("upper case", hook, &[JSON, ISSUES, GUID, (SIGNATURE, &upper)], &good, 401),
        ("cut", hook, &[JSON, ISSUES, GUID, (SIGNATURE, cut)], &good, 401),
        ("without its scheme", hook, &[JSON, ISSUES, GUID, (SIGNATURE, bare)], &good, 401),
        (
            "plain text",
            hook,
            &[("content-type", "text/plain"), ISSUES, GUID, (SIGNATURE, &right)],
            &good,
            415,
        ),
        ("no type", hook, &[ISSUES, GUID, (SIGNATURE, &right)], &good, 415),
        ("compressed", hook, &[JSON, ("content-encoding", "gzip"), ISSUES, (SIGNATURE, &right)], &good, 415),
        ("doubled event", hook, &[JSON, ISSUES, ISSUES, GUID, (SIGNATURE, &right)], &good, 400),
        ("broken JSON", hook, &[JSON, ISSUES, GUID, (SIGNATURE, &broken_signature)], broken, 400),
        ("10,000 deep", hook, &[JSON, ISSUES, GUID, (SIGNATURE, &deep_signature)], &deep, 400),
        ("too large", hook, &[JSON, ISSUES, GUID, (SIGNATURE, &large_signature)], &large, 413),
        ("unknown name", "/webhooks/gitlab", &[JSON, ISSUES, GUID, (SIGNATURE, &right)], &good, 404),
        ("a path inside", "/webhooks/github/x", &[JSON, ISSUES, GUID, (SIGNATURE, &right)], &good, 401),
    ];
    let mut answers = String::new();
    for (name, path, headers, body, status) in cases {
        let answer = world.deliver_raw(path, headers, body.to_owned()).await;
        if name == "a path inside" {
            // Behind the door there is only the API, which asks for its token or knows no such route.
            assert!([401, 404].contains(&answer.status), "{name}: {answer:?}");
            continue;
        }
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
        assert!(!error.is_empty(), "{name}: {}", answer.text);
        answers += &format!("{status} {name}: {error}\n");
    }
    insta::assert_snapshot!("refusals_at_the_door", answers);
    let (status, _) = world.get("/webhooks/github").await;
    assert_eq!(status, 405);
    // The genuine one gets in, and nothing else did.
    let headers = [JSON, ISSUES, GUID, (SIGNATURE, right.as_str())];
    let id = world.deliver_raw("/webhooks/github", &headers, good.clone()).await.delivery();
    world.delivery(&id).await;
    let all = world.all("deliveries").await;
    assert_eq!(all.len(), 1, "{all:#?}");
    for secret in [SECRET, right.as_str(), other.as_str()] {
        assert!(!world.logs().contains(secret), "a secret or signature is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_is_cut_off() {
    let world = world().await;
    let mut endless = TcpStream::connect(("127.0.0.1", world.port())).await.unwrap();
    let head = "POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-github-event: push\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n";
    endless.write_all(head.as_bytes()).await.unwrap();
    // Nothing more comes; the connection stays open.
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), endless.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "it waits for ever");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");

    // Endless and busy: the size ends it.
    let mut busy = TcpStream::connect(("127.0.0.1", world.port())).await.unwrap();
    busy.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    let writing = async { while busy.write_all(chunk.as_bytes()).await.is_ok() {} };
    assert!(tokio::time::timeout(Duration::from_secs(10), writing).await.is_ok(), "it reads for ever");

    // Headers that never end.
    let mut slow = TcpStream::connect(("127.0.0.1", world.port())).await.unwrap();
    slow.write_all(b"POST /webhooks/github HTTP/1.1\r\nhost: x\r\nx-a: ").await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "it waits for headers for ever");
    assert_eq!(world.get("/healthz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_meaning_is_kept_and_shown() {
    let world = world().await;
    let issue = world.issue("It greets nobody");
    let strange = json!({ "action": "invented", "repository": { "full_name": REPO } }).to_string();
    let strange = world.deliver("rocket_launch", "guid-strange", strange.as_bytes()).await.delivery();
    // Genuine JSON, and not what such an event is.
    let chokes = [
        world.deliver("issues", "guid-1", b"{}").await.delivery(),
        world.deliver("issues", "guid-2", b"[1, 2]").await.delivery(),
        world.deliver("issues", "guid-3", b"\"text\"").await.delivery(),
        world.deliver("issues", "guid-4", br#"{"action":"labeled","issue":{"number":-1}}"#).await.delivery(),
        world.deliver("issues; drop table", "guid-5", br#"{"action":"labeled"}"#).await.delivery(),
    ];
    let neighbour = world.labelled_payload(issue).to_string();
    let neighbour = world.deliver("issues", "guid-6", neighbour.as_bytes()).await.delivery();

    let strange = world.delivery(&strange).await;
    assert_eq!(
        (&strange["status"], &strange["event"]["type"]),
        (&json!("decided"), &json!("unmapped.github.rocket_launch.invented"))
    );
    let mut words = String::new();
    for id in &chokes {
        let delivery = world.delivery(id).await;
        assert_eq!(delivery["status"], "quarantined", "{delivery:#}");
        words += &format!("{}\n", delivery["error"].as_str().unwrap());
    }
    insta::assert_snapshot!("quarantine_words", words);
    let neighbour = world.delivery(&neighbour).await;
    assert_eq!(neighbour["decisions"][0]["verdict"], "matched", "{neighbour:#}");
    assert_eq!(world.all("deliveries").await.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_a_database_or_terminal_could_choke_on_passes() {
    let world = world().await;
    let issue = world.issue("It greets nobody");
    let mut payload = world.labelled_payload(issue);
    let nasty =
        "nul \u{0} bell \u{7} escape \u{1b}]0;owned\u{7} bidi \u{202e} lone \\ud800 emoji 🦀 ' \" ; --";
    payload["issue"]["title"] = json!(nasty);
    payload["issue"]["body"] = json!("x".repeat(100_000));
    let id = world.deliver("issues", "guid", payload.to_string().as_bytes()).await.delivery();
    let delivery = world.delivery(&id).await;
    assert_eq!(delivery["decisions"][0]["verdict"], "matched", "{delivery:#}");
    let shown = world.cli(&["deliveries", "show", &id]).await;
    assert!(shown.status.success());
    assert!(!String::from_utf8_lossy(&shown.stdout).contains('\u{1b}'));
}
