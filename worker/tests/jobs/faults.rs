//! Lost answers, lost leases, refusals: each ends in a report with the right reason, or in silence
//! where the run is somebody else's.

use std::fs;
use std::time::Duration;

use schemas::control::ControlError;
use schemas::run::{Outcome, Reason};

use crate::support::git_server::GitFault;
use crate::support::site::git;
use crate::support::{Fault, Site};

fn unavailable() -> Fault {
    Fault::Instead(ControlError::Unavailable { message: "restarting".into() })
}

#[tokio::test]
async fn a_lost_claim_is_repeated_with_its_nonce() {
    let site = Site::new("echo one > a").await;
    site.control.order("claim", Fault::AnswerLost);
    site.control.order("claim", unavailable());
    let report = site.run(site.job(&["true"])).await;
    assert_eq!(report.reason, Reason::NothingChanged);
    site.control.change(|state| {
        assert!(state.claims.len() >= 2);
        assert_eq!(state.claims[0], state.claims[1], "one claim, one nonce");
        assert!(state.claims.get(2).is_none_or(|next| *next != state.claims[0]), "a new claim has its own");
    });
}

#[tokio::test]
async fn every_call_may_lose_its_answer() {
    let site = Site::new("echo one > a").await;
    for call in ["step", "log", "grant_push", "report"] {
        site.control.order(call, unavailable());
    }
    for call in ["step", "log", "grant_push"] {
        site.control.order(call, Fault::AnswerLost);
    }
    let counter = site.folder.path().join("ran");
    let report = site.run(site.job(&[&format!("echo x >> {}; echo two > a", counter.display())])).await;
    assert_eq!(report.reason, Reason::Published);
    assert_eq!(fs::read_to_string(counter).unwrap(), "x\n", "commands run once");
}

#[tokio::test]
async fn a_push_is_repeated_without_the_commands() {
    let site = Site::new("echo one > a").await;
    let counter = site.folder.path().join("ran");
    site.server.order("service=git-receive-pack", GitFault::Instead(503));
    // Done, then no answer: the next try finds the branch where it should be.
    site.server.order("/git-receive-pack", GitFault::After(500));
    let report = site.run(site.job(&[&format!("echo x >> {}; echo two > a", counter.display())])).await;
    assert_eq!(report.reason, Reason::Published, "{report:?}");
    assert_eq!(fs::read_to_string(counter).unwrap(), "x\n");
    assert_eq!(site.pushed()["a"].1, "two\n");
}

#[tokio::test]
async fn what_the_forge_says_becomes_the_reason() {
    let site = Site::new("echo one > a").await;
    site.server.order("service=git-upload-pack", GitFault::Instead(503));
    assert_eq!(site.run(site.job(&["true"])).await.reason, Reason::NothingChanged, "tried again");
    fs::remove_dir_all(site.data_dir()).unwrap();

    for (status, reason) in [
        (404, Reason::RepositoryNotFound),
        (403, Reason::CredentialRefused),
        (401, Reason::CredentialRefused),
    ] {
        site.server.order("service=git-upload-pack", GitFault::Instead(status));
        assert_eq!(site.run(site.job(&["true"])).await.reason, reason, "{status}");
    }
    let mut job = site.job(&["true"]);
    job.base_branch = "gone".into();
    assert_eq!(site.run(job).await.reason, Reason::BranchMissing { branch: "gone".into() });

    let mut job = site.job(&["true"]);
    job.base = "1234567890123456789012345678901234567890".parse().unwrap();
    let report = site.run(job).await;
    assert!(matches!(report.reason, Reason::CheckoutFailed { .. }), "{:?}", report.reason);

    let other = site.folder.path().join("repositories/new.git");
    let new = ["init", "-q", "--bare", "-b", "main", "--object-format=sha256", other.to_str().unwrap()];
    git(site.folder.path(), &new);
    let tree = String::from_utf8(git(&other, &["write-tree"])).unwrap();
    let commit = String::from_utf8(git(&other, &["commit-tree", tree.trim(), "-m", "first"])).unwrap();
    git(&other, &["update-ref", "refs/heads/main", commit.trim()]);
    let mut job = site.job(&["true"]);
    job.git.url = site.server.url("new.git");
    job.repository = "github/acme/new".parse().unwrap();
    match site.run(job).await.reason {
        Reason::CheckoutFailed { message } => assert!(message.contains("SHA-256"), "{message}"),
        other => panic!("{other:?}"),
    }

    let mut job = site.job(&["true"]);
    job.repository.connection = "..".into();
    assert!(matches!(site.run(job).await.reason, Reason::CheckoutFailed { .. }));
}

