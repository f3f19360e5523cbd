//! Workers that are processes of their own: lost, frozen, stopped, and a control plane that restarts.

use std::time::Duration;

use nix::sys::signal::Signal;
use schemas::{Clock, SystemClock};

use crate::needs_sandbox;
use crate::support::{Plan, Worker, World, automation, worker_command};

const SETTINGS: &str = "workers: { slots: 0 }\nruns: { lease: 5s }";

/// A control plane without a worker of its own.
async fn control_plane(commands: &[&str]) -> World {
    Plan::running(commands).settings(SETTINGS).start().await
}

/// Of two workers the one that holds the run comes first.
fn holder_first(run: &serde_json::Value, one: Worker, other: Worker) -> (Worker, Worker) {
    if run["worker"] == *one.name { (one, other) } else { (other, one) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_becomes_a_pull_request_on_another_machine() {
    needs_sandbox!();
    let world = control_plane(&["echo done > result"]).await;
    let (one, two) = (world.worker("one", 1).await, world.worker("two", 2).await);
    world.online(&one).await;
    world.online(&two).await;
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}\n{}\n{}", one.logs(), two.logs());
    assert!(run["worker"] == "one" || run["worker"] == "two", "{run:#}");
    assert_eq!((world.pulls_for(issue).len(), world.our_comments(issue).len()), (1, 1));
    assert!(world.get("/readyz").await.1.contains("none in this process"));

    let list = world.cli(&["workers", "list"]).await;
    let text = String::from_utf8(list.stdout).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let columns = |row: usize| (rows[row][0], rows[row][1], rows[row][2], rows[row][4]);
    let expected = [("one", "default", "online", "0 of 1"), ("two", "default", "online", "0 of 2")];
    assert_eq!([columns(0), columns(1)], expected);
    // Nothing that is not a worker's lies on its machine.
    let credential = std::fs::read_to_string(world.path("one/data/worker.credential")).unwrap();
    assert!(credential.contains("\"name\":\"one\""));
    for name in ["store.db", "queue.db", "gate.key", "admin.token"] {
        assert!(!world.path("one/data").join(name).exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_a_worker_of_its_pool() {
    needs_sandbox!();
    let gpu = "    run: { timeout: 60s, pool: gpu, commands: [\"echo done > result\"] }\n    output: { pull_request: {} }\n";
    let plan = Plan::default().automation(automation("fix", &[], gpu)).settings(SETTINGS);
    let world = plan.start().await;
    let plain = world.worker("plain", 1).await;
    world.online(&plain).await;
    let issue = world.labelled_issue();
    let run = world.run_when(issue, "offered", |run| run["state"] == "queued").await;
    assert_eq!(run["sentence"], "It waits for a worker of the pool `gpu`.");
    let (status, ready) = world.get("/readyz").await;
    assert_eq!(status, 200, "{ready}");
    assert!(ready.contains("the pool `gpu` has no worker and 1 waiting"), "{ready}");

    let big = Worker::start("big", &world.prepare_worker_of("gpu", "big", 1).await);
    let run = world.finished(issue).await;
    assert_eq!((&run["outcome"], &run["worker"]), (&"succeeded".into(), &"big".into()), "{run:#}");
    assert!(world.get("/readyz").await.1.contains("no run waits for one without workers"));
    assert_eq!(world.workers().await[0]["pool"], "gpu", "{}", big.logs());

    // A worker that is moved takes what its new pool has.
    drop(big);
    assert!(world.cli(&["workers", "revoke", "big"]).await.status.success());
    let issue = world.labelled_issue();
    world.run_when(issue, "offered", |run| run["state"] == "queued").await;
    assert!(world.cli(&["workers", "enrol", "plain", "--pool", "gpu"]).await.status.success());
    assert_eq!(world.finished(issue).await["worker"], "plain", "{}", plain.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_of_a_killed_worker_is_finished_by_another() {
    needs_sandbox!();
    let world = control_plane(&["sleep 4", "echo done > result"]).await;
    let (one, two) = (world.worker("one", 1).await, world.worker("two", 1).await);
    let issue = world.labelled_issue();
    let run = world.running(issue).await;
    let (mut lost, other) = holder_first(&run, one, two);
    lost.signal(Signal::SIGKILL);
    lost.ended().await;
    let run = world.finished(issue).await;
    assert_eq!(
        (&run["outcome"], &run["worker"]),
        (&"succeeded".into(), &other.name.clone().into()),
        "{run:#}"
    );
    assert_eq!((&run["workers_lost"], &run["epoch"]), (&1.into(), &2.into()));
    assert_eq!((world.pulls_for(issue).len(), world.our_comments(issue).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_wakes_after_its_lease_writes_nothing() {
    needs_sandbox!();
    const RUNS: usize = 4;
    let world = control_plane(&["sleep 3", "echo done > result"]).await;
    let frozen = world.worker("one", u32::try_from(RUNS).unwrap()).await;
    let issues: Vec<u64> = (0..RUNS).map(|_| world.labelled_issue()).collect();
    for issue in &issues {
        world.running(*issue).await;
    }
    frozen.signal(Signal::SIGSTOP);
    let _other = world.worker("two", u32::try_from(RUNS).unwrap()).await;
    let mut before = Vec::new();
    for issue in &issues {
        let run = world.finished(*issue).await;
        assert_eq!((&run["outcome"], &run["worker"]), (&"succeeded".into(), &"two".into()), "{run:#}");
        before.push((run["head"].clone(), run["intents"].clone(), world.our_comment(*issue)));
    }
    frozen.signal(Signal::SIGCONT);
    let dropped = || frozen.logs().matches("dropped: the run is somebody else's").count();
    world.wait("its jobs dropped", async || (dropped() == RUNS).then_some(())).await;
    for (issue, before) in issues.iter().zip(before) {
        let run = world.finished(*issue).await;
        assert_eq!((run["head"].clone(), run["intents"].clone(), world.our_comment(*issue)), before);
        assert_eq!((world.pulls_for(*issue).len(), run["workers_lost"].as_u64()), (1, Some(1)));
    }
    println!("writes of a worker that woke after its lease: 0 of {RUNS} runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_restarts_has_nobody_run_again() {
    needs_sandbox!();
    let mut world = control_plane(&["sleep 4", "echo done > result"]).await;
    let _worker = world.worker("one", 2).await;
    let issues = [world.labelled_issue(), world.labelled_issue()];
    for issue in issues {
        world.running(issue).await;
    }
    world.kill9().await;
    world.start().await;
    for issue in issues {
        let run = world.finished(issue).await;
        assert_eq!(run["outcome"], "succeeded", "{run:#}");
        assert_eq!((&run["workers_lost"], &run["epoch"]), (&0.into(), &1.into()));
        assert_eq!((world.pulls_for(issue).len(), world.our_comments(issue).len()), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_hands_its_run_back() {
    needs_sandbox!();
    let world = control_plane(&["sleep 6", "echo done > result"]).await;
    let (one, two) = (world.worker("one", 1).await, world.worker("two", 1).await);
    let issue = world.labelled_issue();
    let run = world.running(issue).await;
    let (mut stopping, other) = holder_first(&run, one, two);
    stopping.signal(Signal::SIGTERM);
    let status = stopping.ended().await;
    assert!(status.success(), "{status}:\n{}", stopping.logs());
    let run = world.finished(issue).await;
    assert_eq!(
        (&run["outcome"], &run["worker"]),
        (&"succeeded".into(), &other.name.clone().into()),
        "{run:#}"
    );
    assert_eq!(run["workers_lost"], 0, "{run:#}");
    // One that waits for work stops at once, and not at its claim's end.
    let mut other = other;
    let clock = SystemClock::new();
    other.signal(Signal::SIGTERM);
    assert!(other.ended().await.success());
    assert!(clock.monotonic() < Duration::from_secs(10), "{:?}", clock.monotonic());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_refuses_what_is_not_its_own() {
    let world = control_plane(&["true"]).await;
    let folder = world.prepare_worker("one", 1).await;
    let config = std::fs::read_to_string(folder.join("pullwright.yaml")).unwrap();
    let log = folder.join("worker.log");
    let refused = async |more: &str, env: (&str, &str)| {
        std::fs::write(folder.join("pullwright.yaml"), format!("{config}{more}")).unwrap();
        std::fs::write(&log, "").unwrap();
        let status = worker_command(&folder).env(env.0, env.1).status().await.unwrap();
        assert_eq!(status.code(), Some(2));
        // The sentences are broken into lines by their width.
        let text = std::fs::read_to_string(&log).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" │ ", " ")
    };
    let forge = "connections: { github: { kind: github, auth: { token: \"${env:GITHUB_TOKEN}\" } } }\n";
    let said = refused(forge, ("GITHUB_TOKEN", "x")).await;
    assert!(
        said.contains("the role `worker` may not hold the credential of the connection `github`"),
        "{said}"
    );
    let hook = "webhooks: { linear: { kind: linear, secret: \"${env:HOOK}\" } }\n";
    let said = refused(hook, ("HOOK", "x")).await;
    assert!(said.contains("the role `worker` may not hold the secret of the webhook `linear`"), "{said}");
    let said = refused("data_dir: ../data\n", ("A", "x")).await;
    assert!(said.contains("which is the control plane's"), "{said}");
    let said = refused("", ("PULLWRIGHT__WORKERS__SLOTS", "0")).await;
    assert!(said.contains("a worker without slots does nothing"), "{said}");
}
