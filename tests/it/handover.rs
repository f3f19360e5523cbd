//! A worker that is killed between its result and its push: another one pushes the same commit, and no
//! command runs again.

use std::path::PathBuf;

use forge_sim::{Fault, FaultOrder};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{Plan, Worker, World};

const COMMAND: &str = "date +%s%N > result";

/// What is kept of runs.
fn kept(world: &World) -> Vec<PathBuf> {
    let below = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    below(world.path("data/artifacts/results")).flat_map(below).collect()
}

/// The run's log: how often its command ran, and all of it.
async fn log(world: &World, run: &Value) -> (usize, String) {
    let log = world.cli(&["runs", "logs", run["id"].as_str().unwrap()]).await;
    let log = String::from_utf8(log.stdout).unwrap();
    (log.matches(&format!("$ {COMMAND}")).count(), log)
}

/// Holds every push up, and waits until one was granted: what the worker made is kept by then.
async fn until_pushing(world: &World, issue: u64) -> Value {
    let run = world.run_when(issue, "pushing", |run| run["step"] == "push").await;
    assert_eq!(kept(world).len(), 1, "{run:#}");
    run
}

fn no_push() -> FaultOrder {
    FaultOrder::once("POST", "*/git-receive-pack", Fault::Status { status: 503 }).times(1000)
}

async fn published_once(world: &World, issue: u64, granted: &Value) -> Value {
    let run = world.finished(issue).await;
    let (ran, log) = log(world, &run).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}\n{log}");
    assert_eq!(ran, 1, "{log}");
    assert_eq!(run["head"], granted["head"], "{run:#}");
    let line = format!("an earlier worker made {}: it is published", granted["head"].as_str().unwrap());
    assert!(log.contains(&line), "{log}");
    assert_eq!((world.pulls_for(issue).len(), world.our_comments(issue).len()), (1, 1));
    world.wait("nothing kept", async || kept(world).is_empty().then_some(())).await;
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_its_result_another_machine_pushes_it() {
    needs_sandbox!();
    let settings = "workers: { slots: 0 }\nruns: { lease: 5s }";
    let world = Plan::running(&[COMMAND]).settings(settings).start().await;
    world.sim.fault(no_push()).unwrap();
    let (one, two) = (world.worker("one", 1).await, world.worker("two", 1).await);
    let issue = world.labelled_issue();
    let granted = until_pushing(&world, issue).await;
    let (mut lost, other): (Worker, Worker) =
        if granted["worker"] == *one.name { (one, two) } else { (two, one) };
    lost.signal(Signal::SIGKILL);
    lost.ended().await;
    // The git that it started may live on, until its epoch is over.
    world.run_when(issue, "somebody else's", |run| run["epoch"] == 2).await;
    world.sim.no_faults();
    let run = published_once(&world, issue, &granted).await;
    assert_eq!((&run["workers_lost"], &run["epoch"]), (&1.into(), &2.into()), "{run:#}");
    assert_eq!(run["worker"], *other.name, "{run:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_its_result_one_process_pushes_it_at_its_next_start() {
    needs_sandbox!();
    let mut world = Plan::running(&[COMMAND]).start().await;
    world.sim.fault(no_push()).unwrap();
    let issue = world.labelled_issue();
    let granted = until_pushing(&world, issue).await;
    world.kill9().await;
    world.sim.no_faults();
    world.start().await;
    published_once(&world, issue, &granted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_its_result_the_command_runs_once_more() {
    needs_sandbox!();
    let mut world = Plan::running(&["sleep 2", COMMAND, "sleep 2"]).start().await;
    let issue = world.labelled_issue();
    let run = world.running(issue).await;
    world.wait("the command in the log", async || (log(&world, &run).await.0 == 1).then_some(())).await;
    assert_eq!(kept(&world), Vec::<PathBuf>::new());
    world.kill9().await;
    world.start().await;
    let run = world.finished(issue).await;
    assert_eq!((&run["outcome"], &run["epoch"]), (&"succeeded".into(), &2.into()), "{run:#}");
    assert_eq!(log(&world, &run).await.0, 2);
    assert_eq!(world.pulls_for(issue).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_and_spoilt_is_not_pushed() {
    needs_sandbox!();
    let mut world = Plan::running(&[COMMAND]).start().await;
    world.sim.fault(no_push()).unwrap();
    let issue = world.labelled_issue();
    let granted = until_pushing(&world, issue).await;
    world.kill9().await;
    for file in kept(&world) {
        std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(100).unwrap();
    }
    world.sim.no_faults();
    world.start().await;
    let run = world.finished(issue).await;
    let (ran, log) = log(&world, &run).await;
    assert_eq!((&run["outcome"], ran), (&"succeeded".into(), 2), "{run:#}\n{log}");
    assert_ne!(run["head"], granted["head"], "{run:#}");
    assert!(log.contains("is not used, the run begins anew: "), "{log}");
    assert_eq!(world.pulls_for(issue).len(), 1);
}
