//! What is old goes by itself.

use std::time::Duration;

use bytes::Bytes;
use dispatcher::Retention;
use schemas::ControlPlane;
use schemas::control::{Claim, Job};
use schemas::result_bundle::{self, Made};

use crate::support::{FIX, World};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn deliveries_go_when_they_are_old_and_no_run_needs_them() {
    let world = World::new(FIX).await;
    let started = world.label(12, 0).await;
    let ignored = world.deliver("other", b"{}").await;
    let retention = Retention { deliveries: 90 * DAY, logs: 90 * DAY };
    world.clock.advance(89 * DAY);
    let keys = world.dispatcher.let_go(retention).await.unwrap();
    assert!(keys > 0, "what is a month old needs no key");
    assert_eq!(world.dispatcher.let_go(retention).await.unwrap(), 0);
    world.clock.advance(2 * DAY);
    assert_eq!(world.dispatcher.let_go(retention).await.unwrap(), 1);
    assert!(world.store.delivery(ignored).await.unwrap().is_none());
    assert!(world.store.delivery(started).await.unwrap().is_some(), "its run is not done");
    let forever = Retention { deliveries: Duration::MAX, logs: Duration::MAX };
    assert_eq!(world.dispatcher.let_go(forever).await.unwrap(), 0);
}

/// A claimed run with a result that is kept.
async fn kept(world: &World, nonce: &str) -> (Job, Bytes) {
    let claim = Claim { worker: "w".into(), nonce: nonce.into() };
    let job = world.dispatcher.claim(claim).await.unwrap().unwrap();
    let head = "b".repeat(40).parse().unwrap();
    let made = Made { head, base: job.base.clone(), commands: Vec::new(), steps: Vec::new() };
    let bundle = result_bundle::encode(&made, nonce.as_bytes()).unwrap();
    world.dispatcher.keep_result(job.run, job.epoch, bundle.clone()).await.unwrap();
    (job, bundle)
}

#[tokio::test]
async fn results_that_no_run_knows_of_go_after_a_day() {
    let world = World::new(FIX).await;
    world.label(12, 1).await;
    let (first, _) = kept(&world, "first").await;
    world.dispatcher.hand_back(first.run, first.epoch).await.unwrap();
    // In place of the first one, which is left over then.
    let (job, bundle) = kept(&world, "second").await;
    assert_eq!(job.run, first.run);
    assert_eq!(world.dispatcher.drop_left_over_results().await.unwrap(), 0, "they are young");
    // The store has a clock of its own.
    world.clock.advance(50 * 365 * DAY);
    assert_eq!(world.dispatcher.drop_left_over_results().await.unwrap(), 1);
    assert_eq!(world.dispatcher.drop_left_over_results().await.unwrap(), 0);
    assert_eq!(world.dispatcher.kept_result(job.run, job.epoch).await.unwrap(), bundle);
}
