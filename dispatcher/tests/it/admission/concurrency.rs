//! One run of an item at a time, groups with limits, and what happens to one too many.

use schemas::ControlPlane;
use schemas::control::Orders;
use schemas::run::{Outcome, Reason, RunState};

use super::{automation, file, fix, labeled};
use crate::control::{beat, report};
use crate::support::World;

fn limited(name: &str, concurrency: &str) -> String {
    automation(name, &format!("    concurrency: {concurrency}\n"))
}

#[tokio::test]
async fn five_hundred_commands_behind_one_all_run_in_their_order() {
    let world = World::new(&file(&[fix("    output: { comment: none }\n")])).await;
    for after in 0..501 {
        world.queue_event("issues", &format!("12-{after}"), &labeled(12, "fix", after)).await;
    }
    world.queue_event("issues", "13", &labeled(13, "fix", 0)).await;
    world.decide().await;
    let asked: Vec<_> = world.runs().await.iter().map(|record| record.run.id).collect();
    assert_eq!(asked.len(), 502);
    let mut order = world.work_off().await;
    let unrelated = order.iter().position(|run| *run == asked[501]).unwrap();
    assert!(unrelated <= 1, "another item does not wait: it was number {unrelated}");
    order.remove(unrelated);
    assert_eq!(order, asked[..501]);
}

#[tokio::test]
async fn a_group_is_shared_by_whoever_names_it() {
    let shared = "{ group: staging, limit: 2 }";
    let automations = [limited("a", shared), limited("b", shared), automation("c", "")];
    let world = World::new(&file(&automations)).await;
    let mut verdicts = Vec::new();
    for (number, name) in [(1, "a"), (2, "b"), (3, "a"), (4, "b"), (5, "c")] {
        let decided = world.verdicts(world.label_for(number, name, 0).await).await;
        verdicts.extend(decided.into_iter().filter(|word| word != "not_matched"));
    }
    assert_eq!(verdicts, ["matched", "matched", "waiting", "waiting", "matched"]);
    let first = world.claim_one().await.unwrap();
    world.end(&first).await;
    assert_eq!(world.standings().await, ["nochange", "queued", "queued", "concurrency", "queued"]);
    assert_eq!(
        world.store.behind(&world.runs().await[3].run).await.unwrap().map(|run| run.0.is_nil()),
        Some(false)
    );
}

#[tokio::test]
async fn a_busy_item_does_not_stop_its_group() {
    let world = World::new(&file(&[limited("fix", "{ group: repo, limit: 2 }")])).await;
    for (number, after) in [(1, 0), (1, 1), (2, 0), (3, 0)] {
        world.label_for(number, "fix", after).await;
    }
    assert_eq!(world.standings().await, ["queued", "concurrency", "queued", "concurrency"]);
    // The place that comes free is the older one's: its item is free as well by then.
    let job = world.claim_one().await.unwrap();
    world.end(&job).await;
    assert_eq!(world.standings().await, ["nochange", "queued", "queued", "concurrency"]);
}

#[tokio::test]
async fn skip_starts_nothing_and_says_what_runs() {
    let world = World::new(&file(&[limited("fix", "{ on_full: skip }")])).await;
    world.label_for(1, "fix", 0).await;
    let skipped = world.label_for(2, "fix", 0).await;
    let decision = world.store.decisions(skipped).await.unwrap().remove(0).verdict;
    let running = world.runs().await[0].run.id;
    assert_eq!(
        decision.sentence(),
        format!("`concurrency` wants fewer than 1 run(s) of `automation fix`, the event has run {running}")
    );
    let job = world.claim_one().await.unwrap();
    world.end(&job).await;
    assert_eq!(world.verdicts(world.label_for(2, "fix", 1).await).await, ["matched"]);
    assert_eq!(world.standings().await, ["nochange", "queued"]);
}

#[tokio::test]
async fn a_newer_run_takes_the_place_of_those_in_progress_and_waits_for_their_end() {
    let world =
        World::new(&file(&[limited("fix", "{ group: work_item, on_full: cancel_in_progress }")])).await;
    world.label_for(1, "fix", 0).await;
    let job = world.claim_one().await.unwrap();
    world.label_for(1, "fix", 1).await;
    world.label_for(1, "fix", 2).await;
    world.label_for(2, "fix", 0).await;
    let runs = world.runs().await;
    assert_eq!(world.standings().await, ["active", "cancelled", "concurrency", "queued"]);
    let superseded = |by: usize| Reason::Superseded { by: runs[by].run.id };
    assert_eq!(runs[1].run.state, RunState::Done { outcome: Outcome::Cancelled, reason: superseded(2) });
    assert_eq!(world.dispatcher.heartbeat(job.run, job.epoch, beat(1)).await, Ok(Orders::Cancel));
    let cancelled = report(Outcome::Cancelled, Reason::CancelRequested);
    world.dispatcher.report(job.run, job.epoch, cancelled).await.unwrap();
    assert_eq!(
        world.state(job.run).await,
        RunState::Done { outcome: Outcome::Cancelled, reason: superseded(1) }
    );
    assert_eq!(world.standings().await, ["cancelled", "cancelled", "queued", "queued"]);
}

#[tokio::test]
async fn a_parked_run_leaves_its_place_and_comes_back_before_newer_ones() {
    let world = World::new(&file(&[fix("    budget: { run_usd: 4, day_usd: 8 }\n")])).await;
    world.label_for(1, "fix", 0).await;
    let job = world.claim_one().await.unwrap();
    world.label_for(1, "fix", 1).await;
    world.label_for(1, "fix", 2).await;
    let until = schemas::Clock::now(&*world.clock) + chrono::TimeDelta::minutes(5);
    world.dispatcher.park(job.run, job.epoch, until, "429".into()).await.unwrap();
    assert_eq!(world.standings().await, ["parked", "queued", "concurrency"]);
    let next = world.claim_one().await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(301));
    world.sweep().await;
    assert_eq!(world.standings().await, ["concurrency", "active", "concurrency"]);
    world.end(&next).await;
    assert_eq!(world.standings().await, ["queued", "nochange", "concurrency"], "the older one first");
    let again = world.claim_one().await.unwrap();
    assert_eq!((again.run, again.epoch.0), (job.run, 2));
    world.dispatcher.park(again.run, again.epoch, until, "429".into()).await.unwrap();
    assert_eq!(world.dispatcher.cancel(job.run).await.unwrap(), dispatcher::CancelAnswer::Cancelled);
}
