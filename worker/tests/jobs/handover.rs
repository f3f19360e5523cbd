//! A result outlives its worker: a successor on another machine publishes it, if it is what it should be.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use schemas::control::{ControlError, Job};
use schemas::report::Report;
use schemas::result_bundle::{self, KeptResult, Made};
use schemas::run::{Outcome, Reason};
use schemas::{Epoch, Oid};

use crate::support::site::git;
use crate::support::{Fault, Shell, Site};

/// A site whose first worker was lost after its result was kept and before it was pushed.
struct Lost {
    site: Site,
    job: Job,
    bundle: Bytes,
    made: Made,
    objects: Bytes,
}

impl Lost {
    async fn new() -> Self {
        let site = Site::new("mkdir d; echo one > a; echo old > d/b; seq 1000 > big").await;
        let counter = site.folder.path().join("ran");
        let command = format!("echo x >> {}; echo two > a; rm d/b; echo 1001 >> big", counter.display());
        let job = site.job(&[&command]);
        site.control.order("grant_push", Fault::Instead(ControlError::StaleEpoch));
        site.control.enqueue(job.clone());
        let running = site.start();
        site.control.until("a kept result", |state| !state.kept.is_empty()).await;
        running.end().await;
        let bundle = site.control.change(|state| {
            assert!(state.grants.is_empty() && state.reports.is_empty());
            state.kept.pop().unwrap()
        });
        let (made, objects) = result_bundle::decode(&bundle).unwrap();
        assert_eq!((&made.base, made.commands.len()), (&site.base, 1));
        Self { site, job, bundle, made, objects }
    }

    /// The successor's report, when it is told of `kept` and given `bundle`.
    async fn go_on(&self, kept: KeptResult, bundle: Option<Bytes>) -> Report {
        self.site.control.change(|state| {
            state.kept.extend(bundle);
            state.lines.clear();
        });
        self.site.control.enqueue(Job { epoch: Epoch(2), kept: Some(kept), ..self.job.clone() });
        let mut settings = self.site.settings();
        settings.data_dir = self.site.folder.path().join("another machine");
        let running = self.site.start_with(settings, Arc::new(Shell::default()));
        self.site.control.until("a report", |state| !state.reports.is_empty()).await;
        running.end().await;
        self.site.control.change(|state| state.reports.pop().unwrap())
    }

    fn ran(&self) -> usize {
        fs::read_to_string(self.site.folder.path().join("ran")).unwrap().lines().count()
    }

    fn log(&self) -> String {
        self.site.control.change(|state| state.log())
    }
}

#[tokio::test]
async fn a_successor_pushes_what_is_kept_and_runs_nothing() {
    let lost = Lost::new().await;
    let kept = KeptResult::of(lost.made.head.clone(), &lost.bundle);
    let report = lost.go_on(kept, Some(lost.bundle.clone())).await;
    assert_eq!((report.outcome, &report.reason), (Outcome::Succeeded, &Reason::Published), "{report:?}");
    assert_eq!(lost.ran(), 1);
    assert_eq!(lost.site.tip("pullwright/result"), lost.made.head);
    let pushed = lost.site.pushed();
    assert_eq!(pushed["a"].1, "two\n");
    assert!(!pushed.contains_key("d/b"));
    assert_eq!(report.commands, lost.made.commands, "what ran is told as it was");
    let change = report.change.unwrap();
    assert_eq!(change.files.iter().map(|f| f.path.expose()).collect::<Vec<_>>(), ["a", "big", "d/b"]);
    let expected =
        format!("an earlier worker made {}: it is published, nothing runs again\n", lost.made.head);
    assert_eq!(lost.log(), expected);
}

/// A bundle of the same form with other objects, or about other commits.
fn about(made: &Made, head: &Oid, objects: &[u8]) -> (KeptResult, Bytes) {
    let whole = result_bundle::encode(&Made { head: head.clone(), ..made.clone() }, objects).unwrap();
    (KeptResult::of(head.clone(), &whole), whole)
}

