//! Leases, epochs, cancel, admission and the publisher, over a whole life of runs.

use std::time::Duration;

use broker::Publisher;
use broker::fake::MemoryQueue;
use forge::ForgeError;
use schemas::control::{ControlError, Orders, PushGrant};
use schemas::delivery::{Body, Delivery};
use schemas::report::{ChangeReport, FileChange, Report};
use schemas::run::{Outcome, Reason, RunState, Step};
use schemas::trace::TraceContext;
use schemas::{ControlPlane, DeliveryId, RunId, Untrusted, WebhookName};
use store::DeliveryStatus;
use tokio_util::sync::CancellationToken;

use crate::support::{FIX, World};

pub fn beat(number: u64) -> schemas::control::Beat {
    schemas::control::Beat { number, ..schemas::control::Beat::default() }
}

/// A body as GitHub sends it, with what is looked at.
pub fn body(number: u64, label: &str, login: &str, second: u32) -> serde_json::Value {
    let time = format!("2026-11-21T09:59:{second:02}Z");
    serde_json::json!({
        "action": "labeled",
        "label": { "id": 1, "name": label },
        "issue": {
            "id": 1000 + number, "number": number, "title": "t", "body": null, "updated_at": time,
            "html_url": format!("https://github.example/acme/api/issues/{number}"),
            "labels": [{ "name": label }], "user": { "id": 5, "login": "bo", "type": "User" }, "state": "open",
        },
        "repository": {
            "id": 1, "name": "api", "full_name": "acme/api", "default_branch": "main",
            "html_url": "https://github.example/acme/api", "owner": { "id": 9, "login": "acme" },
        },
        "sender": { "id": 1, "login": login, "type": "User" },
    })
}

impl World {
    /// Takes one delivery through the queue, and waits until it is stored.
    pub async fn deliver(&self, guid: &str, raw: &[u8]) -> DeliveryId {
        self.deliver_as("issues", guid, raw).await
    }

