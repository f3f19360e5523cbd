//! Requests that only ask whether somebody is here: answered at once, and nothing is stored.

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use ingress::Route;
use senders::{Bitbucket, Linear, Sender, Sentry, Slack};
use sha2::Sha256;

use crate::world::{Answer, SECRET, World, request, short_limits};

/// The hour of a world.
const NOW: i64 = 1_700_000_000;
const SIGNED_BY_GITHUB: [&str; 4] =
    ["x-hub-signature-256", "x-github-event", "x-github-delivery", "content-type"];

fn mac(parts: &[&[u8]]) -> String {
    let mac = parts
        .iter()
        .fold(Hmac::<Sha256>::new_from_slice(SECRET).unwrap(), |mac, part| mac.chain_update(part));
    hex::encode(mac.finalize().into_bytes())
}

/// What `sender` answers to `body` with `headers`, and how many deliveries are stored then.
async fn ask(sender: Sender, body: &[u8], headers: &[String]) -> (Answer, usize) {
    let (intake, connections) = short_limits();
    let world = World::of(Route::new(sender), intake, connections).await;
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let answer = world.exchange(&request(body, &SIGNED_BY_GITHUB, &headers)).await;
    (answer, world.queue.published().len())
}

fn slack() -> Sender {
    Sender::Slack(Slack::new(&[SECRET.to_vec()]).unwrap())
}

fn by_slack(content_type: &str, at: i64, body: &[u8]) -> [String; 3] {
    [
        format!("Content-Type: {content_type}"),
        format!("X-Slack-Request-Timestamp: {at}"),
        format!("X-Slack-Signature: v0={}", mac(&[format!("v0:{at}:").as_bytes(), body])),
    ]
}

#[tokio::test]
async fn slack_gets_its_challenge_back_and_a_stranger_does_not() {
    let body = br#"{"token":"t","challenge":"3eZbrw1aB","type":"url_verification"}"#;
    let json = "application/json";
    let (answer, stored) = ask(slack(), body, &by_slack(json, NOW, body)).await;
    assert_eq!((answer.status(), stored), (200, 0), "{answer:?}");
    assert_eq!(answer.json(), serde_json::json!({ "challenge": "3eZbrw1aB" }));
    for (why, headers) in [
        ("stale", by_slack(json, NOW - 301, body).to_vec()),
        ("of another body", by_slack(json, NOW, b"{}").to_vec()),
        ("unsigned", vec![format!("Content-Type: {json}")]),
    ] {
        let (answer, stored) = ask(slack(), body, &headers).await;
        assert_eq!((answer.status(), stored), (401, 0), "{why}");
        assert!(!answer.0.contains("3eZbrw1aB"), "{why}: {answer:?}");
    }
    let (form, probe) = ("application/x-www-form-urlencoded", b"token=t&ssl_check=1");
    let (answer, stored) = ask(slack(), probe, &by_slack(form, NOW, probe)).await;
    assert_eq!((answer.status(), stored), (200, 0), "{answer:?}");
}

#[tokio::test]
async fn others_that_ask() {
    let sentry = || Sender::Sentry(Sentry::new(&[SECRET.to_vec()]).unwrap());
    let json = "Content-Type: application/json".to_owned();
    let component = [json.clone(), format!("Sentry-App-Signature: {}", mac(&[b""]))];
    let (answer, stored) = ask(sentry(), b"", &component).await;
    assert_eq!((answer.status(), stored), (200, 0), "{answer:?}");
    let (answer, stored) = ask(sentry(), b"", &[json.clone(), "Sentry-App-Signature: 00".to_owned()]).await;
    assert_eq!((answer.status(), stored), (401, 0));

    // Data Center's test button does not sign.
    let bitbucket = || Sender::Bitbucket(Bitbucket::new(&[SECRET.to_vec()]).unwrap());
    let ping = [json.clone(), "X-Event-Key: diagnostics:ping".to_owned()];
    let (answer, stored) = ask(bitbucket(), br#"{"test":true}"#, &ping).await;
    assert_eq!((answer.status(), stored), (200, 0), "{answer:?}");
    let other = [json.clone(), "X-Event-Key: pr:opened".to_owned()];
    let (answer, stored) = ask(bitbucket(), br#"{"test":true}"#, &other).await;
    assert_eq!((answer.status(), stored), (401, 0));

    // Linear takes anything but 200 for a failure; what it sends is stored.
    let linear = Sender::Linear(Linear::new(&[SECRET.to_vec()]).unwrap());
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    let (headers, body) = linear.ping("01900000-0000-7000-8000-000000000001", now);
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let (answer, stored) = ask(linear, &body, &headers).await;
    assert_eq!((answer.status(), stored), (200, 1), "{answer:?}");
}
