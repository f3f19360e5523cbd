//! What every control plane keeps to, in the process and over HTTP alike.

use std::sync::Arc;

use bytes::Bytes;
use schemas::control::{Beat, Claim, ControlError, Job, LogLine, Orders, PushGrant, Stream};
use schemas::report::{ChangeReport, FileChange, Report};
use schemas::result_bundle::{self, KeptResult, Made};
use schemas::run::{Gate, Outcome, Reason, RunState, Step};
use schemas::{Clock, ControlPlane, Oid, Untrusted, WorkerName};

use crate::over_http::{Machine, Served, enrolled};
use crate::support::{FIX, World};

/// A world, and the control plane as a worker of it has it.
struct Plane {
    world: World,
    control: Arc<dyn ControlPlane>,
    _machine: Option<Machine>,
}

impl Plane {
    async fn in_process() -> Self {
        let world = World::new(FIX).await;
        let control = Arc::clone(&world.dispatcher) as Arc<dyn ControlPlane>;
        Self { world, control, _machine: None }
    }

    async fn over_http() -> Self {
        let world = World::new(FIX).await;
        let served = Served::new(&world).await;
        let (control, machine) = enrolled(&world, &served, "w").await;
        Self { world, control: Arc::new(control), _machine: Some(machine) }
    }

    /// A claim that does not wait in vain: there is work.
    async fn claim(&self, nonce: &str) -> Job {
        let claim = Claim { worker: WorkerName::from("w"), nonce: nonce.into() };
        self.control.claim(claim).await.unwrap().unwrap()
    }

    async fn job(&self) -> Job {
        self.world.label(12, 1).await;
        self.claim("n1").await
    }
}

fn change(job: &Job, path: &str) -> ChangeReport {
    ChangeReport {
        head: "b".repeat(40).parse().unwrap(),
        base: job.base.clone(),
        tree: Some("c".repeat(40).parse().unwrap()),
        files: vec![FileChange { path: Untrusted::from(path), added: Some(1), removed: Some(0) }],
        diff: Untrusted::from("+x\u{1f980}\0"),
        diff_cut: false,
    }
}

fn report(outcome: Outcome, reason: Reason) -> Report {
    Report {
        spent: schemas::automation::Usd::default(),
        outcome,
        reason,
        commands: Vec::new(),
        change: None,
        worker: "w".into(),
        sandbox: "bubblewrap 0.8.0".into(),
        steps: Vec::new(),
    }
}

async fn a_repeated_claim_is_the_same_claim(plane: Plane) {
    let job = plane.job().await;
    let again = plane.claim("n1").await;
    assert_eq!(Job { git: again.git.clone(), ..job.clone() }, again);
    assert_eq!(job.git.token, again.git.token);
    assert_eq!(
        job.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
        ["event.json", "events.json", "title.txt", "body.md"]
    );
    assert_eq!(job.lease().as_secs(), 60);
}

async fn a_stale_epoch_may_do_nothing(plane: Plane) {
    let old = plane.job().await;
    plane.control.hand_back(old.run, old.epoch).await.unwrap();
    let new = plane.claim("n2").await;
    assert_eq!(new.run, old.run);
    assert!(new.epoch > old.epoch);
    let (control, run, epoch) = (&plane.control, old.run, old.epoch);
    let stale = Err(ControlError::StaleEpoch);
    let beat = Beat { number: 9, ..Beat::default() };
    assert_eq!(control.heartbeat(run, epoch, beat).await, Err(ControlError::StaleEpoch));
    assert_eq!(control.step(run, epoch, Step::Commands).await, stale);
    assert_eq!(control.log(run, epoch, Vec::new()).await, stale);
    assert_eq!(control.grant_push(run, epoch, change(&old, "x")).await, Err(ControlError::StaleEpoch));
    let nothing = report(Outcome::NoChange, Reason::NothingChanged);
    assert_eq!(control.report(run, epoch, nothing).await, stale);
    assert_eq!(control.park(run, epoch, plane.world.clock.now(), "limit".into()).await, stale);
    assert_eq!(control.hand_back(run, epoch).await, stale);
    assert_eq!(control.heartbeat(run, new.epoch, beat).await, Ok(Orders::Continue));
}

