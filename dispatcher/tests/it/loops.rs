//! Installations that answer each other, and the breaker.

use std::collections::HashMap;

use broker::Publisher;
use schemas::decision::Verdict;
use schemas::delivery::{Body, Delivery};
use schemas::trace::TraceContext;
use schemas::{Clock, DeliveryId, WebhookName};
use serde_json::{Value, json};

use crate::support::World;

/// Listens to every comment, also to those of bots.
const ANSWERS: &str = "
version: 1
automations:
  - name: answer
    on:
      - { source: github, event: [comment.created, comment.edited] }
      - { source: github, event: issue.labeled, label_command: go }
    allow: { bots: [one, other] }
    run: { commands: ['true'] }
";

fn body(action: &str, number: u64, more: &[(&str, Value)]) -> Value {
    let mut body = json!({
        "action": action,
        "issue": {
            "id": 1000 + number, "number": number, "title": "t", "body": null, "state": "open",
            "html_url": format!("https://github.example/acme/api/issues/{number}"), "labels": [],
            "updated_at": "2026-11-21T09:59:00Z", "user": { "id": 5, "login": "bo", "type": "User" },
        },
        "repository": {
            "id": 1, "name": "api", "full_name": "acme/api", "default_branch": "main",
            "html_url": "https://github.example/acme/api", "owner": { "id": 9, "login": "acme" },
        },
        "sender": { "id": 1, "login": "ana", "type": "User" },
    });
    for (key, value) in more {
        body[*key] = value.clone();
    }
    body
}

/// A label that ana put on.
pub fn labeled(number: u64, name: &str) -> Value {
    body("labeled", number, &[("label", json!({ "id": 1, "name": name }))])
}

/// A comment as its forge tells of it.
fn comment(action: &str, id: u64, second: usize, text: &str, by: &str) -> Value {
    let sender = json!({ "id": 77, "login": format!("{by}[bot]"), "type": "Bot" });
    let comment = json!({ "id": id, "body": text, "updated_at": format!("2026-11-21T09:59:{second:02}Z"), "user": sender,
        "html_url": "https://github.example/acme/api/issues/12#issuecomment-1" });
    body(action, 12, &[("comment", comment), ("sender", sender)])
}

impl World {
    /// Hears an event, and says what was decided.
    pub async fn hear(&self, event: &str, body: &Value) -> Vec<Verdict> {
        let id = DeliveryId::fresh(&*self.clock);
        let headers = [("x-github-event", event), ("x-github-delivery", &*id.to_string())];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let delivery = Delivery {
            id,
            webhook: WebhookName::from("github"),
            received_at: self.clock.now(),
            headers: headers.collect(),
            body: Body::compress(body.to_string().as_bytes()),
            trace: TraceContext::default(),
            replay_of: None,
        };
        self.queue.publish(delivery).await.unwrap();
        self.decide().await;
        self.store.decisions(id).await.unwrap().into_iter().map(|decision| decision.verdict).collect()
    }
}

#[tokio::test]
async fn two_installations_that_answer_each_other_stop_within_three_runs() {
    let (one, other) = (World::new(ANSWERS).await, World::new(ANSWERS).await);
    // The clocks are alike, and so would be what is made from them.
    other.clock.fresh_id();
    assert_ne!(one.dispatcher.instance().await.unwrap(), other.dispatcher.instance().await.unwrap());
    one.hear("issues", &labeled(12, "go")).await;
    let mut known: HashMap<(&str, u64), String> = HashMap::new();
    let mut paused = Vec::new();
    for second in 0..20 {
        let mut heard = false;
        for (name, world, ids) in [("one", &one, 1_000), ("other", &other, 2_000)] {
            world.publish().await;
            for (id, text) in world.forge.with(|state| state.comments.clone()) {
                let before = known.insert((name, id), text.clone());
                if before.as_ref() == Some(&text) {
                    continue;
                }
                heard = true;
                let action = if before.is_some() { "edited" } else { "created" };
                for listener in [&one, &other] {
                    let told = comment(action, ids + id, second, &text, name);
                    let verdicts = listener.hear("issue_comment", &told).await;
                    paused.extend(verdicts.into_iter().filter(|verdict| verdict.word() == "paused"));
                }
            }
        }
        if !heard {
            break;
        }
    }
    let mut runs = 0;
    for world in [&one, &other] {
        runs += world.store.runs(100, None, None).await.unwrap().items.len();
    }
    assert_eq!(runs, 3);
    let because = "3 runs caused each other before this event, and 3 may".to_owned();
    assert_eq!(paused, [Verdict::Paused { because }]);
}

#[tokio::test]
async fn the_seventh_run_of_an_item_within_an_hour_is_paused() {
    let world = World::new(&ANSWERS.replace("name: answer", "name: answer\n    mode: dry_run")).await;
    let mut words = Vec::new();
    for id in 0..8 {
        let verdicts = world.hear("issue_comment", &comment("created", id, 30, "hello", "one")).await;
        words.push(verdicts[0].word());
    }
    assert_eq!(words, ["matched", "waiting", "waiting", "waiting", "waiting", "waiting", "paused", "paused"]);
    // A person's command is heard all the same, and an hour later everything is.
    let verdicts = world.hear("issues", &labeled(12, "go")).await;
    assert_eq!(verdicts[0].word(), "waiting");
    world.clock.advance(std::time::Duration::from_secs(3601));
    let verdicts = world.hear("issue_comment", &comment("created", 99, 30, "hello", "one")).await;
    assert_eq!(verdicts[0].word(), "waiting");
}

#[tokio::test]
async fn what_was_answered_is_kept_with_the_delivery() {
    let world = World::new(ANSWERS).await;
    world.hear("issues", &labeled(12, "go")).await;
    let delivery = world.store.deliveries(1, None).await.unwrap().items[0].id;
    let facts: Value = world.store.facts(delivery).await.unwrap().unwrap();
    assert_eq!(
        facts,
        json!([{
            "question": { "permission": { "repository": "github/acme/api", "login": "ana" } },
            "answer": { "Ok": { "permission": "write" } },
        }])
    );
}
