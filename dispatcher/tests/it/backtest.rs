//! Automations tried on what really happened, through the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use broker::Publisher;
use dispatcher::http::api::{AdminToken, router};
use schemas::trace::TraceContext;
use schemas::{Clock, Delivery, DeliveryId};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{FIX, World};

impl World {
    /// `issues.labeled` on issue `number` by `login`, decided.
    pub async fn labels_issue(&self, number: u64, login: &str, labels: &[&str]) -> DeliveryId {
        let labels: Vec<Value> = labels.iter().map(|name| json!({ "name": name })).collect();
        let body = json!({
            "action": "labeled",
            "label": { "id": 1, "name": "agent:fix" },
            "issue": { "number": number, "title": "t", "updated_at": self.clock.now().to_rfc3339(), "labels": labels },
            "repository": { "full_name": "acme/api", "html_url": "https://github.example/acme/api" },
            "sender": { "id": 1, "login": login, "type": "User" },
        });
        let delivery = Delivery {
            id: DeliveryId::fresh(&*self.clock),
            webhook: "github".into(),
            received_at: self.clock.now(),
            headers: BTreeMap::from([("x-github-event".to_owned(), "issues".to_owned())]),
            body: schemas::delivery::Body::compress(body.to_string().as_bytes()),
            trace: TraceContext::default(),
            replay_of: None,
        };
        let id = delivery.id;
        self.queue.publish(delivery).await.unwrap();
        self.decide().await;
        id
    }

    async fn backtest(&self, question: Value) -> (StatusCode, Value) {
        let router = router(Arc::clone(&self.dispatcher), AdminToken::new("right"));
        let request = Request::post("/api/v1/backtest")
            .header("authorization", "Bearer right")
            .header("content-type", "application/json")
            .body(Body::from(question.to_string()))
            .unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    /// What a file makes of all there was, by automation.
    async fn tried(&self, file: &str) -> Value {
        let question = json!({ "since": "2026-11-20T00:00:00Z", "files": { "a.yaml": file } });
        let (status, answer) = self.backtest(question).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

fn counts(answer: &Value) -> Vec<String> {
    let rows = answer["automations"].as_array().unwrap();
    let row = |row: &Value| {
        let count = |name: &str| row[name].as_u64().unwrap();
        let (name, because) = (row["automation"].as_str().unwrap(), row["examples"][0]["because"].as_str());
        format!(
            "{name}: {} events, {} → {}, +{} -{} ~{} ?{}: {}",
            count("events"),
            count("before"),
            count("after"),
            count("gained"),
            count("lost"),
            count("changed"),
            count("unknown"),
            because.unwrap_or("the same"),
        )
    };
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn runs_are_gained_lost_changed_or_unknown() {
    let world = World::new(FIX).await;
    world.labels_issue(1, "ana", &["agent:fix"]).await;
    world.labels_issue(2, "ana", &["agent:fix", "wontfix"]).await;
    world.labels_issue(3, "mallory", &["agent:fix"]).await;
    let mut said = Vec::new();
    for (what, file) in [
        ("the same", FIX.to_owned()),
        ("fewer", FIX.replace("    run:", "    if: \"!('wontfix' in event.labels)\"\n    run:")),
        ("gone", FIX.replace("name: fix", "name: other")),
        ("renamed", FIX.replace("name: fix", "name: other\n    was: fix")),
        ("for everybody", FIX.replace("    run:", "    allow: { permission: none }\n    run:")),
        ("observed", FIX.replace("    run:", "    mode: observe\n    run:")),
        ("other labels", FIX.replace("label_command: 'agent:fix'", "label_command: 'agent:other'")),
    ] {
        said.push(format!("{what}\n    {}", counts(&world.tried(&file).await).join("\n    ")));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[tokio::test]
async fn repeats_and_replays_do_not_count() {
    let world = World::new(FIX).await;
    let first = world.labels_issue(1, "ana", &["agent:fix"]).await;
    world.labels_issue(1, "ana", &["agent:fix"]).await;
    world.dispatcher.replay(first, true).await.unwrap();
    world.decide().await;
    assert_eq!(world.store.delivery_count().await.unwrap(), 3);
    assert_eq!(world.tried(FIX).await["events"], 1);
}

#[tokio::test]
async fn without_files_it_tries_what_is_in_force_and_only_what_is_new_enough() {
    let world = World::new(FIX).await;
    world.labels_issue(1, "ana", &["agent:fix"]).await;
    let (status, answer) = world.backtest(json!({ "since": "2026-11-20T00:00:00Z" })).await;
    assert_eq!((status, &answer["events"]), (StatusCode::OK, &json!(1)));
    let (_, answer) = world.backtest(json!({ "since": "2026-11-22T00:00:00Z" })).await;
    assert_eq!((&answer["events"], &answer["automations"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn files_that_are_not_taken_are_refused_and_nothing_is_started() {
    let world = World::new(FIX).await;
    let question =
        json!({ "since": "2026-11-20T00:00:00Z", "files": { "a.yaml": "version: 2\nautomations: []\n" } });
    let (status, answer) = world.backtest(question).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    world.labels_issue(1, "ana", &["agent:fix"]).await;
    let before = world.store.runs(10, None, None).await.unwrap().items.len();
    world.tried(&FIX.replace("name: fix", "name: other")).await;
    assert_eq!(world.store.runs(10, None, None).await.unwrap().items.len(), before);
}
