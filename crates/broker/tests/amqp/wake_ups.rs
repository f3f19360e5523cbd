//! Wake-ups across processes.

use broker::WakeUps;
use broker::amqp::{State, WakeReceiver, WakeSender};

use crate::node::Node;
use crate::world::{PATIENCE, ready, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_worker_of_the_pool_is_woken_also_after_the_broker_was_away() {
    let Some(node) = Node::start("").await else { return };
    let settings = node.settings("test", &node.vhost());
    let woken = async |waker: &mut broker::Waker| {
        assert!(tokio::time::timeout(PATIENCE, waker.woken()).await.is_ok(), "not woken");
    };

    let early = WakeReceiver::start(settings.clone(), WakeUps::default(), "gpu");
    let missing = until(&mut early.health(), |health| health.state != State::Starting).await;
    assert!(missing.to_string().contains("start the dispatcher first"), "{missing}");
    drop(early);

    let dispatcher = WakeUps::default();
    dispatcher.wake("gpu");
    let sender = WakeSender::start(settings.clone(), dispatcher.clone());
    ready(&mut sender.health()).await;
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let wake_ups = WakeUps::default();
            let waker = wake_ups.waker("gpu");
            (WakeReceiver::start(settings.clone(), wake_ups, "gpu"), waker)
        })
        .collect();
    let mut wakers = Vec::new();
    let mut receivers = Vec::new();
    for (receiver, mut waker) in workers {
        ready(&mut receiver.health()).await;
        // Once for having come, so that what was queued before is asked for.
        woken(&mut waker).await;
        receivers.push(receiver);
        wakers.push(waker);
    }
    for _ in 0..5 {
        dispatcher.wake("gpu");
        for waker in &mut wakers {
            woken(waker).await;
        }
    }

    node.settle().await;
    node.kill().await;
    for receiver in &receivers {
        until(&mut receiver.health(), |health| health.state != State::Ready).await;
    }
    dispatcher.wake("gpu");
    node.up().await;
    for (receiver, waker) in receivers.iter().zip(&mut wakers) {
        ready(&mut receiver.health()).await;
        woken(waker).await;
    }
    ready(&mut sender.health()).await;
    dispatcher.wake("gpu");
    for waker in &mut wakers {
        woken(waker).await;
    }
}
