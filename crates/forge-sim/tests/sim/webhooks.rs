//! What a receiver of webhooks sees.

use super::support::World;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use forge_sim::sign;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

type Received = (HeaderMap, Bytes);

/// A receiver on a free port that hands on what it gets.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Received>) {
    let (sender, inbox) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/github", listener.local_addr().unwrap());
    let receive = move |headers: HeaderMap, body: Bytes| async move {
        sender.send((headers, body)).unwrap();
        StatusCode::ACCEPTED
    };
    let router = Router::new().route("/webhooks/github", post(receive));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

#[tokio::test]
async fn a_label_put_on_through_rest_is_delivered() {
    let world = World::start().await;
    let (url, mut inbox) = receiver().await;
    world.post("/_sim/webhooks", json!({ "url": url, "secret": "s3cret", "events": ["issues"] })).await;
    world.sim.create_issue("acme", "api", "octocat", "It breaks", "Always.", &[]).unwrap();
    world.post("/repos/acme/api/issues/1/labels", json!({ "labels": ["agent:fix"] })).await;

    let (_, opened) = inbox.recv().await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&opened).unwrap()["action"], "opened");
    let (headers, body) = inbox.recv().await.unwrap();
    assert_eq!(headers["x-github-event"], "issues");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-hub-signature-256"], sign::github("s3cret", &body).as_str());
    assert!(headers["user-agent"].to_str().unwrap().starts_with("GitHub-Hookshot/"));
    let payload: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(payload["action"], "labeled");
    assert_eq!(payload["label"]["name"], "agent:fix");
    assert_eq!(payload["issue"]["labels"][0]["name"], "agent:fix");
    assert_eq!(payload["issue"]["user"]["login"], "octocat");
    assert_eq!(payload["repository"]["full_name"], "acme/api");
    assert_eq!(payload["sender"]["login"], "sim-user");
}

#[tokio::test]
async fn a_delivery_can_be_ordered_twice_under_one_guid() {
    let world = World::start().await;
    let (url, mut inbox) = receiver().await;
    world.sim.create_issue("acme", "api", "octocat", "It breaks", "", &["agent:fix"]).unwrap();
    let order = json!({
        "repository": "acme/api", "number": 1, "label": "agent:fix", "sender": "octocat",
        "delivery": "guid-1", "url": url, "secret": "k",
    });
    for _ in 0..2 {
        let answer = world.post("/_sim/deliver", order.clone()).await;
        assert_eq!(answer.body[0]["status"], 202);
        assert_eq!(inbox.recv().await.unwrap().0["x-github-delivery"], "guid-1");
    }
    let nobody = json!({
        "repository": "acme/api", "number": 1, "label": "agent:fix", "sender": "octocat",
        "url": "http://127.0.0.1:1/", "secret": "k",
    });
    assert_eq!(world.post("/_sim/deliver", nobody).await.body[0]["status"], Value::Null);
    assert_eq!(world.sim.deliveries().len(), 3);
}

#[tokio::test]
async fn an_apps_webhook_is_not_a_repositorys() {
    let world = World::start().await;
    let hook = json!({ "url": "http://127.0.0.1:1/webhooks/github", "secret": "k", "app": true });
    world.post("/_sim/webhooks", hook).await;
    world.sim.create_issue("acme", "api", "octocat", "It breaks", "", &[]).unwrap();
    world.sim.delivered().await;
    // A user's token is no App's, and a repository does not list an App's hook.
    assert_eq!(world.get("/app/hook/deliveries").await.status, 401);
    assert_eq!(world.get("/repos/acme/api/hooks").await.body, Value::Array(Vec::new()));
}

/// The shape is compared with a published example where one is at hand (`FORGE_SIM_PAYLOADS`, a
/// folder of GitHub's examples); none is kept here.
#[tokio::test]
async fn the_payload_has_githubs_fields() {
    let Ok(folder) = std::env::var("FORGE_SIM_PAYLOADS") else {
        eprintln!("not compared: FORGE_SIM_PAYLOADS is not set");
        return;
    };
    let example = std::fs::read(format!("{folder}/issues.labeled.json")).unwrap();
    let example: Value = serde_json::from_slice(&example).unwrap();
    let world = World::start().await;
    world.sim.create_issue("acme", "api", "octocat", "It breaks", "", &["agent:fix"]).unwrap();
    let ours = world.sim.labeled_payload("acme", "api", 1, "agent:fix", "octocat").unwrap();
    let mut missing = Vec::new();
    compare("", &example, &ours, &mut missing);
    // `draft` is for pull requests, `milestone` and `assignee` may be null.
    missing.retain(|path| path != "/issue/draft");
    assert!(missing.is_empty(), "fields of GitHub that are missing: {missing:?}");
}

fn compare(path: &str, theirs: &Value, ours: &Value, missing: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                match ours.get(key) {
                    Some(ours) => compare(&format!("{path}/{key}"), value, ours, missing),
                    None => missing.push(format!("{path}/{key}")),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if let (Some(theirs), Some(ours)) = (theirs.first(), ours.first()) {
                compare(&format!("{path}/0"), theirs, ours, missing);
            }
        }
        _ => {}
    }
}