#[tokio::test]
async fn a_damaged_mirror_is_made_anew() {
    let mut site = Site::new("echo one > a").await;
    site.run(site.job(&["true"])).await;
    let mirror = site.data_dir().join("mirrors/github/acme/api.git");
    for entry in fs::read_dir(mirror.join("objects/pack")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    fs::write(mirror.join("refs/base/stale.lock"), "").unwrap();
    site.base = site.commit("echo two > a");
    assert_eq!(site.run(site.job(&["grep two a"])).await.reason, Reason::NothingChanged);
}

#[tokio::test]
async fn a_cancel_kills_and_is_reported() {
    let site = Site::new("echo one > a").await;
    let marker = site.folder.path().join("late");
    let mut job = site.job(&[&format!("echo started; sleep 600; touch {}", marker.display())]);
    job.lease_ms = 900;
    site.control.enqueue(job);
    let running = site.start();
    site.control.until("started", |state| state.log().contains("\nstarted")).await;
    site.control.change(|state| state.cancelled = true);
    site.control.until("a report", |state| !state.reports.is_empty()).await;
    running.end().await;
    site.control.change(|state| {
        assert_eq!(
            (state.reports[0].outcome, &state.reports[0].reason),
            (Outcome::Cancelled, &Reason::CancelRequested)
        );
        assert!(state.beats.windows(2).all(|two| two[0] < two[1]), "{:?}", state.beats);
    });
    assert!(!marker.exists());
}

#[tokio::test]
async fn a_cancel_before_the_grant_publishes_nothing() {
    let site = Site::new("echo one > a").await;
    site.control.order("grant_push", Fault::Instead(ControlError::Cancelled));
    let report = site.run(site.job(&["echo two > a"])).await;
    assert_eq!((report.outcome, report.reason), (Outcome::Cancelled, Reason::CancelRequested));
    assert!(!site.has_branch());
}

#[tokio::test]
async fn a_stale_epoch_ends_in_silence() {
    let site = Site::new("echo one > a").await;
    let mut job = site.job(&["echo started; sleep 600"]);
    job.lease_ms = 900;
    let run = job.run;
    site.control.enqueue(job);
    let running = site.start();
    site.control.until("started", |state| state.log().contains("\nstarted")).await;
    site.control.steal(run);
    // The slot is free again once the first job is gone: a second one gets through.
    let settled = site.job(&["true"]);
    site.control.enqueue(settled);
    running.wake_up.notify_one();
    site.control.until("the second job", |state| state.reports.len() == 1).await;
    wait_for_no_runs(&site).await;
    running.end().await;
    site.control.change(|state| {
        assert_eq!(state.reports[0].reason, Reason::NothingChanged);
        assert!(state.handed_back.is_empty() && state.grants.is_empty());
    });
}

#[tokio::test]
async fn a_lease_that_cannot_be_renewed_kills_the_sandbox() {
    let site = Site::new("echo one > a").await;
    let pid = site.folder.path().join("pid");
    let mut job = site.job(&[&format!("echo $$ > {}; echo started; sleep 600", pid.display())]);
    job.lease_ms = 900;
    site.control.enqueue(job);
    let running = site.start();
    site.control.until("started", |state| state.log().contains("\nstarted")).await;
    site.control.change(|state| state.down = true);
    wait_for_no_runs(&site).await;
    let pid = fs::read_to_string(pid).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap(), "the command is dead");
    site.control.change(|state| assert!(state.reports.is_empty()));
    running.end().await;
}

/// The run folders are on the disk, so this is a wait across processes.
async fn wait_for_no_runs(site: &Site) {
    let runs = site.data_dir().join("runs");
    let gone = async {
        while fs::read_dir(&runs).unwrap().count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
}
