//! What every control plane keeps to, in the process and over HTTP alike.

use std::sync::Arc;

use schemas::control::{Beat, Claim, ControlError, Job, LogLine, Orders, PushGrant, Stream};
use schemas::report::{ChangeReport, FileChange, Report};
use schemas::run::{Gate, Outcome, Reason, RunState, Step};
use schemas::{Clock, ControlPlane, Untrusted, WorkerName};

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
);
