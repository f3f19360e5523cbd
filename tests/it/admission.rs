//! `kill -9` while runs wait for more events, for places and for money: nothing is lost or leaks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::automation::Usd;
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{Plan, REPO, Random, World};

const ROUNDS: u64 = 12;
const ISSUES: u64 = 5;
/// Issue numbers that the test makes up begin here.
const FIRST: u64 = 2000;

/// Two automations that share places and a day's money; one waits for more events.
const AUTOMATIONS: &str = "version: 1
defaults:
  run: { commands: ['true'], timeout: 60s }
  output: { comment: none, check: false }
  budget: { run_usd: 1, repository_day_usd: 3 }
  concurrency: { group: repo, limit: 2 }
automations:
  - name: gathers
    on: [{ source: github, event: issue.labeled, label_command: 'agent:fix' }]
    debounce: { window: 1s, max_wait: 3s }
  - name: hurries
    on: [{ source: github, event: issue.labeled, label_command: 'agent:fix' }]
";

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_runs_wait_for_events_places_and_money_nothing_is_lost_or_leaks() {
    needs_sandbox!();
    let mut random = Random::from_env();
    let mut world = Plan::default().automation(AUTOMATIONS).without_webhook().prepare().await;
    let issue = world.issue("It greets nobody");
    let mut accepted = Vec::new();
    for round in 0..ROUNDS {
        world.start().await;
        for happening in 0..random.between(1, 4) {
            let number = FIRST + random.between(1, ISSUES);
            let mut payload = world.labelled_payload(issue);
            payload["issue"]["number"] = number.into();
            payload["issue"]["id"] = number.into();
            payload["issue"]["updated_at"] = format!("2026-11-20T10:{round:02}:{happening:02}Z").into();
            let guid = format!("guid-{round}-{happening}");
            let answer = world.deliver("issues", &guid, payload.to_string().as_bytes()).await;
            accepted.push((answer.delivery(), number));
        }
        // From before the decision to the middle of runs.
        tokio::time::sleep(Duration::from_millis(random.between(0, 1500))).await;
        one_active_run_of_an_item(&world.all("runs").await);
        world.kill9().await;
    }
    world.start().await;
    let runs = world
        .wait("every run over", async || {
            let runs = world.all("runs").await;
            one_active_run_of_an_item(&runs);
            let decided = world.all("deliveries").await.len() >= accepted.len();
            (decided && runs.iter().all(|run| run["state"] == "done")).then_some(runs)
        })
        .await;

    // Each delivery counts for one run of each automation.
    let mut counted: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut spent = Usd::default();
    for run in &runs {
        let (status, run) = world.api(&format!("runs/{}", run["id"].as_str().unwrap())).await;
        assert_eq!(status, 200, "{run:#}");
        for event in run["events"].as_array().unwrap() {
            let key = (event["delivery"].as_str().unwrap().to_owned(), run["automation"].to_string());
            *counted.entry(key).or_default() += 1;
        }
        spent = spent.plus(serde_json::from_value(run["spent"].clone()).unwrap());
    }
    for (delivery, number) in &accepted {
        let delivery = world.delivery(delivery).await;
        assert_eq!(delivery["event"]["work_item"], format!("github:{REPO}#{number}"));
        assert_eq!(delivery["decisions"].as_array().unwrap().len(), 2, "{delivery:#}");
        for automation in ["gathers", "hurries"] {
            let key = (delivery["id"].as_str().unwrap().to_owned(), format!("\"{automation}\""));
            assert_eq!(counted.get(&key), Some(&1), "{key:?}");
        }
    }
    let (_, budgets) = world.api("budgets").await;
    let repository =
        budgets["items"].as_array().unwrap().iter().find(|row| row["kind"] == "repository").unwrap();
    let sums = (&repository["reserved"], &repository["spent"]);
    assert_eq!(sums, (&0.into(), &serde_json::to_value(spent).unwrap()), "{budgets:#}");
    println!("kill -9 {ROUNDS} times: {} deliveries, {} runs, none lost", accepted.len(), runs.len());
    world.stop().await;
}

fn one_active_run_of_an_item(runs: &[Value]) {
    let mut busy = BTreeSet::new();
    for run in runs.iter().filter(|run| run["state"] == "queued" || run["state"] == "active") {
        assert!(busy.insert(run["work_item"].as_str().unwrap()), "two runs of one item: {run:#}");
    }
    assert!(busy.len() <= 2, "the group has two places: {busy:?}");
}

/// The commands that people use, over one run that waits to be agreed to.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_waits_and_agrees() {
    needs_sandbox!();
    let asks = "version: 1
automations:
  - name: asks
    on: [{ source: github, event: issue.labeled, label_command: 'agent:fix' }]
    budget: { run_usd: 2, day_usd: 20 }
    run: { commands: ['true'], approval: {} }
";
    let world = Plan::default().automation(asks).start().await;
    let issue = world.labelled_issue();
    let run = world.run_when(issue, "asked for", |run| run["approval"].is_object()).await;
    let (id, code) = (run["id"].as_str().unwrap(), run["approval"]["code"].as_str().unwrap());
    let shown = said(&world, &["runs", "approve", id], 0).await;
    assert!(shown.contains("It does not greet") && shown.contains(code), "{shown}");
    let refused = said(&world, &["runs", "approve", id, "--inputs", "00000000"], 1).await;
    assert!(refused.contains("nothing was approved"), "{refused}");
    said(&world, &["runs", "approve", id, "--inputs", code], 0).await;
    let run = world.finished(issue).await;
    assert_eq!(
        (&run["outcome"], &run["approval"]["approved_by"]),
        (&"no_change".into(), &"an operator".into())
    );
    let shown = said(&world, &["runs", "show", id], 0).await;
    assert!(shown.contains("by an operator") && shown.contains("may spend"), "{shown}");
    let budgets = said(&world, &["budgets"], 0).await;
    assert!(budgets.contains("asks\t$0.00\t$0.00\t$20.00"), "{budgets}");
}

/// What a command prints when it ends with this code.
async fn said(world: &World, args: &[&str], code: i32) -> String {
    let output = world.cli(args).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{args:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}
