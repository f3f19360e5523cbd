//! Events of one item within a window make one run.

use std::time::Duration;

use dispatcher::admit::debounce::due;
use schemas::automation::Debounce;
use schemas::run::{Gate, RunState};
use serde_json::{Value, json};

use super::{file, fix, labeled, moment, repository};
use crate::support::{World, at};

const BUILD: &str = "
version: 1
automations:
  - name: build
    on: [{ source: github, event: pull_request.updated }]
    debounce: { window: 30s, max_wait: 2m }
    run: { commands: ['true'] }
    output: { comment: none }
";

/// A push to a pull request.
fn pushed(number: u64, push: u64) -> Value {
    let head = |sha: String| json!({ "ref": "x", "sha": sha, "repo": { "id": 1, "full_name": "acme/api" } });
    json!({
        "action": "synchronize", "number": number, "before": "0".repeat(40), "after": format!("{push:040x}"),
        "pull_request": {
            "id": 7000 + number, "number": number, "title": "t", "body": null, "state": "open", "draft": false,
            "updated_at": moment(i64::try_from(push / 20).unwrap()), "labels": [],
            "html_url": format!("https://github.example/acme/api/pull/{number}"),
            "user": { "id": 5, "login": "bo", "type": "User" },
            "head": head(format!("{push:040x}")), "base": head("a".repeat(40)),
        },
        "repository": repository(),
        "sender": { "id": 1, "login": "ana", "type": "User" },
    })
}

impl World {
    /// Puts a push into the queue, to be decided with others.
    async fn queue_push(&self, number: u64, push: u64) {
        let body = pushed(number, push);
        self.queue_event("pull_request", &format!("{number}-{push}"), &body).await;
    }

    async fn due(&self, run: usize) -> String {
        match self.runs().await[run].run.state {
            RunState::Pending { gate: Gate::Debounce, due_at: Some(due) } => {
                due.format("%H:%M:%S").to_string()
            }
            ref other => format!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn two_hundred_pushes_in_ten_seconds_make_one_run_of_each_item_that_lists_them() {
    let world = World::new(BUILD).await;
    for second in 0..10 {
        for push in 0..20 {
            world.queue_push(7, second * 20 + push).await;
            if push % 4 == 0 {
                world.queue_push(8, second * 20 + push).await;
            }
        }
        world.decide().await;
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(world.standings().await, ["debounce", "debounce"]);
    assert_eq!(world.due(0).await, "10:00:39", "half a minute after the last");
    world.clock.advance(Duration::from_secs(28));
    world.sweep().await;
    assert_eq!(world.standings().await, ["debounce", "debounce"], "not yet");
    world.clock.advance(Duration::from_secs(1));
    world.sweep().await;
    assert_eq!(world.standings().await, ["queued", "queued"]);
    for events in [200, 50] {
        let job = world.claim_one().await.unwrap();
        let list = job.files.iter().find(|file| file.name == "events.json").unwrap();
        let list: Vec<Value> = serde_json::from_str(list.content.expose()).unwrap();
        assert_eq!(list.len(), events);
        let last = list.last().unwrap();
        assert_eq!(
            (last["type"].as_str(), last["actor"].as_str()),
            (Some("pull_request.updated"), Some("1"))
        );
        let newest = list.iter().filter_map(|event| event["head"].as_str()).max().unwrap();
        let event = job.files.iter().find(|file| file.name == "event.json").unwrap();
        assert!(event.content.expose().contains(newest), "the run is given the newest push");
    }
    let first = world.runs().await[0].run.delivery;
    assert_eq!(world.verdicts(first).await, ["matched"]);
    let second = world.store.events_of(world.runs().await[0].run.id).await.unwrap()[1].id;
    assert_eq!(world.verdicts(second).await, ["debounced"]);
}

#[tokio::test]
async fn it_starts_at_the_latest_however_long_events_come() {
    let world = World::new(BUILD).await;
    let mut due = Vec::new();
    for push in 0..6 {
        world.queue_push(7, push).await;
        world.decide().await;
        due.push(world.due(0).await);
        world.clock.advance(Duration::from_secs(25));
        world.sweep().await;
    }
    assert_eq!(due[..5], ["10:00:30", "10:00:55", "10:01:20", "10:01:45", "10:02:00"]);
    // The sixth came after the run had begun, and begins another.
    assert_eq!(world.standings().await, ["queued", "debounce"]);
}

#[tokio::test]
async fn an_older_event_that_comes_late_is_listed_and_not_taken() {
    let world = World::new(&file(&[fix("    debounce: { window: 1m }\n")])).await;
    for (after, guid) in [(50, "b"), (10, "a"), (70, "c")] {
        let mut body = labeled(12, "fix", after);
        body["issue"]["title"] = guid.into();
        world.deliver(guid, body.to_string().as_bytes()).await;
    }
    let runs = world.runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].run.input.event.item.as_ref().unwrap().title.expose(), "c");
    assert_eq!(world.store.events_of(runs[0].run.id).await.unwrap().len(), 3);
    world.publish().await;
    world.forge.with(|forge| assert_eq!(forge.labels_removed.len(), 3, "each label was taken"));
}

#[test]
fn a_clock_that_steps_makes_neither_haste_nor_an_end_that_never_comes() {
    let debounce = Debounce { window: "10m".parse().unwrap(), max_wait: None };
    let first = at("2026-11-21T10:00:00Z");
    for (now, expected) in [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:10:00Z"),
        ("2026-11-21T11:35:00Z", "2026-11-21T11:40:00Z"),
        ("2025-11-21T10:00:00Z", "2025-11-21T10:10:00Z"),
        ("2036-11-21T10:00:00Z", "2026-11-21T11:40:00Z"),
    ] {
        assert_eq!(due(&debounce, first, at(now)), at(expected), "{now}");
    }
}
