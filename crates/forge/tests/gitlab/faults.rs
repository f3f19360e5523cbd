//! What comes of a misbehaving forge: whether a write happened is never guessed.

use std::time::Duration;

use forge::{Forge, ForgeError};
use forge_sim::{Fault, FaultOrder};

use super::support::World;

#[tokio::test]
async fn reads_that_fail_are_unavailable() {
    for fault in [Fault::Status { status: 500 }, Fault::Status { status: 502 }, Fault::Reset] {
        let world = World::start().await;
        world.fault("GET", "*", fault.clone());
        let read = world.gitlab.repository(&world.repo).await;
        assert!(matches!(read, Err(ForgeError::Unavailable { .. })), "{fault:?}: {read:?}");
        assert!(world.gitlab.repository(&world.repo).await.is_ok());
    }
}

#[tokio::test]
async fn writes_that_fail_are_unclear_and_sent_once() {
    for fault in [
        Fault::Status { status: 500 },
        Fault::Reset,
        Fault::CommitThenStatus { status: 504 },
        Fault::CommitThenReset,
    ] {
        let world = World::start().await;
        world.fault("POST", "*/notes", fault.clone());
        let lost = world.gitlab.create_comment(&world.repo, 1, "hi <!-- m -->").await;
        assert!(matches!(lost, Err(ForgeError::Unclear { .. })), "{fault:?}: {lost:?}");
        assert_eq!(world.sim.journal().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_unclear_comment_is_adopted() {
    let world = World::start().await;
    world.fault("POST", "*/notes", Fault::CommitThenReset);
    world.gitlab.create_comment(&world.repo, 1, "hi <!-- m -->").await.unwrap_err();
    // A list that lags does not show it yet; it is there a moment later.
    world.fault("GET", "*/notes", Fault::ListLag { ms: 3_600_000 });
    assert_eq!(world.gitlab.find_comment(&world.repo, 1, "<!-- m -->").await, Ok(None));
    let found = world.gitlab.find_comment(&world.repo, 1, "<!-- m -->").await.unwrap().unwrap();
    world.gitlab.edit_comment(&world.repo, &found, "done <!-- m -->").await.unwrap();
    assert_eq!(world.notes(), ["done <!-- m -->"]);
}

#[tokio::test]
async fn limits_say_how_long() {
    let world = World::start().await;
    for (retry_after, expected) in [
        (Some(17), Some(Duration::from_secs(17))),
        // By `ratelimit-reset`, which the sim has a minute from now.
        (None, Some(Duration::from_secs(60))),
    ] {
        world.fault("POST", "*", Fault::RateLimited { retry_after, status: 429 });
        let limited = world.gitlab.create_comment(&world.repo, 1, "x").await;
        assert_eq!(limited, Err(ForgeError::RateLimited { retry_after: expected }));
        assert!(world.notes().is_empty());
    }
}

#[tokio::test]
async fn a_move_is_not_followed() {
    let world = World::start().await;
    for status in [301, 302, 307] {
        world.fault("POST", "*", Fault::Status { status });
        let moved = world.gitlab.create_comment(&world.repo, 1, "x").await;
        assert!(matches!(moved, Err(ForgeError::Refused { .. })), "{moved:?}");
    }
}

#[tokio::test]
async fn a_fault_on_a_later_page_fails_the_search() {
    let world = World::start().await;
    for n in 0..60 {
        world.gitlab.create_comment(&world.repo, 1, &n.to_string()).await.unwrap();
    }
    let mut order = FaultOrder::once("GET", "*/notes", Fault::Status { status: 500 });
    order.skip = 1;
    world.sim.fault(order).unwrap();
    let broken = world.gitlab.find_comment(&world.repo, 1, "<!-- m -->").await;
    // Never `None`: that would let the caller write a second comment.
    assert!(matches!(broken, Err(ForgeError::Unavailable { .. })), "{broken:?}");
}

/// Time is stopped once the write has arrived, and moved past the limit.
#[tokio::test]
async fn a_write_without_an_answer_is_unclear() {
    let world = World::start().await;
    world.fault("POST", "*/notes", Fault::CommitThenDelay { ms: 3_600_000 });
    let call = world.gitlab.create_comment(&world.repo, 1, "once");
    let arrived = async {
        while world.notes().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
    };
    let (result, ()) = tokio::join!(call, arrived);
    assert!(matches!(result, Err(ForgeError::Unclear { .. })), "{result:?}");
}
