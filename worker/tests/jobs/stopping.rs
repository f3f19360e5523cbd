//! Stopping in two phases, and starting where another one died.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use schemas::run::Reason;
use tokio::sync::Notify;
use worker::WorkerError;

use crate::support::{Shell, Site};

#[tokio::test]
async fn a_soft_stop_lets_a_job_finish() {
    let site = Site::new("echo one > a").await;
    let go = site.folder.path().join("go");
    site.control.enqueue(site.job(&[&format!(
        "echo started; while ! test -e {}; do sleep 0.02; done; echo two > a",
        go.display()
    )]));
    let mut settings = site.settings();
    settings.grace = Duration::from_secs(60);
    let running = site.start_with(settings, Arc::new(Shell::default()));
    site.control.until("started", |state| state.log().contains("\nstarted")).await;
    running.stop.soft.cancel();
    site.control.enqueue(site.job(&["true"]));
    running.wake_up.notify_one();
    fs::write(go, "").unwrap();
    running.end().await;
    site.control.change(|state| {
        assert_eq!(state.reports.len(), 1, "nothing new was taken");
        assert_eq!(state.reports[0].reason, Reason::Published);
        assert!(state.handed_back.is_empty());
    });
}

#[tokio::test]
async fn after_the_grace_period_a_job_is_handed_back() {
    let site = Site::new("echo one > a").await;
    let job = site.job(&["echo started; sleep 600"]);
    let run = job.run;
    site.control.enqueue(job);
    let running = site.start();
    site.control.until("started", |state| state.log().contains("\nstarted")).await;
    running.end().await;
    site.control.change(|state| {
        assert_eq!(state.handed_back, [run]);
        assert!(state.reports.is_empty());
    });
    assert_eq!(fs::read_dir(site.data_dir().join("runs")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_hard_stop_does_not_wait() {
    let site = Site::new("echo one > a").await;
    for _ in 0..2 {
        site.control.enqueue(site.job(&["echo started; sleep 600"]));
    }
    let mut settings = site.settings();
    settings.grace = Duration::from_secs(600);
    let running = site.start_with(settings, Arc::new(Shell::default()));
    site.control.until("both slots work", |state| state.log().matches("\nstarted").count() == 2).await;
    running.stop.soft.cancel();
    running.stop.hard.cancel();
    running.end().await;
    site.control.change(|state| assert_eq!(state.handed_back.len(), 2));
}

#[tokio::test]
async fn a_hard_stop_with_the_control_plane_gone() {
    let site = Site::new("echo one > a").await;
    site.control.enqueue(site.job(&["echo started; sleep 600"]));
    let running = site.start();
    site.control.until("started", |state| state.log().contains("\nstarted")).await;
    site.control.change(|state| state.down = true);
    running.stop.hard.cancel();
    running.end().await;
}

#[tokio::test]
async fn a_job_that_is_claimed_while_stopping_goes_back() {
    let site = Site::new("echo one > a").await;
    let gate = Arc::new(Notify::new());
    site.control.change(|state| state.gate = Some(Arc::clone(&gate)));
    let job = site.job(&["sleep 600"]);
    let run = job.run;
    site.control.enqueue(job);
    let running = site.start();
    site.control.until("a claim on its way", |state| state.waiting_at_gate).await;
    running.stop.soft.cancel();
    gate.notify_one();
    running.end().await;
    site.control
        .change(|state| assert_eq!((state.handed_back.as_slice(), state.reports.len()), (&[run][..], 0)));
}

#[tokio::test]
async fn wake_ups_are_enough() {
    let site = Site::new("echo one > a").await;
    let running = site.start();
    site.control.until("an idle worker", |state| !state.claims.is_empty()).await;
    for _ in 0..5 {
        site.control.enqueue(site.job(&["true"]));
    }
    // One wake-up for five jobs: a worker asks until there is nothing left.
    running.wake_up.notify_one();
    site.control.until("five reports", |state| state.reports.len() == 5).await;
    running.end().await;
}

#[tokio::test]
async fn a_leaking_sandbox_takes_no_jobs() {
    let site = Site::new("echo one > a").await;
    site.control.enqueue(site.job(&["true"]));
    let running = site.start_with(site.settings(), Arc::new(Shell { leaks: true }));
    let ended = running.task.await.unwrap();
    assert!(matches!(ended, Err(WorkerError::Sandbox(_))), "{ended:?}");
    site.control.change(|state| assert!(state.claims.is_empty()));
}

#[tokio::test]
async fn leftovers_go_and_a_second_worker_is_refused() {
    let site = Site::new("echo one > a").await;
    let dead = site.data_dir().join("runs/dead-1/workspace/a/b");
    fs::create_dir_all(&dead).unwrap();
    std::os::unix::fs::symlink("/etc", dead.join("link")).unwrap();
    let broken = site.data_dir().join("mirrors/github/acme/api.broken-1/objects");
    fs::create_dir_all(&broken).unwrap();
    let running = site.start();
    site.control.until("a working worker", |state| !state.claims.is_empty()).await;
    assert_eq!(fs::read_dir(site.data_dir().join("runs")).unwrap().count(), 0);
    assert!(!broken.exists());
    let second = site.start();
    assert!(matches!(second.task.await.unwrap(), Err(WorkerError::DataDirInUse(_))));
    running.end().await;
}
