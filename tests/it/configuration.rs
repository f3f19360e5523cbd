//! Mistakes in the configuration: no start, exit code 2, and a message with its place; while running
//! the old automations stay.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{Plan, World, automation, redact};

async fn refusing(world: &World) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = world.cli(&["up"]).await;
    // JSON log lines may come first; people read what follows.
    let text = String::from_utf8_lossy(&stderr);
    let words: Vec<&str> = text.lines().filter(|line| !line.starts_with('{')).collect();
    (status.code(), redact(&words.join("\n"), world))
}

fn change(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_shown_with_its_place_and_nothing_starts() {
    let cases: [(&str, &str, &str, &str); 7] = [
        ("invalid_yaml", "pullwright.yaml", "webhooks:\n", "webhooks: [\n"),
        ("unknown_key", "pullwright.yaml", "listen: {", "listen: { webhoks: x,"),
        ("doubled_key", "pullwright.yaml", "webhooks:\n", "data_dir: a\ndata_dir: b\nwebhooks:\n"),
        ("missing_secret", "pullwright.yaml", "env:GITHUB_TOKEN", "env:NOT_SET_ANYWHERE"),
        ("secret_in_the_file", "pullwright.yaml", "\"${env:GITHUB_TOKEN}\"", "ghp_plain"),
        ("doubled_automation", "automations/1.yaml", "name: second", "name: fix"),
        ("unknown_key_in_automation", "automations/0.yaml", "timeout: 60s", "timeuot: 60s"),
    ];
    for (name, file, from, to) in cases {
        let world = Plan::running(&["true"]).automation(automation("second", &["true"], "")).prepare().await;
        change(&world.path(file), from, to);
        let (code, words) = refusing(&world).await;
        assert_eq!(code, Some(2), "{name}: {words}");
        insta::assert_snapshot!(format!("refused_{name}"), words);
        // The automations of an earlier start would be in the database, so that is opened for them.
        let looked = file.starts_with("automations");
        assert_eq!(world.path("data/store.db").exists(), looked, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_or_a_folder_in_use_is_named() {
    let mut world = Plan::running(&["true"]).start().await;
    let (code, words) = refusing(&world).await;
    assert_eq!(code, Some(2), "{words}");
    insta::assert_snapshot!("refused_port_in_use", words);
    change(&world.config(), &format!(":{}", world.port()), ":0");
    let (code, words) = refusing(&world).await;
    assert_eq!(code, Some(2), "{words}");
    insta::assert_snapshot!("refused_folder_in_use", words);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_configuration_at_all() {
    let world = Plan::default().prepare().await;
    std::fs::remove_file(world.config()).unwrap();
    let (code, words) = refusing(&world).await;
    assert_eq!(code, Some(2));
    insta::assert_snapshot!("refused_no_file", words);
}

/// The `automations` check of `/readyz`.
async fn rules(world: &World) -> Option<Value> {
    let ready: Value = serde_json::from_str(&world.get("/readyz").await.1).ok()?;
    ready["checks"].as_array()?.iter().find(|check| check["name"] == "automations").cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_while_running_leaves_the_old_set_in_force_and_is_taken_once_mended() {
    let observe = |name: &str| automation(name, &["true"], "    mode: observe\n");
    let mut world = Plan::default().automation(observe("old")).start().await;
    let file = world.path("automations/0.yaml");
    let bad = observe("new").replace("commands:", "comands:");
    std::fs::write(&file, bad).unwrap();
    let problem =
        world.wait("the problem", async || rules(&world).await.filter(|check| check["ok"] == false)).await;
    insta::assert_snapshot!("reload_problem", redact(problem["detail"].as_str().unwrap(), &world));
    assert_eq!(world.get("/readyz").await.0, 503);
    assert_eq!(in_force(&world).await, ["old"]);
    // The old set decides, and outlives a restart.
    let issue = world.labelled_issue();
    decided_by(&world, issue, "old").await;
    world.stop().await;
    world.start().await;
    assert_eq!(in_force(&world).await, ["old"]);
    assert_eq!(rules(&world).await.unwrap()["ok"], false);

    std::fs::write(&file, observe("new")).unwrap();
    world.wait("the mended set", async || rules(&world).await.filter(|check| check["ok"] == true)).await;
    assert_eq!(in_force(&world).await, ["new"]);
    let issue = world.labelled_issue();
    decided_by(&world, issue, "new").await;
}

/// The names of the automations in force.
async fn in_force(world: &World) -> Vec<String> {
    let (_, set) = world.api("automations").await;
    let items = set["items"].as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn decided_by(world: &World, issue: u64, automation: &str) {
    let item = format!("github:acme/api#{issue}");
    let labelled = world
        .wait("the label's delivery", async || {
            let (_, list) = world.api("deliveries").await;
            let rows = list["items"].as_array()?;
            rows.iter().find(|row| row["event"] == "issue.labeled" && row["work_item"] == item).cloned()
        })
        .await;
    let delivery = world.delivery(labelled["id"].as_str().unwrap()).await;
    assert_eq!(delivery["decisions"][0]["automation"], automation, "{delivery:#}");
}
