//! Schedules that fire, and automations that lie in a repository.

use schemas::{AutomationId, Clock, SystemClock};
use serde_json::{Value, json};
use store::Store;

use crate::needs_sandbox;
use crate::support::{NAME, OWNER, Plan, REPO, World, redact};

fn scheduled(commands: &str) -> String {
    format!(
        "version: 1
automations:
  - name: minutely
    on: [{{ schedule: \"* * * * *\", timezone: Europe/Berlin }}]
    repos: [\"github/acme/*\"]
    run: {{ timeout: 60s, commands: [{commands}] }}
    output: {{ pull_request: {{ title: From a schedule }} }}
"
    )
}

/// The database of a Pullwright that was started ten minutes ago and stopped at once: so the last
/// minute's tick is due, and no test has to wait for the next.
async fn started_before(world: &World) {
    std::fs::create_dir_all(world.path("data")).unwrap();
    let store = Store::open_sqlite(&world.path("data/store.db")).await.unwrap();
    let clock = SystemClock::new();
    let past = clock.now() - chrono::TimeDelta::minutes(10);
    let tx = store.begin().await.unwrap();
    let named = [("minutely".into(), None)];
    let ids = tx.name_automations(&named, past, || AutomationId::fresh(&clock)).await.unwrap();
    let timetable = (ids[&"minutely".into()], "* * * * * Europe/Berlin".to_owned());
    tx.keep_timetables(&[timetable], past).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_becomes_a_pull_request_of_each_repository() {
    needs_sandbox!();
    let mut world = Plan::default().automation(scheduled("echo more >> README.md")).prepare().await;
    started_before(&world).await;
    world.start().await;
    let item = format!("schedule:minutely:github/{REPO}");
    let run = world
        .wait("a run of the schedule that is over", async || {
            let (_, runs) = world.api("runs").await;
            let over = |run: &&Value| run["work_item"] == *item && run["state"] == "done";
            runs["items"].as_array()?.iter().rev().find(over).cloned()
        })
        .await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    let pulls = world.sim.pulls(OWNER, NAME);
    assert_eq!(pulls[0].title, "From a schedule");
    assert!(pulls[0].body.as_deref().unwrap().contains("Started by a schedule."), "{pulls:#?}");

    let delivery = world.delivery(run["delivery"].as_str().unwrap()).await;
    assert_eq!(
        (&delivery["webhook"], &delivery["event"]["type"]),
        (&json!("schedule"), &json!("schedule.fired"))
    );
    assert_eq!(delivery["decisions"][0]["verdict"], "matched");
    let (_, schedules) = world.api("schedules?automation=minutely&count=2").await;
    let row = &schedules["items"][0];
    assert_eq!(row["next"].as_array().unwrap().len(), 2);
    assert_eq!(row["last"]["state"], "fired", "{row:#}");
    let shown = world.cli(&["schedules"]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("* * * * * (Europe/Berlin)") && shown.contains("github/acme/*"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn automations_are_pulled_from_the_one_branch_of_a_repository() {
    let world = Plan::default()
        .settings("automations: { repository: github/acme/ops, path: rules }")
        .without_webhook()
        .prepare()
        .await;
    let rules = |name: &str| {
        format!(
            "version: 1\nautomations:\n  - {{ name: {name}, on: [{{ source: github, event: issue.opened }}], run: {{ commands: ['true'] }} }}\n"
        )
    };
    let first = rules("first");
    world
        .sim
        .create_repo("acme", "ops", &[("rules/a.yaml", first.as_str()), ("b.yaml", "no")])
        .await
        .unwrap();
    let mut world = world;
    world.start().await;
    let pushed = async |branch: &str| {
        let reference = format!("/ref=refs/heads/{branch}");
        let sent = world
            .cli(&["deliveries", "send", "github", "push", "--repo", "acme/ops", "--set", &reference])
            .await;
        assert!(sent.status.success(), "{sent:?}");
    };
    let in_force = async |name: &str| {
        let name = json!(name);
        world
            .wait(&format!("{name} in force"), async || {
                let (_, set) = world.api("automations").await;
                (set["items"][0]["name"] == name).then_some(set)
            })
            .await
    };
    let set = in_force("first").await;
    let head = world.sim.branch("acme", "ops", "main").await.unwrap();
    assert_eq!(set["source"], format!("github/acme/ops@{}:rules", &head[..12]));
    assert_eq!((&set["problem"], set["items"].as_array().unwrap().len()), (&Value::Null, 1));

    // What a pull request would make of it does not count; a mistake leaves the old set in force.
    world.sim.commit("acme", "ops", "proposal", &[("rules/a.yaml", &rules("proposed"))]).await.unwrap();
    pushed("proposal").await;
    world
        .sim
        .commit("acme", "ops", "main", &[("rules/a.yaml", "version: 1\nautomation: []\n")])
        .await
        .unwrap();
    pushed("main").await;
    let problem = world
        .wait("the mistake", async || world.api("automations").await.1["problem"].as_str().map(str::to_owned))
        .await;
    let head = world.sim.branch("acme", "ops", "main").await.unwrap();
    assert!(
        problem.starts_with(&format!("commit {} of github/acme/ops: a.yaml:2:1: ", &head[..12])),
        "{problem}"
    );
    in_force("first").await;
    let (status, ready) = world.get("/readyz").await;
    assert!(status == 503 && ready.contains(&head[..12]), "{ready}");
    let listed = world.cli(&["automations", "list"]).await;
    assert_eq!(listed.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&listed.stderr).contains("the newest files are not in force"),
        "{listed:?}"
    );

    world.sim.commit("acme", "ops", "main", &[("rules/a.yaml", &rules("second"))]).await.unwrap();
    pushed("main").await;
    in_force("second").await;

    // With the forge away the last set stays, also over a restart.
    world.stop().await;
    let away = std::fs::read_to_string(world.config()).unwrap().replace(&world.sim.url, "http://127.0.0.1:9");
    std::fs::write(world.config(), away).unwrap();
    world.start().await;
    let (_, set) = world.api("automations").await;
    assert_eq!(set["items"][0]["name"], "second");
    let shown = world.cli(&["automations", "show", "second"]).await;
    insta::assert_snapshot!(
        "automations_show",
        redact(&String::from_utf8_lossy(&shown.stdout), &world)
            .replace(set["source"].as_str().unwrap(), "<source>")
    );
}
