//! Cancelling from outside while commands run.

use std::time::Duration;

use crate::needs_sandbox;
use crate::support::{Plan, comment, marker, running_with, wait_until_none_runs_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_loses_its_processes_within_seconds_and_says_so() {
    needs_sandbox!();
    let marker = marker(3);
    let hang = format!("setsid sleep {marker} & (trap '' TERM INT; sleep {marker}) & sleep {marker}");
    // A long lease: a cancel must not wait for a heartbeat of it.
    let world = Plan::running(&[&hang]).start().await;
    let issue = world.labelled_issue();
    let run = world.running(issue).await;
    world.wait("the processes of the run", async || (running_with(&marker).len() > 3).then_some(())).await;
    let cancel = format!("runs/{}/cancel", run["id"].as_str().unwrap());
    let (status, answer) = world.post(&cancel).await;
    assert_eq!((status, answer["cancel"].as_str()), (202, Some("requested")));
    wait_until_none_runs_with(&marker, Duration::from_secs(10)).await;
    let run = world.finished(issue).await;
    assert_eq!(
        (run["outcome"].as_str(), run["reason"]["reason"].as_str()),
        (Some("cancelled"), Some("cancel_requested"))
    );
    assert!(world.pulls_for(issue).is_empty());
    let said = comment(&world.our_comment(issue)).replace(&marker, "<long>");
    insta::assert_snapshot!("cancelled_comment", said);
    let (status, answer) = world.post(&cancel).await;
    assert_eq!(status, 409, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_is_cancelled_at_once_and_the_next_one_goes_on() {
    needs_sandbox!();
    let hold = format!("sleep {}", marker(4));
    let world = Plan::running(&[&hold]).settings("workers: { slots: 1 }").start().await;
    let (first, second) = (world.labelled_issue(), world.labelled_issue());
    let holder = world.running(first).await;
    let waiting = world.run_when(second, "queued", |run| run["state"] == "queued").await;
    let (status, answer) = world.post(&format!("runs/{}/cancel", waiting["id"].as_str().unwrap())).await;
    assert_eq!((status, answer["cancel"].as_str()), (202, Some("cancelled")));
    assert_eq!(world.finished(second).await["outcome"], "cancelled");
    world.post(&format!("runs/{}/cancel", holder["id"].as_str().unwrap())).await;
    assert_eq!(world.finished(first).await["outcome"], "cancelled");
    let (status, _) = world.post("runs/00000000-0000-0000-0000-000000000000/cancel").await;
    assert_eq!(status, 404);
}
