//! Whole jobs in the real sandbox.
//!
//! Without `bwrap` these tests fail; `PULLWRIGHT_SKIP_SANDBOX=1` skips them, as in the sandbox's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use schemas::Report;
use schemas::control::Job;
use schemas::run::Reason;
use worker::sandbox::{Bubblewrap, BubblewrapOptions};

use crate::support::Site;

/// Runs one job in bubblewrap; nothing, when the group is to be skipped.
async fn run(site: &Site, job: Job) -> Option<Report> {
    if std::env::var_os("PULLWRIGHT_SKIP_SANDBOX").is_some_and(|skip| skip == "1") {
        return None;
    }
    fs::create_dir_all(site.data_dir()).unwrap();
    // A sandbox of another user passes through every folder above its own.
    fs::set_permissions(site.folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let sandbox = Bubblewrap::find(BubblewrapOptions::new(site.data_dir())).await.unwrap();
    let mut settings = site.settings();
    settings.room_owner = sandbox.host_ids();
    site.control.enqueue(job);
    let running = site.start_with(settings, Arc::new(sandbox));
    site.control.until("a report", |state| !state.reports.is_empty()).await;
    running.end().await;
    assert_eq!(fs::read_dir(site.data_dir().join("runs")).unwrap().count(), 0, "leftovers");
    Some(site.control.change(|state| state.reports.pop().unwrap()))
}

#[tokio::test]
async fn a_job_from_clone_to_push() {
    let site = Site::new("echo one > a; mkdir d; echo x > d/x; ln -s a l").await;
    let job = site.job(&[
        "test \"$(git status --porcelain)\" = '' && git log -1 --format=%s && grep -q n /event/event.json",
        "echo two > a; rm -r d; touch $HOME/x; mkdir closed; echo in > closed/in; chmod 000 closed a",
        "! echo x > /event/event.json; ! ls /etc/shadow; ! ls ../result.git; env | sort",
    ]);
    let Some(report) = run(&site, job).await else { return };
    assert_eq!(report.reason, Reason::Published, "{report:?}\n{}", site.control.change(|state| state.log()));
    assert!(report.sandbox.contains("bubblewrap"));
    let pushed = site.pushed();
    assert_eq!(pushed.keys().map(String::as_str).collect::<Vec<_>>(), ["a", "closed/in", "l"]);
    assert_eq!(pushed["a"].1, "two\n");
    let log = site.control.change(|state| state.log());
    assert!(!log.contains("gate-token"), "{log}");
}

#[tokio::test]
async fn the_mirror_cannot_be_written_from_inside() {
    let site = Site::new("echo one > a").await;
    let objects = site.data_dir().join("mirrors/github/acme/api.git/objects");
    let objects = objects.display();
    let job = site.job(&[&format!(
        "ls {objects}/pack/*.pack; ! touch {objects}/x; ! touch {objects}/pack/x; ! ls {objects}/../config"
    )]);
    let Some(report) = run(&site, job).await else { return };
    assert_eq!(report.reason, Reason::NothingChanged, "{}", site.control.change(|state| state.log()));
}
