//! Workers on other machines: enrolment, credentials, what one may not do to another, waiting for work.

use std::sync::Arc;
use std::time::Duration;

use control_client::EnterError;
use schemas::clock::FakeClock;
use schemas::control::{Beat, Claim, ControlError, Orders};
use schemas::run::{RunState, Step};
use schemas::{Clock, ControlPlane, WorkerName};
use serde_json::{Value, json};
use store::Store;

use crate::over_http::{DAY, Machine, Served, enrolled, token};
use crate::support::{FIX, World, at, on_store};

fn claim(nonce: &str) -> Claim {
    Claim { worker: WorkerName::from("somebody"), nonce: nonce.into() }
}

fn message(body: Value) -> String {
    json!({ "version": 1, "body": body }).to_string()
}

async fn world() -> (World, Served) {
    let world = World::new(FIX).await;
    let served = Served::new(&world).await;
    (world, served)
}

#[tokio::test]
async fn a_token_is_good_once_and_for_an_hour() {
    let (world, served) = world().await;
    let good = token(&world, "build-1").await;
    let machine = Machine::new(&world);
    machine.enter(&served, Some(&good)).await.unwrap();
    let record = world.store.worker(&WorkerName::from("build-1")).await.unwrap().unwrap();
    assert_eq!((record.slots, record.software.as_str(), record.skew_ms), (2, "pullwright test", Some(0)));
    assert_eq!(record.last_seen_at, Some(world.clock.now()));
    // Its own process comes again without a token; a thief of the token comes too late.
    machine.enter(&served, None).await.unwrap();
    let thief = Machine::new(&world).enter(&served, Some(&good)).await;
    assert!(matches!(thief, Err(EnterError::Refused(_))));

    let late = token(&world, "build-2").await;
    world.clock.advance(Duration::from_secs(3601));
    let refused = Machine::new(&world).enter(&served, Some(&late)).await;
    assert!(matches!(refused, Err(EnterError::Refused(_))));
    let nobody = Machine::new(&world).enter(&served, None).await;
    assert!(matches!(nobody, Err(EnterError::NotEnrolled)));
    for name in ["", "local", "Build", "a.b", "9", "ä"] {
        assert!(world.dispatcher.invite_worker(&WorkerName::from(name), None).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn an_enrolment_whose_answer_was_lost_is_repeated() {
    let (world, served) = world().await;
    let token = token(&world, "build-1").await;
    let credential = "c".repeat(64);
    for _ in 0..2 {
        let (status, text) = served.post("enrol", &token, message(json!({ "credential": credential }))).await;
        assert_eq!((status, text.as_str()), (200, r#"{"version":1,"body":{"name":"build-1"}}"#));
    }
    let other = message(json!({ "credential": "d".repeat(64) }));
    assert_eq!(served.post("enrol", &token, other).await.0, 401);
    let weak = message(json!({ "credential": "short" }));
    assert_eq!(served.post("enrol", &token, weak).await.0, 422);
    // The worker whose process was killed before it read the answer.
    let machine = Machine::new(&world);
    let kept = json!({ "name": "build-1", "secret": credential, "pending": true });
    std::fs::write(machine.folder.path().join("worker.credential"), kept.to_string()).unwrap();
    machine.enter(&served, None).await.unwrap();
}

#[tokio::test]
async fn the_credential_is_kept_for_this_account_alone_and_stored_as_a_hash() {
    use std::os::unix::fs::PermissionsExt;
    let (world, served) = world().await;
    let (_, machine) = enrolled(&world, &served, "build-1").await;
    let file = std::fs::metadata(machine.folder.path().join("worker.credential")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let secret = machine.credential()["secret"].as_str().unwrap().to_owned();
    let record = world.store.worker(&WorkerName::from("build-1")).await.unwrap().unwrap();
    assert!(!format!("{record:?}").contains(&secret));
    assert_eq!(secret.len(), 64);
}

#[tokio::test]
async fn a_credential_is_replaced_at_half_its_life_and_the_old_one_ends() {
    let (world, served) = world().await;
    let (control, machine) = enrolled(&world, &served, "build-1").await;
    let bearer = |machine: &Machine| format!("build-1.{}", machine.credential()["secret"].as_str().unwrap());
    let first = bearer(&machine);
    world.label(12, 1).await;
    world.clock.advance(14 * DAY);
    control.claim(claim("n1")).await.unwrap().unwrap();
    assert_eq!(bearer(&machine), first, "not yet");
    world.clock.advance(2 * DAY);
    control.claim(claim("n1")).await.unwrap().unwrap();
    let second = bearer(&machine);
    assert_ne!(second, first);
    let hello = || message(json!({ "slots": 1, "software": "x", "at": "2026-11-21T10:00:00Z" }));
    assert_eq!(served.post("hello", &first, hello()).await.0, 200, "both, for a short while");
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(served.post("hello", &first, hello()).await.0, 401);
    assert_eq!(served.post("hello", &second, hello()).await.0, 200);
    world.clock.advance(31 * DAY);
    assert_eq!(served.post("hello", &second, hello()).await.0, 401, "nobody renewed it");
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_locks_nobody_out() {
    let (world, served) = world().await;
    let (_, machine) = enrolled(&world, &served, "build-1").await;
    let kept = machine.credential();
    let first = format!("build-1.{}", kept["secret"].as_str().unwrap());
    let next = "e".repeat(64);
    let renewal = message(json!({ "credential": next }));
    for _ in 0..2 {
        assert_eq!(served.post("credential", &first, renewal.clone()).await.0, 200);
    }
    // It was killed in that moment, and comes back when the old one is over.
    let half = json!({ "name": "build-1", "secret": kept["secret"], "next": next });
    std::fs::write(machine.folder.path().join("worker.credential"), half.to_string()).unwrap();
    world.clock.advance(DAY);
    machine.enter(&served, None).await.unwrap();
    assert_eq!(machine.credential()["secret"], next);
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_soon_not_listened_to() {
    let (world, served) = world().await;
    let (control, _machine) = enrolled(&world, &served, "build-1").await;
    let hello = || message(json!({ "slots": 1, "software": "x", "at": "2026-11-21T10:00:00Z" }));
    let mut seen = Vec::new();
    for secret in 0..12 {
        seen.push(served.post("hello", &format!("build-1.{secret}"), hello()).await.0);
    }
    assert_eq!(seen, [[401; 10].as_slice(), &[429; 2]].concat());
    for bearer in ["", "build-1", "nobody.x"] {
        assert!([401, 429].contains(&served.post("claim", bearer, hello()).await.0), "{bearer}");
    }
    // Who was good before goes on, from the same address.
    world.label(12, 1).await;
    control.claim(claim("n1")).await.unwrap().unwrap();
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(served.post("hello", "build-1.x", hello()).await.0, 401);
}

#[tokio::test]
async fn a_run_is_its_holders_alone() {
    let (world, served) = world().await;
    let (mine, _one) = enrolled(&world, &served, "build-1").await;
    let (other, _two) = enrolled(&world, &served, "build-2").await;
    world.label(12, 1).await;
    let job = mine.claim(claim("n1")).await.unwrap().unwrap();
    assert_eq!(job.git.url, format!("{}/worker/v1/git/{}", served.url, job.run));
    // The same nonce is another claim, and run and epoch are no proof.
    let guessed = tokio::time::timeout(Duration::from_millis(300), other.claim(claim("n1"))).await;
    assert!(guessed.is_err(), "it waits for work of its own");
    assert_eq!(other.heartbeat(job.run, job.epoch, Beat::default()).await, Err(ControlError::StaleEpoch));
    assert_eq!(other.hand_back(job.run, job.epoch).await, Err(ControlError::StaleEpoch));
    assert_eq!(other.step(job.run, job.epoch, Step::Commands).await, Err(ControlError::StaleEpoch));
    assert_eq!(mine.step(job.run, job.epoch, Step::Commands).await, Ok(()));
    let record = world.store.run(job.run).await.unwrap().unwrap();
    assert_eq!(record.worker, Some(WorkerName::from("build-1")), "whatever name the claim gave");
}

#[tokio::test]
async fn a_revoked_worker_is_out_and_its_run_goes_to_another() {
    let (world, served) = world().await;
    let (gone, machine) = enrolled(&world, &served, "build-1").await;
    world.label(12, 1).await;
    let job = gone.claim(claim("n1")).await.unwrap().unwrap();
    assert!(world.dispatcher.revoke_worker(&WorkerName::from("build-1")).await.unwrap());
    assert!(!world.dispatcher.revoke_worker(&WorkerName::from("nobody")).await.unwrap());
    assert_eq!(gone.heartbeat(job.run, job.epoch, Beat::default()).await, Err(ControlError::StaleEpoch));
    assert!(matches!(gone.claim(claim("n2")).await, Err(ControlError::Refused { .. })));
    assert!(matches!(world.state(job.run).await, RunState::Queued { .. }));
    let (next, _machine) = enrolled(&world, &served, "build-2").await;
    assert_eq!(next.claim(claim("n3")).await.unwrap().unwrap().run, job.run);
    // It can be taken back, with a new token.
    let refused = machine.enter(&served, None).await;
    assert!(matches!(refused, Err(EnterError::Refused(_))));
    machine.enter(&served, Some(&token(&world, "build-1").await)).await.unwrap();
}

#[tokio::test]
async fn a_drained_worker_finishes_and_gets_no_more() {
    let (world, served) = world().await;
    let (control, _machine) = enrolled(&world, &served, "build-1").await;
    world.label(12, 1).await;
    let job = control.claim(claim("n1")).await.unwrap().unwrap();
    world.dispatcher.drain_worker(&WorkerName::from("build-1"), true).await.unwrap();
    assert_eq!(control.heartbeat(job.run, job.epoch, Beat::default()).await, Ok(Orders::Drain));
    world.label(13, 1).await;
    let waiting = tokio::time::timeout(Duration::from_millis(300), control.claim(claim("n2"))).await;
    assert!(waiting.is_err(), "nothing comes");
    world.dispatcher.drain_worker(&WorkerName::from("build-1"), false).await.unwrap();
    let next = control.claim(claim("n2")).await.unwrap().unwrap();
    assert_ne!(next.run, job.run);
    assert_eq!(control.heartbeat(job.run, job.epoch, Beat::default()).await, Ok(Orders::Continue));
}

#[tokio::test]
async fn a_claim_waits_for_work_and_a_stop_ends_the_waiting() {
    let (world, served) = world().await;
    let (control, machine) = enrolled(&world, &served, "build-1").await;
    let (claimed, _) = tokio::join!(control.claim(claim("n1")), async {
        tokio::task::yield_now().await;
        world.label(12, 1).await;
    });
    assert!(claimed.unwrap().is_some());
    let (claimed, ()) = tokio::join!(control.claim(claim("n2")), async {
        tokio::task::yield_now().await;
        machine.stop.cancel();
    });
    assert_eq!(claimed, Ok(None));
}

#[tokio::test]
async fn clocks_that_differ_are_seen_on_both_sides() {
    let (world, served) = world().await;
    let ahead = Arc::new(FakeClock::new(at("2026-11-21T10:05:00Z"), 9));
    let machine = Machine::with_clock(&world, ahead.clone() as Arc<dyn Clock>);
    let token = token(&world, "build-1").await;
    let control = machine.enter(&served, Some(&token)).await.unwrap();
    let skew = async || world.store.worker(&WorkerName::from("build-1")).await.unwrap().unwrap().skew_ms;
    assert_eq!(skew().await, Some(300_000));
    ahead.step_wall(at("2026-11-21T09:59:58Z"));
    world.label(12, 1).await;
    control.claim(claim("n1")).await.unwrap().unwrap();
    assert_eq!(skew().await, Some(-2_000));
}

#[tokio::test]
async fn what_is_no_message_of_this_version_is_refused_and_what_is_new_is_left_out() {
    let (world, served) = world().await;
    let (_, machine) = enrolled(&world, &served, "build-1").await;
    let bearer = format!("build-1.{}", machine.credential()["secret"].as_str().unwrap());
    let hello = json!({ "slots": 1, "software": "x", "at": "2026-11-21T10:00:00Z" });
    let newer = json!({ "version": 2, "body": hello }).to_string();
    let (status, text) = served.post("hello", &bearer, newer).await;
    assert_eq!(status, 422);
    assert!(text.contains("upgrade the older one"), "{text}");
    let mut more = json!({ "version": 1, "later": true, "body": hello });
    more["body"]["later"] = json!([1]);
    assert_eq!(served.post("hello", &bearer, more.to_string()).await.0, 200);
    for (body, expected) in [("", 400), ("[]", 400), ("{\"version\":1}", 400), ("{\"version\":\"1\"}", 400)] {
        assert_eq!(served.post("hello", &bearer, body).await.0, expected, "{body}");
    }
    assert_eq!(served.post("hello", &bearer, vec![b' '; 17 << 10]).await.0, 413);
    let run = uuid::Uuid::nil();
    let beat = message(json!({ "epoch": 1, "content": { "number": 1, "spent": 0 } }));
    let (status, text) = served.post(&format!("runs/{run}/heartbeat"), &bearer, beat).await;
    assert_eq!((status, text.as_str()), (409, r#"{"error":"stale_epoch"}"#));
    assert_eq!(served.post("runs/x/heartbeat", &bearer, "{}").await.0, 400);
}

#[test]
fn an_order_of_a_later_version_stops_nobody() {
    let orders = |text: &str| serde_json::from_str::<Orders>(text).unwrap();
    assert_eq!(orders("\"cancel\""), Orders::Cancel);
    assert_eq!(orders("\"drain\""), Orders::Drain);
    assert_eq!(orders("\"continue\""), Orders::Continue);
    assert_eq!(orders("\"dance\""), Orders::Continue);
}

#[tokio::test]
async fn what_another_dispatcher_queues_is_asked_for_when_it_is_heard_of() {
    let world = World::new(FIX).await;
    let other = on_store(&Store::open(&world.address).await.unwrap(), &world.forge, &world.clock);
    let (control, machine) = enrolled(&world, &Served::of(other).await, "build-1").await;
    let asking = tokio::spawn(async move { control.claim(claim("n1")).await });
    world.label(12, 0).await;
    machine.heard.notify_one();
    assert!(asking.await.unwrap().unwrap().is_some(), "rather than when its waiting is over");
}
