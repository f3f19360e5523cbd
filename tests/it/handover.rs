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

/// Holds every push up, and waits until one was granted: what the worker made is kept by then. The issue,
/// and the run.
async fn held_at_its_push(world: &World) -> (u64, Value) {
    let no_push = FaultOrder::once("POST", "*/git-receive-pack", Fault::Status { status: 503 });
    world.sim.fault(no_push.times(1000)).unwrap();
    let issue = world.labelled_issue();
    let run = world.run_when(issue, "pushing", |run| run["step"] == "push").await;
    assert_eq!(kept(world).len(), 1, "{run:#}");
    (issue, run)
}

/// A control plane without a worker of its own.
async fn control_plane() -> World {
    Plan::running(&[COMMAND]).settings("workers: { slots: 0 }\nruns: { lease: 5s }").start().await
}

/// SIGKILL, and others have its run. The git that it started may live on until then.
async fn dies(world: &World, issue: u64, mut worker: Worker, next: u64) {
    worker.signal(Signal::SIGKILL);
    worker.ended().await;
    world.run_when(issue, "somebody else's", |run| run["epoch"] == next && run["step"] == "push").await;
}

/// Everything that is kept is cut off.
fn spoil(world: &World) {
    for file in kept(world) {
        std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(100).unwrap();
    }
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
    let world = control_plane().await;
    let (one, two) = (world.worker("one", 1).await, world.worker("two", 1).await);
    let (issue, granted) = held_at_its_push(&world).await;
    let (lost, other) = if granted["worker"] == *one.name { (one, two) } else { (two, one) };
    dies(&world, issue, lost, 2).await;
    world.sim.no_faults();
    let run = published_once(&world, issue, &granted).await;
    assert_eq!((&run["workers_lost"], &run["epoch"]), (&1.into(), &2.into()), "{run:#}");
    assert_eq!(run["worker"], *other.name, "{run:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_else_is_killed_with_a_result_the_next_one_pushes_it() {
    needs_sandbox!();
    let world = control_plane().await;
    let one = world.worker("one", 1).await;
    let (issue, granted) = held_at_its_push(&world).await;
    let two = world.worker("two", 1).await;
    dies(&world, issue, one, 2).await;
    let three = world.worker("three", 1).await;
    dies(&world, issue, two, 3).await;
    world.sim.no_faults();
    let run = published_once(&world, issue, &granted).await;
    assert_eq!((&run["workers_lost"], &run["worker"]), (&2.into(), &three.name.clone().into()), "{run:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_forge_does_not_say_whether_a_push_arrived_nothing_is_decided() {
    needs_sandbox!();
    let world = control_plane().await;
    let mut one = world.worker("one", 1).await;
    let (issue, granted) = held_at_its_push(&world).await;
    let _two = world.worker("two", 1).await;
    let silent = FaultOrder::once("GET", "*", Fault::Status { status: 503 });
    world.sim.fault(silent.times(1000)).unwrap();
    one.signal(Signal::SIGKILL);
    one.ended().await;
    let asked = async || world.logs().contains("does not say whether it arrived").then_some(());
    world.wait("the forge asked", asked).await;
    world.sim.no_faults();
    let run = published_once(&world, issue, &granted).await;
    assert_eq!((&run["workers_lost"], &run["worker"]), (&1.into(), &"two".into()), "{run:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_spoilt_when_the_commands_may_not_run_again_ends_the_run() {
    needs_sandbox!();
    let world = control_plane().await;
    let one = world.worker("one", 1).await;
    let (issue, _) = held_at_its_push(&world).await;
    let two = world.worker("two", 1).await;
    dies(&world, issue, one, 2).await;
    spoil(&world);
    drop(two);
    let _three = world.worker("three", 1).await;
    let run = world.finished(issue).await;
    let (ran, log) = log(&world, &run).await;
    assert_eq!((&run["outcome"], ran), (&"failed".into(), 1), "{run:#}\n{log}");
    assert!(log.contains("is not used, the run ends: "), "{log}");
    assert!(world.pulls_for(issue).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_its_result_one_process_pushes_it_at_its_next_start() {
    needs_sandbox!();
    let mut world = Plan::running(&[COMMAND]).start().await;
    let (issue, granted) = held_at_its_push(&world).await;
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
    let (issue, granted) = held_at_its_push(&world).await;
    world.kill9().await;
    spoil(&world);
    world.sim.no_faults();
    world.start().await;
    let run = world.finished(issue).await;
    let (ran, log) = log(&world, &run).await;
    assert_eq!((&run["outcome"], ran), (&"succeeded".into(), 2), "{run:#}\n{log}");
    assert_ne!(run["head"], granted["head"], "{run:#}");
    assert!(log.contains("is not used, the run begins anew: "), "{log}");
    assert_eq!(world.pulls_for(issue).len(), 1);
}