#[tokio::test]
async fn a_bundle_that_does_not_hold_is_not_pushed() {
    let lost = Lost::new().await;
    let head = lost.made.head.clone();
    let genuine = KeptResult::of(head.clone(), &lost.bundle);
    let mut flipped = lost.bundle.to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let short = lost.objects.slice(..lost.objects.len() - 30);
    let (short_kept, short) = about(&lost.made, &head, &short);
    let other: Oid = "c".repeat(40).parse().unwrap();
    let (other_kept, other) = about(&lost.made, &other, &lost.objects);
    let (rubbish_kept, rubbish) = about(&lost.made, &head, b"no git bundle");
    // The base itself is there, and is no result.
    let (base_kept, base) = about(&lost.made, &lost.site.base, &lost.objects);
    for (wrong, kept, bundle, says) in [
        ("altered", &genuine, Some(flipped.into()), "not the one that was kept"),
        (
            "cut short",
            &genuine,
            Some(lost.bundle.slice(..lost.bundle.len() - 1)),
            "not the one that was kept",
        ),
        ("cut short before it was kept", &short_kept, Some(short), "could not be made"),
        ("another head", &other_kept, Some(other), "could not be made"),
        ("no git bundle", &rubbish_kept, Some(rubbish), "could not be made"),
        ("no commit on the base", &base_kept, Some(base), "not one commit on the run's base"),
        ("not there", &genuine, None, "none is kept"),
    ] {
        let ran = lost.ran();
        lost.site.control.change(|state| state.kept.clear());
        let report = lost.go_on(kept.clone(), bundle).await;
        assert_eq!(report.reason, Reason::Published, "{wrong}: {report:?}");
        assert_eq!(lost.ran(), ran + 1, "{wrong}: it begins anew");
        assert_eq!(
            lost.site.tip("pullwright/result"),
            head,
            "{wrong}: the same commands make the same commit"
        );
        assert_eq!(report.commands.len(), 1, "{wrong}");
        let log = lost.log();
        assert!(log.starts_with("what an earlier worker made is not used, the run begins anew: "), "{log}");
        assert!(log.contains(says), "{wrong}: {log}");
        git(&lost.site.origin(), &["update-ref", "-d", "refs/heads/pullwright/result"]);
    }
}

#[tokio::test]
async fn more_than_one_commit_is_no_result() {
    let lost = Lost::new().await;
    let work = lost.site.folder.path().join("forged");
    git(lost.site.folder.path(), &["clone", "-q", lost.site.origin().to_str().unwrap(), "forged"]);
    for content in ["first", "second"] {
        fs::write(work.join("a"), content).unwrap();
        git(&work, &["commit", "-q", "-a", "-m", content]);
    }
    git(&work, &["branch", "result"]);
    let without = format!("^{}", lost.site.base);
    let objects = git(&work, &["bundle", "create", "-", "refs/heads/result", &without]);
    let head = String::from_utf8(git(&work, &["rev-parse", "result"])).unwrap().trim().parse().unwrap();
    let (kept, bundle) = about(&lost.made, &head, &objects);
    lost.go_on(kept, Some(bundle)).await;
    assert_eq!(lost.ran(), 2);
    assert_eq!(lost.site.tip("pullwright/result"), lost.made.head);
    assert!(lost.log().contains("not one commit on the run's base"), "{}", lost.log());
}

#[tokio::test]
async fn a_result_that_cannot_be_kept_is_published_all_the_same() {
    let unavailable = || ControlError::Unavailable { message: "busy".into() };
    let refused = || ControlError::Refused { because: "no".into() };
    for (faults, kept) in
        [(vec![Fault::Instead(unavailable()), Fault::AnswerLost], 2), (vec![Fault::Instead(refused())], 0)]
    {
        let site = Site::new("echo one > a").await;
        for fault in faults {
            site.control.order("keep_result", fault);
        }
        let report = site.run(site.job(&["echo two > a"])).await;
        assert_eq!(report.reason, Reason::Published);
        site.control.change(|state| assert_eq!(state.kept.len(), kept));
    }
    let site = Site::new("echo one > a").await;
    site.control.change(|state| state.keeps_none = true);
    assert_eq!(site.run(site.job(&["echo two > a"])).await.reason, Reason::Published);
}

#[tokio::test]
async fn nothing_is_kept_of_a_run_that_failed_or_changed_nothing() {
    let site = Site::new("echo one > a").await;
    site.run(site.job(&["true"])).await;
    site.run(site.job(&["echo two > a; false"])).await;
    let mut job = site.job(&["echo two > a"]);
    job.setup.validate = vec!["false".into()];
    site.run(job).await;
    site.control.change(|state| assert!(state.kept.is_empty()));
}