    /// The same, of another event of GitHub's.
    pub async fn deliver_as(&self, event: &str, guid: &str, raw: &[u8]) -> DeliveryId {
        let delivery = Delivery {
            id: DeliveryId::fresh(&*self.clock),
            webhook: WebhookName::from("github"),
            received_at: schemas::Clock::now(&*self.clock),
            headers: [
                ("x-github-event", event),
                ("x-github-delivery", guid),
                ("content-type", "application/json"),
            ]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
            body: Body::compress(raw),
            trace: TraceContext::default(),
            replay_of: None,
        };
        let id = delivery.id;
        let queue = MemoryQueue::default();
        queue.publish(delivery).await.unwrap();
        let stop = CancellationToken::new();
        let consuming = self.dispatcher.consume(queue.consumer(), stop.clone());
        let acked = async {
            while queue.depth() > 0 {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        tokio::join!(consuming, acked);
        id
    }

    pub async fn label(&self, number: u64, second: u32) -> DeliveryId {
        let guid = format!("guid-{number}-{second}");
        self.deliver(&guid, body(number, "agent:fix", "ana", second).to_string().as_bytes()).await
    }

    pub async fn verdicts(&self, delivery: DeliveryId) -> Vec<String> {
        let decisions = self.store.decisions(delivery).await.unwrap();
        decisions.iter().map(|decision| decision.verdict.word().to_owned()).collect()
    }

    pub async fn state(&self, run: RunId) -> RunState {
        self.store.run(run).await.unwrap().unwrap().run.state
    }

    /// Lets the publisher write everything that is due.
    pub async fn publish(&self) {
        let stop = CancellationToken::new();
        stop.cancel();
        self.dispatcher.publish(stop).await;
    }
}

pub fn change(world_base: &schemas::Oid, path: &str) -> ChangeReport {
    ChangeReport {
        head: "b".repeat(40).parse().unwrap(),
        base: world_base.clone(),
        tree: None,
        files: vec![FileChange { path: Untrusted::from(path), added: Some(1), removed: Some(0) }],
        diff: Untrusted::from("+x"),
        diff_cut: false,
    }
}

pub fn report(outcome: Outcome, reason: Reason) -> Report {
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

#[tokio::test]
async fn a_label_becomes_a_pull_request_and_a_comment() {
    let world = World::new(FIX).await;
    let delivery = world.label(12, 1).await;
    assert_eq!(world.verdicts(delivery).await, ["matched"]);
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    assert_eq!((job.base_branch.as_str(), job.base.as_str()), ("main", "a".repeat(40).as_str()));
    let grant = world.dispatcher.grant_push(job.run, job.epoch, change(&job.base, "src/x.rs")).await.unwrap();
    let PushGrant::Push { reference, old, new } = grant else { panic!("{grant:?}") };
    assert!(old.is_zero());
    assert_eq!(reference, format!("refs/heads/{}", job.branch));
    world.forge.set_head(&job.branch, new.as_str());
    world.dispatcher.report(job.run, job.epoch, report(Outcome::Succeeded, Reason::Published)).await.unwrap();
    world.publish().await;
    assert_eq!(
        world.state(job.run).await,
        RunState::Done { outcome: Outcome::Succeeded, reason: Reason::Published }
    );
    world.publish().await;
    world.forge.with(|forge| {
        assert_eq!(forge.pulls.len(), 1);
        assert_eq!(forge.comments.len(), 1, "one comment, edited in place");
        assert!(forge.comments[0].1.contains("done"), "{}", forge.comments[0].1);
        assert_eq!(forge.labels_removed, ["agent:fix"]);
        assert_eq!((forge.reactions, forge.checks.len()), (1, 1));
    });
}

#[tokio::test]
async fn one_happening_starts_one_run_however_it_comes() {
    let world = World::new(FIX).await;
    let raw = body(12, "agent:fix", "ana", 1).to_string();
    let first = world.deliver("guid", raw.as_bytes()).await;
    for guid in ["guid", "other"] {
        let again = world.deliver(guid, raw.as_bytes()).await;
        assert_eq!(world.verdicts(again).await, ["duplicate"], "same body, id {guid}");
        assert_eq!(world.store.delivery(again).await.unwrap().unwrap().duplicate_of, Some(first));
    }
    // An App hook delivers the same happening with another body and id.
    let mut twin = body(12, "agent:fix", "ana", 1);
    twin["installation"] = serde_json::json!({ "id": 3 });
    let twin = world.deliver("twin", twin.to_string().as_bytes()).await;
    assert_eq!(world.verdicts(twin).await, ["duplicate"]);
    assert_eq!(world.store.runs(10, None, None).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_parsed_is_kept_and_its_neighbours_are_decided() {
    let world = World::new(FIX).await;
    let broken = world.deliver("x", br#"{"action": "labeled", "issue": 3}"#).await;
    assert_eq!(world.store.delivery(broken).await.unwrap().unwrap().status, DeliveryStatus::Quarantined);
    let good = world.label(12, 1).await;
    assert_eq!(world.verdicts(good).await, ["matched"]);
}

#[tokio::test]
async fn who_may_not_is_told_once() {
    let world = World::new(FIX).await;
    for second in 1..4 {
        let raw = body(12, "agent:fix", "eve", second).to_string();
        let delivery = world.deliver(&format!("g{second}"), raw.as_bytes()).await;
        assert_eq!(world.verdicts(delivery).await, ["denied"]);
    }
    world.publish().await;
    world.forge.with(|forge| {
        assert_eq!(forge.comments.len(), 1);
        assert!(forge.comments[0].1.contains("needs write"), "{}", forge.comments[0].1);
        assert!(forge.labels_removed.is_empty());
    });
}

#[tokio::test]
async fn runs_of_one_item_go_one_after_the_other_and_none_is_evicted() {
    let world = World::new(FIX).await;
    let mut words = Vec::new();
    for second in 1..4 {
        words.extend(world.verdicts(world.label(12, second).await).await);
    }
    words.extend(world.verdicts(world.label(13, 1).await).await);
    assert_eq!(words, ["matched", "waiting", "waiting", "matched"]);
    let mut order = Vec::new();
    for nonce in 0.. {
        let Some(job) = world.dispatcher.claim(world.claim(&nonce.to_string())).await.unwrap() else { break };
        order.push((job.work_item.0.clone(), job.run));
        world
            .dispatcher
            .report(job.run, job.epoch, report(Outcome::NoChange, Reason::NothingChanged))
            .await
            .unwrap();
    }
    let items: Vec<&str> = order.iter().map(|(item, _)| item.rsplit('#').next().unwrap()).collect();
    assert_eq!(items.iter().filter(|item| **item == "12").count(), 3);
    let twelves: Vec<RunId> = order.iter().filter(|(item, _)| item.ends_with("#12")).map(|o| o.1).collect();
    assert!(twelves.is_sorted(), "first come, first served");
}

#[tokio::test]
async fn a_repeated_claim_gets_the_same_job_and_a_stale_epoch_nothing() {
    let world = World::new(FIX).await;
    world.label(12, 1).await;
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    let again = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    assert_eq!((job.run, job.epoch, job.git.token.clone()), (again.run, again.epoch, again.git.token));
    assert_eq!(world.dispatcher.claim(world.claim("n2")).await.unwrap(), None);

    world.dispatcher.hand_back(job.run, job.epoch).await.unwrap();
    let next = world.dispatcher.claim(world.claim("n3")).await.unwrap().unwrap();
    assert_eq!(next.run, job.run);
    assert!(next.epoch > job.epoch);
    let stale = Err(ControlError::StaleEpoch);
    assert_eq!(world.dispatcher.heartbeat(job.run, job.epoch, beat(9)).await, Err(ControlError::StaleEpoch));
    assert_eq!(world.dispatcher.step(job.run, job.epoch, Step::Commands).await, stale);
    assert_eq!(world.dispatcher.log(job.run, job.epoch, Vec::new()).await, stale);
    assert_eq!(
        world.dispatcher.grant_push(job.run, job.epoch, change(&job.base, "x")).await,
        Err(ControlError::StaleEpoch)
    );
    assert_eq!(
        world.dispatcher.report(job.run, job.epoch, report(Outcome::NoChange, Reason::NothingChanged)).await,
        stale
    );
    assert_eq!(world.dispatcher.heartbeat(next.run, next.epoch, beat(1)).await, Ok(Orders::Continue));
}

#[tokio::test]
async fn a_lost_worker_is_replaced_once_and_then_the_run_fails() {
    let world = World::new(FIX).await;
    world.label(12, 1).await;
    let worker = schemas::WorkerName::from("w");
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    world.dispatcher.forget_worker(&worker).await.unwrap();
    let second = world.dispatcher.claim(world.claim("n2")).await.unwrap().unwrap();
    assert_eq!(second.run, job.run);
    world.dispatcher.forget_worker(&worker).await.unwrap();
    assert_eq!(
        world.state(job.run).await,
        RunState::Done { outcome: Outcome::Failed, reason: Reason::WorkerLost }
    );
}

#[tokio::test]
async fn cancel_is_heard_until_leave_to_push_was_granted() {
    use dispatcher::CancelAnswer;
    let world = World::new(FIX).await;
    world.label(12, 1).await;
    world.label(12, 2).await;
    let runs = world.store.runs(10, None, None).await.unwrap().items;
    let (waiting, queued) = (runs[0].run.id, runs[1].run.id);
    assert_eq!(world.dispatcher.cancel(waiting).await.unwrap(), CancelAnswer::Cancelled);
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    assert_eq!(job.run, queued);
    assert_eq!(world.dispatcher.cancel(queued).await.unwrap(), CancelAnswer::Requested);
    assert_eq!(world.dispatcher.heartbeat(job.run, job.epoch, beat(1)).await, Ok(Orders::Cancel));
    assert_eq!(
        world.dispatcher.grant_push(job.run, job.epoch, change(&job.base, "x")).await,
        Err(ControlError::Cancelled)
    );
    let cancelled = report(Outcome::Cancelled, Reason::CancelRequested);
    world.dispatcher.report(job.run, job.epoch, cancelled).await.unwrap();
    assert_eq!(world.dispatcher.cancel(queued).await.unwrap(), CancelAnswer::TooLate);

    world.label(13, 1).await;
    let job = world.dispatcher.claim(world.claim("n2")).await.unwrap().unwrap();
    world.dispatcher.grant_push(job.run, job.epoch, change(&job.base, "x")).await.unwrap();
    assert_eq!(world.dispatcher.cancel(job.run).await.unwrap(), CancelAnswer::TooLate);
}

#[tokio::test]
async fn protected_paths_and_foreign_bases_get_no_leave() {
    let world = World::new(FIX).await;
    world.label(12, 1).await;
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    let protected = change(&job.base, ".github/workflows/ci.yml");
    let foreign = change(&"c".repeat(40).parse().unwrap(), "x");
    for change in [protected, foreign] {
        let answer = world.dispatcher.grant_push(job.run, job.epoch, change).await;
        assert!(matches!(answer, Err(ControlError::Refused { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn modes_hold_back_what_they_promise() {
    let world = World::new(&FIX.replace("    run:", "    mode: observe\n    run:")).await;
    let delivery = world.label(12, 1).await;
    assert_eq!(world.verdicts(delivery).await, ["matched"]);
    assert!(world.store.runs(10, None, None).await.unwrap().items.is_empty());

    let world = World::new(&FIX.replace("    run:", "    mode: dry_run\n    run:")).await;
    world.label(12, 1).await;
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    let grant = world.dispatcher.grant_push(job.run, job.epoch, change(&job.base, "x")).await.unwrap();
    assert_eq!(grant, PushGrant::Keep { reason: Reason::DryRun });
    world.dispatcher.report(job.run, job.epoch, report(Outcome::Succeeded, Reason::DryRun)).await.unwrap();
    world.publish().await;
    world.forge.with(|forge| {
        assert_eq!((forge.comments.len(), forge.reactions, forge.labels_removed.len()), (0, 0, 0));
    });
}

#[tokio::test]
async fn an_unclear_answer_never_makes_a_second_comment_or_pull_request() {
    let unclear = || ForgeError::Unclear { message: "502".into() };
    for happens in [true, false] {
        let world = World::new(FIX).await;
        world
            .forge
            .with(|forge| forge.faults = vec![(unclear(), false), (unclear(), false), (unclear(), happens)]);
        world.label(12, 1).await;
        for _ in 0..10 {
            world.publish().await;
        }
        world.forge.with(|forge| assert_eq!(forge.comments.len(), 1, "happened: {happens}"));
        let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
        let granted = world.dispatcher.grant_push(job.run, job.epoch, change(&job.base, "x")).await.unwrap();
        let PushGrant::Push { new, .. } = granted else { panic!() };
        world.forge.set_head(&job.branch, new.as_str());
        world.forge.with(|forge| forge.faults = vec![(unclear(), happens)]);
        world
            .dispatcher
            .report(job.run, job.epoch, report(Outcome::Succeeded, Reason::Published))
            .await
            .unwrap();
        for _ in 0..10 {
            world.publish().await;
        }
        world.forge.with(|forge| assert_eq!(forge.pulls.len(), 1, "happened: {happens}"));
        assert!(matches!(world.state(job.run).await, RunState::Done { outcome: Outcome::Succeeded, .. }));
    }
}

#[tokio::test]
async fn a_refused_pull_request_ends_the_run_with_its_reason() {
    let world = World::new(FIX).await;
    world.label(12, 1).await;
    world.publish().await;
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    world.dispatcher.grant_push(job.run, job.epoch, change(&job.base, "x")).await.unwrap();
    // The branch never arrived at the forge.
    world.dispatcher.report(job.run, job.epoch, report(Outcome::Succeeded, Reason::Published)).await.unwrap();
    world.publish().await;
    assert!(matches!(
        world.state(job.run).await,
        RunState::Done { outcome: Outcome::Failed, reason: Reason::ForgeRefused { .. } }
    ));
}

#[tokio::test]
async fn a_deleted_comment_is_not_posted_again() {
    let world = World::new(FIX).await;
    world.label(12, 1).await;
    world.publish().await;
    world.forge.with(|forge| forge.comments.clear());
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    world
        .dispatcher
        .report(job.run, job.epoch, report(Outcome::NoChange, Reason::NothingChanged))
        .await
        .unwrap();
    world.publish().await;
    world.label(12, 9).await;
    world.publish().await;
    world.forge.with(|forge| assert!(forge.comments.is_empty()));
}

#[tokio::test]
async fn what_is_missing_at_the_forge_is_the_runs_reason() {
    let world = World::new(FIX).await;
    world.forge.with(|forge| forge.heads.clear());
    world.label(12, 1).await;
    assert_eq!(world.dispatcher.claim(world.claim("n1")).await.unwrap(), None);
    let run = world.store.runs(1, None, None).await.unwrap().items.remove(0);
    assert_eq!(
        run.run.state,
        RunState::Done { outcome: Outcome::Failed, reason: Reason::BranchMissing { branch: "main".into() } }
    );
    world.publish().await;
    world.forge.with(|forge| assert!(forge.comments[0].1.contains("no branch"), "{}", forge.comments[0].1));
}

#[tokio::test]
async fn only_a_whole_lease_of_silence_expires_a_worker() {
    let world = World::new(FIX).await;
    world.label(12, 1).await;
    let job = world.dispatcher.claim(world.claim("n1")).await.unwrap().unwrap();
    let mut watches = dispatcher::Watches::default();
    let mut pass = async |seconds: u64, beats: bool| {
        for second in 0..seconds {
            world.clock.advance(Duration::from_secs(1));
            if beats && second % 30 == 0 {
                world.dispatcher.heartbeat(job.run, job.epoch, beat(second)).await.unwrap();
            }
            world.dispatcher.sweep(&mut watches).await.unwrap();
        }
        world.state(job.run).await
    };
    // The wall clock leaps; leases do not care.
    world.clock.step_wall(crate::support::at("2036-11-21T10:00:00Z"));
    assert!(matches!(pass(91, true).await, RunState::Active { .. }), "it beats");
    assert!(matches!(pass(50, false).await, RunState::Active { .. }), "not yet a lease");
    // The watcher itself was away for an hour: that is no silence of the worker's.
    world.clock.advance(Duration::from_secs(3600));
    assert!(matches!(pass(50, false).await, RunState::Active { .. }), "the watch began anew");
    assert!(matches!(pass(20, false).await, RunState::Queued { .. }), "a whole lease of silence");
}