async fn steps_and_lines_arrive(plane: Plane) {
    let job = plane.job().await;
    plane.control.step(job.run, job.epoch, Step::Commands).await.unwrap();
    let line = LogLine {
        at: plane.world.clock.now(),
        stream: Stream::Stdout,
        text: Untrusted::from("\u{1b}[31mred\u{1b}[0m \"quoted\" \u{1f980}"),
    };
    plane.control.log(job.run, job.epoch, vec![line.clone()]).await.unwrap();
    let log = plane.world.store.log(job.run, 0, 10).await.unwrap();
    assert_eq!(log, [(0, vec![line])]);
    assert!(matches!(plane.world.state(job.run).await, RunState::Active { step: Step::Commands, .. }));
    let refused = plane.control.step(job.run, job.epoch, Step::Publish).await;
    assert!(matches!(refused, Err(ControlError::Refused { .. })), "{refused:?}");
}

async fn a_cancel_is_heard_and_no_leave_given(plane: Plane) {
    let job = plane.job().await;
    plane.world.dispatcher.cancel(job.run).await.unwrap();
    let beat = Beat { number: 1, ..Beat::default() };
    assert_eq!(plane.control.heartbeat(job.run, job.epoch, beat).await, Ok(Orders::Cancel));
    let granted = plane.control.grant_push(job.run, job.epoch, change(&job, "x")).await;
    assert_eq!(granted, Err(ControlError::Cancelled));
    let cancelled = report(Outcome::Cancelled, Reason::CancelRequested);
    plane.control.report(job.run, job.epoch, cancelled).await.unwrap();
    let ended = RunState::Done { outcome: Outcome::Cancelled, reason: Reason::CancelRequested };
    assert_eq!(plane.world.state(job.run).await, ended);
}

async fn leave_is_for_what_may_be_pushed(plane: Plane) {
    let job = plane.job().await;
    let refused =
        plane.control.grant_push(job.run, job.epoch, change(&job, ".github/workflows/ci.yml")).await;
    let Err(ControlError::Refused { because }) = refused else { panic!("{refused:?}") };
    assert_eq!(because, "it touches the protected path .github/workflows/ci.yml");
    let granted = plane.control.grant_push(job.run, job.epoch, change(&job, "src/x.rs")).await.unwrap();
    let PushGrant::Push { reference, old, new } = granted else { panic!("{granted:?}") };
    assert_eq!(reference, format!("refs/heads/{}", job.branch));
    assert!(old.is_zero());
    plane.world.forge.set_head(&job.branch, new.as_str());
    let published = report(Outcome::Succeeded, Reason::Published);
    plane.control.report(job.run, job.epoch, published.clone()).await.unwrap();
    plane.world.publish().await;
    let ended = RunState::Done { outcome: Outcome::Succeeded, reason: Reason::Published };
    assert_eq!(plane.world.state(job.run).await, ended);
    let again = plane.control.report(job.run, job.epoch, published).await;
    assert_eq!(again, Err(ControlError::StaleEpoch), "a repeat is told that it is over");
}

async fn a_parked_run_waits(plane: Plane) {
    let job = plane.job().await;
    let until = plane.world.clock.now() + chrono::TimeDelta::hours(1);
    plane.control.park(job.run, job.epoch, until, "the provider's limit".into()).await.unwrap();
    let parked = RunState::Pending { gate: Gate::Parked, due_at: Some(until) };
    assert_eq!(plane.world.state(job.run).await, parked);
}

fn bundle(base: &Oid, head: &str, objects: &[u8]) -> Bytes {
    let made = Made {
        head: head.repeat(40).parse().unwrap(),
        base: base.clone(),
        commands: Vec::new(),
        steps: Vec::new(),
    };
    result_bundle::encode(&made, objects).unwrap()
}

