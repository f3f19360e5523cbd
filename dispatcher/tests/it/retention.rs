//! What is old goes by itself.

use std::time::Duration;

use dispatcher::Retention;

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
