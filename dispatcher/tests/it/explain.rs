//! `deliveries explain`, by the API: what every automation makes of a delivery, then and now.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use dispatcher::http::api::{self, AdminToken};
use dispatcher::rules::load_texts;
use http_body_util::BodyExt;
use schemas::DeliveryId;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::loops::labeled;
use crate::support::World;

const THEN: &str = "
version: 1
automations:
  - { name: docs, on: [{ source: github, event: issue.labeled, label: docs }], run: { commands: ['true'] } }
  - { name: fix, on: [{ source: github, event: issue.labeled, label_command: go }], run: { commands: ['true'] } }
  - { name: off, mode: disabled, on: [{ source: github, event: issue.labeled }], run: { commands: ['true'] } }
  - { name: pushes, on: [{ source: github, event: push }], run: { commands: ['true'] } }
";
const NOW: &str = "
version: 1
automations:
  - { name: fix, on: [{ source: github, event: issue.labeled, label: go }], run: { commands: ['true'] } }
  - { name: admins, on: [{ source: github, event: issue.labeled, label: go }], allow: { permission: admin }, run: { commands: ['true'] } }
  - { name: team, on: [{ source: github, event: issue.labeled }], allow: { teams: [acme/core] }, run: { commands: ['true'] } }
";

async fn explained(world: &World, delivery: DeliveryId, query: &str) -> Value {
    let router = api::router(Arc::clone(&world.dispatcher), AdminToken::new("t"));
    let request = Request::get(format!("/api/v1/deliveries/{delivery}/explain{query}"))
        .header("authorization", "Bearer t")
        .body(Body::empty())
        .unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// Each automation with its verdict, or the clause that did not hold.
fn words(explanation: &Value) -> Vec<String> {
    let rows = explanation["decisions"].as_array().unwrap();
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let told = |row: &Value| {
        let key = if row["verdict"] == "not_matched" { "clause" } else { "verdict" };
        format!("{}: {}", word(row, "automation"), word(row, key))
    };
    rows.iter().map(told).collect()
}

#[tokio::test]
async fn by_the_set_of_then_and_by_that_of_now() {
    let world = World::new(THEN).await;
    world.hear("issues", &labeled(12, "go")).await;
    let delivery = world.store.deliveries(1, None).await.unwrap().items[0].id;
    let set = load_texts(BTreeMap::from([("a.yaml".to_owned(), NOW.to_owned())])).unwrap();
    world.dispatcher.activate(set).await.unwrap();

    let then = explained(&world, delivery, "").await;
    assert_eq!(words(&then), ["docs: label", "fix: matched", "off: mode"]);
    assert_eq!((&then["left_out"], &then["rule_set_changed"]), (&json!(1), &json!(true)));
    assert!(then["decisions"][1]["run"].is_string(), "what was decided is shown as it was");

    let all = explained(&world, delivery, "?all=true").await;
    assert_eq!(words(&all), ["docs: label", "fix: matched", "off: mode", "pushes: event"]);

    // What was answered then is known; what was not asked then is not asked now either.
    let now = explained(&world, delivery, "?current=true").await;
    assert_eq!(words(&now), ["fix: matched", "admins: denied", "team: error"]);
    assert_eq!(world.store.runs(10, None, None).await.unwrap().items.len(), 1);
}