async fn what_is_kept_is_the_successors(plane: Plane) {
    let old = plane.job().await;
    assert_eq!(old.kept, None);
    let none = plane.control.kept_result(old.run, old.epoch).await;
    assert!(matches!(none, Err(ControlError::Refused { .. })), "{none:?}");
    let first = bundle(&old.base, "d", b"first");
    let last = bundle(&old.base, "b", b"# v2 git bundle\n\0\xff");
    for bundle in [&first, &last, &last] {
        assert_eq!(plane.control.keep_result(old.run, old.epoch, bundle.clone()).await, Ok(true));
    }
    plane.control.hand_back(old.run, old.epoch).await.unwrap();
    // The forge is not asked again: the result stands on what was there then.
    plane.world.forge.set_head("main", &"e".repeat(40));
    let new = plane.claim("n2").await;
    let kept = KeptResult::of("b".repeat(40).parse().unwrap(), &last);
    let expected = Job { epoch: new.epoch, git: new.git.clone(), kept: Some(kept), ..old.clone() };
    assert_eq!(new, expected);
    assert_eq!(plane.claim("n2").await, new, "a repeated claim is told, too");
    assert_eq!(plane.control.kept_result(new.run, new.epoch).await, Ok(last));
    // Who lost the run neither reads nor replaces it.
    let stale = plane.control.keep_result(old.run, old.epoch, first.clone()).await;
    assert_eq!(stale, Err(ControlError::StaleEpoch));
    assert_eq!(plane.control.kept_result(old.run, old.epoch).await, Err(ControlError::StaleEpoch));
    // It goes with the run.
    assert_eq!(plane.world.dispatcher.drop_results().await.unwrap(), 0);
    let cancelled = report(Outcome::Failed, Reason::WorkerLost);
    plane.control.report(new.run, new.epoch, cancelled).await.unwrap();
    assert_eq!(plane.world.dispatcher.drop_results().await.unwrap(), 1);
    assert_eq!(plane.world.store.kept_result(new.run).await.unwrap(), None);
}

async fn what_is_no_result_of_the_run_is_not_kept(plane: Plane) {
    let job = plane.job().await;
    for wrong in [
        bundle(&"f".repeat(40).parse().unwrap(), "b", b"objects"),
        Bytes::from_static(b"rubbish"),
        Bytes::from_static(b"{\"version\":2,\"body\":{}}\n"),
    ] {
        let refused = plane.control.keep_result(job.run, job.epoch, wrong).await;
        assert!(matches!(refused, Err(ControlError::Refused { .. })), "{refused:?}");
    }
    let large = Bytes::from(vec![b'x'; result_bundle::LARGEST + 1]);
    let refused = plane.control.keep_result(job.run, job.epoch, large).await;
    // A server that has heard enough may close before its answer was read.
    assert!(
        matches!(refused, Err(ControlError::Refused { .. } | ControlError::Unavailable { .. })),
        "{refused:?}"
    );
    assert_eq!(plane.world.store.kept_result(job.run).await.unwrap(), None);
}

async fn a_bundle_of_a_cancelled_run_goes_with_it(plane: Plane) {
    let job = plane.job().await;
    let made = bundle(&job.base, "b", b"objects");
    plane.control.keep_result(job.run, job.epoch, made).await.unwrap();
    plane.control.hand_back(job.run, job.epoch).await.unwrap();
    plane.world.dispatcher.cancel(job.run).await.unwrap();
    assert_eq!(plane.world.dispatcher.drop_results().await.unwrap(), 1);
}

#[tokio::test]
async fn an_older_control_plane_keeps_nothing_and_says_so() {
    let world = World::new(FIX).await;
    let served = Served::older(&world).await;
    let (control, machine) = enrolled(&world, &served, "w").await;
    let plane = Plane { world, control: Arc::new(control), _machine: Some(machine) };
    let job = plane.job().await;
    let made = bundle(&job.base, "b", b"objects");
    assert_eq!(plane.control.keep_result(job.run, job.epoch, made).await, Ok(false));
}

macro_rules! everywhere {
    ($($rule:ident),* $(,)?) => {
        mod in_process {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(super::Plane::in_process().await).await;
            })*
        }
        mod over_http {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(super::Plane::over_http().await).await;
            })*
        }
    };
}

everywhere!(
    a_repeated_claim_is_the_same_claim,
    a_stale_epoch_may_do_nothing,
    steps_and_lines_arrive,
    a_cancel_is_heard_and_no_leave_given,
    leave_is_for_what_may_be_pushed,
    a_parked_run_waits,
    what_is_kept_is_the_successors,
    what_is_no_result_of_the_run_is_not_kept,
    a_bundle_of_a_cancelled_run_goes_with_it,
);
