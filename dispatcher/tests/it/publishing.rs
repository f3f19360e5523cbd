//! Planned writes when several dispatchers could make them.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use schemas::Clock;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::support::{FIX, World, on_store};

const ISSUES: u64 = 40;

/// Comments, reactions and labels taken off, so far.
fn written(world: &World) -> (usize, usize, usize) {
    world.forge.with(|forge| (forge.comments.len(), forge.reactions, forge.labels_removed.len()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_dispatchers_make_each_write_once() {
    let world = World::new(FIX).await;
    let store = Store::open(&world.address).await.unwrap();
    let second = on_store(&store, &world.forge, &world.clock);
    for number in 1..=ISSUES {
        world.label(number, 0).await;
    }
    let stop = CancellationToken::new();
    stop.cancel();
    let both = [Arc::clone(&world.dispatcher), second].map(|dispatcher| {
        let stop = stop.clone();
        tokio::spawn(async move { dispatcher.publish(stop).await })
    });
    for publishing in both {
        publishing.await.unwrap();
    }
    let once = usize::try_from(ISSUES).unwrap();
    assert_eq!(written(&world), (once, once, once));
    assert_eq!(world.store.next_intent_due(world.clock.now()).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_dispatcher_left_that_is_gone_is_written_by_another_after_a_while() {
    let world = World::new(FIX).await;
    world.label(12, 0).await;
    let (now, until) = (world.clock.now(), world.clock.now() + TimeDelta::minutes(3));
    assert_eq!(world.store.claim_intents("gone", now, until, 10).await.unwrap().len(), 1);
    world.publish().await;
    assert_eq!(written(&world), (0, 0, 0), "it may still be at it");
    world.clock.advance(Duration::from_secs(180));
    world.publish().await;
    assert_eq!(written(&world), (1, 1, 1));
}
