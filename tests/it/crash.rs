//! `kill -9` at any moment: what was answered 202 is there and decided once, and no write is doubled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forge_sim::{Fault, FaultOrder};
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{NAME, OWNER, Plan, REPO, Random, World, automation, sign};

const ROUNDS: u64 = 100;
const CLIENTS: usize = 6;
/// Issue numbers that the clients make up begin here.
const FIRST: u64 = 1000;

/// What the clients of one test share.
struct Load {
    url: String,
    payload: Value,
    next: AtomicU64,
    stop: AtomicBool,
    /// Delivery ids that were answered 202, with the issue they were about.
    accepted: Mutex<Vec<(String, u64)>>,
}

impl Load {
    /// Delivers one happening after the other, each until it is taken, as fast as it goes.
    async fn client(self: Arc<Self>) {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let mut payload = self.payload.clone();
            payload["issue"]["number"] = number.into();
            payload["issue"]["id"] = number.into();
            let body = payload.to_string();
            while !self.stop.load(Ordering::Relaxed) {
                let request = http
                    .post(&self.url)
                    .header("content-type", "application/json")
                    .header("x-github-event", "issues")
                    .header("x-github-delivery", format!("guid-{number}"))
                    .header("x-hub-signature-256", sign(body.as_bytes()))
                    .body(body.clone());
                let answer = match request.send().await {
                    Ok(answer) if answer.status() == 202 => answer.json::<Value>().await.ok(),
                    _ => None,
                };
                // An answer that broke off halfway is none, and the happening is delivered again.
                match answer.as_ref().and_then(|answer| answer["delivery"].as_str()) {
                    Some(id) => {
                        self.accepted.lock().unwrap().push((id.to_owned(), number));
                        break;
                    }
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_a_hundred_times_under_load_nothing_is_lost_or_decided_twice() {
    let mut random = Random::from_env();
    let observe = automation("watch", &["true"], "    mode: observe\n");
    let mut world = Plan::default().automation(observe).without_webhook().prepare().await;
    let issue = world.issue("It greets nobody");
    let load = Arc::new(Load {
        url: world.url("/webhooks/github"),
        payload: world.labelled_payload(issue),
        next: AtomicU64::new(FIRST),
        stop: AtomicBool::new(false),
        accepted: Mutex::default(),
    });
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(Arc::clone(&load).client())).collect();
    for round in 0..ROUNDS {
        world.spawn();
        // From before it listens to the middle of the load.
        tokio::time::sleep(Duration::from_millis(random.between(20, 400))).await;
        world.assert_running(&format!("round {round}"));
        world.kill9().await;
    }
    world.start().await;
    load.stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    drained(&world).await;

    let accepted = load.accepted.lock().unwrap().clone();
    let rows = world.all("deliveries").await;
    let by_id: BTreeMap<&str, &Value> = rows.iter().map(|row| (row["id"].as_str().unwrap(), row)).collect();
    let lost = accepted.iter().filter(|(id, _)| !by_id.contains_key(id.as_str())).count();
    assert_eq!(by_id.len(), rows.len(), "no id twice");
    let mut matched: BTreeMap<&str, u64> = BTreeMap::new();
    let mut undecided = 0;
    for row in &rows {
        let decisions = row["decisions"].as_object().unwrap();
        undecided += u64::from(decisions.values().filter_map(Value::as_u64).sum::<u64>() != 1);
        *matched.entry(row["work_item"].as_str().unwrap()).or_default() +=
            decisions.get("matched").and_then(Value::as_u64).unwrap_or(0);
    }
    let missed = accepted
        .iter()
        .filter(|(_, number)| matched.get(format!("github:{REPO}#{number}").as_str()) != Some(&1))
        .count();
    let doubled = matched.values().filter(|count| **count > 1).count();
    println!(
        "kill -9 {ROUNDS} times: accepted {}, stored {}, lost {lost}, not decided once {missed}, doubled {doubled}",
        accepted.len(),
        rows.len(),
    );
    assert_eq!((lost, missed, doubled, undecided), (0, 0, 0, 0));
    assert!(accepted.len() as u64 > ROUNDS, "there was no load: {}", accepted.len());
    world.stop().await;
}

/// Waits until no delivery waits for its decision.
async fn drained(world: &World) {
    world
        .wait("the queue empty", async || {
            let ready: Value = serde_json::from_str(&world.get("/readyz").await.1).ok()?;
            let queue = ready["checks"].as_array()?.iter().find(|check| check["name"] == "queue")?.clone();
            queue["detail"].as_str()?.starts_with("0 deliveries wait").then_some(())
        })
        .await;
}

/// A fresh process forgets the worker that died with the old one, so a run is begun again once.
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_runs_each_issue_gets_one_pull_request_and_one_comment() {
    needs_sandbox!();
    const RUNS: usize = 12;
    let mut random = Random::from_env();
    let mut world = Plan::running(&["sleep 0.2", "echo done > result"]).without_webhook().start().await;
    let mut issues = Vec::new();
    for _ in 0..RUNS {
        let issue = world.issue("It greets nobody");
        world
            .sim
            .change_repo(OWNER, NAME, |repository| {
                let item = repository.items.get_mut(&issue).unwrap();
                item.labels.push("agent:fix".to_owned());
            })
            .unwrap();
        let body = world.labelled_payload(issue).to_string();
        let answer = world.deliver("issues", &format!("guid-{issue}"), body.as_bytes()).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        // From the decision to the last edit of the comment.
        tokio::time::sleep(Duration::from_millis(random.between(0, 1500))).await;
        world.kill9().await;
        world.start().await;
        // The next kill must not be this run's second: that would be one worker lost too many.
        world
            .run_when(issue, "out of its worker's hands", |run| {
                run["state"] == "done" || run["step"] == "publish"
            })
            .await;
        issues.push(issue);
    }
    let mut doubled = 0;
    for issue in &issues {
        let run = world.finished(*issue).await;
        assert_eq!(run["outcome"], "succeeded", "{run:#}");
        let (pulls, comments) = (world.pulls_for(*issue), world.our_comments(*issue));
        assert!(!pulls.is_empty() && !comments.is_empty(), "issue {issue}: {run:#}");
        doubled += pulls.len() - 1 + comments.len() - 1;
        assert!(comments[0].body.contains("✅ done"), "{}", comments[0].body);
        assert!(world.item(*issue).labels.is_empty(), "issue {issue} keeps its label: {run:#}");
    }
    let runs = world.all("runs").await;
    println!("kill -9 in the middle of {RUNS} runs: {} runs, {doubled} doubled writes", runs.len());
    assert_eq!((runs.len(), doubled), (RUNS, 0));
    world.stop().await;
}

/// Kills it while its push is held at the forge, before or after it took effect; the run's end.
async fn killed_while_pushing(held: Fault, took_effect: bool) -> Value {
    let mut world = Plan::running(&["echo done > result"]).start().await;
    world.sim.fault(FaultOrder::once("POST", "/acme/api.git/git-receive-pack", held)).unwrap();
    let issue = world.labelled_issue();
    let pushing = world.run_when(issue, "at its push", |run| run["step"] == "push").await;
    let branch = pushing["branch"].as_str().unwrap();
    world
        .wait("the push at the forge", async || {
            let there = world.sim.branch(OWNER, NAME, branch).await.is_some();
            (world.sim.pending_faults() == 0 && there == took_effect).then_some(())
        })
        .await;
    world.kill9().await;
    world.start().await;
    let run = world.finished(issue).await;
    assert_eq!((&run["outcome"], &run["workers_lost"]), (&"succeeded".into(), &1.into()), "{run:#}");
    assert_eq!((world.pulls_for(issue).len(), world.our_comments(issue).len()), (1, 1));
    assert_eq!(run["branch"], branch);
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_died_with_its_worker_is_made_again() {
    needs_sandbox!();
    let run = killed_while_pushing(Fault::Delay { ms: 60_000 }, false).await;
    assert_eq!(run["epoch"], 2, "{run:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_arrived_before_its_worker_died_is_published_as_it_is() {
    needs_sandbox!();
    let run = killed_while_pushing(Fault::CommitThenDelay { ms: 60_000 }, true).await;
    assert_eq!(run["epoch"], 1, "{run:#}");
}
