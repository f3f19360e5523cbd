//! Stopping in two phases: first ask, then force.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::needs_sandbox;
use crate::support::{Plan, marker, running_with, wait_until_none_runs_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_in_time_is_published_before_the_process_ends() {
    needs_sandbox!();
    let mut world =
        Plan::running(&["sleep 1", "echo x > x"]).settings("runs: { stop_grace: 20s }").start().await;
    let issue = world.labelled_issue();
    world.running(issue).await;
    world.signal(Signal::SIGTERM);
    let status = world.ended_within(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0), "{}", world.logs());
    assert_eq!(world.pulls_for(issue).len(), 1);
    assert!(world.our_comment(issue).contains("✅ done"), "{}", world.our_comment(issue));
    assert_eq!(world.sim.statuses("acme", "api").len(), 1);
    // Nothing is left to do for the next start.
    world.start().await;
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert_eq!((run["epoch"].as_i64(), world.pulls_for(issue).len()), (Some(1), 1), "{run:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_end_in_time_is_handed_back_and_taken_up_again() {
    needs_sandbox!();
    let sleep = format!("test -e /tmp/x || sleep 4.{:09}", std::process::id());
    let mut world = Plan::running(&[&sleep, "echo x > x"]).settings("runs: { stop_grace: 2s }").start().await;
    let issue = world.labelled_issue();
    world.running(issue).await;
    let late = world.labelled_payload(world.issue("Another")).to_string();
    world.signal(Signal::SIGINT);
    world
        .wait("the first phase", async || world.logs().contains("once more to force it").then_some(()))
        .await;
    let late = world.deliver("issues", "during-the-stop", late.as_bytes()).await.delivery();
    let status = world.ended_within(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0), "{}", world.logs());
    assert!(running_with(&format!("{:09}", std::process::id())).is_empty());
    assert!(world.pulls_for(issue).is_empty());
    world.start().await;
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert_eq!(run["epoch"], 2, "it was handed out twice");
    assert_eq!(run["workers_lost"], 0, "a hand-back is no loss");
    assert_eq!(world.delivery(&late).await["status"], "decided", "what was taken while stopping is not lost");
    assert_eq!(world.pulls_for(issue).len(), 1);
    assert!(world.our_comment(issue).contains("✅ done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_forces() {
    needs_sandbox!();
    let marker = marker(1);
    let hang = format!("setsid sleep {marker} & sleep {marker}");
    let mut world = Plan::running(&[&hang]).settings("runs: { stop_grace: 10m }").start().await;
    let issue = world.labelled_issue();
    world.running(issue).await;
    world.wait("the processes of the run", async || (!running_with(&marker).is_empty()).then_some(())).await;
    world.signal(Signal::SIGTERM);
    world
        .wait("the first phase", async || world.logs().contains("once more to force it").then_some(()))
        .await;
    assert!(!running_with(&marker).is_empty(), "the first signal only asks");
    world.signal(Signal::SIGINT);
    world.ended_within(Duration::from_secs(5)).await;
    wait_until_none_runs_with(&marker, Duration::from_secs(2)).await;
    // The run is not forgotten.
    world.start().await;
    let run = world.running(issue).await;
    assert_eq!(run["workers_lost"], 0, "{run:#}");
    let (status, _) = world.post(&format!("runs/{}/cancel", run["id"].as_str().unwrap())).await;
    assert_eq!(status, 202);
    assert_eq!(world.finished(issue).await["outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_it_leaves_no_process_behind() {
    needs_sandbox!();
    let marker = marker(2);
    let hang = format!("setsid sleep {marker} & sleep {marker}");
    let mut world = Plan::running(&[&hang]).start().await;
    let issue = world.labelled_issue();
    world.running(issue).await;
    world.wait("the processes of the run", async || (running_with(&marker).len() > 2).then_some(())).await;
    world.kill9().await;
    wait_until_none_runs_with(&marker, Duration::from_secs(5)).await;
}
