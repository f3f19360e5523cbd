//! The broker dies, the network's other end is another host, memory runs out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use broker::amqp::{AmqpConsumer, AmqpPublisher, State, Topology};
use broker::{PublishError, Publisher};
use schemas::amqp::Host;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::node::Node;
use crate::world::{Load, PATIENCE, clock, delivery, publish, read_all, read_some, ready, take, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_broker_loses_nothing_that_was_confirmed() {
    let Some(node) = Node::start("").await else { return };
    let settings = node.settings("test", &node.vhost());
    let publisher: Arc<dyn Publisher> = Arc::new(AmqpPublisher::start(settings.clone(), Topology::Declare));
    let (mut consumer, _health) = AmqpConsumer::new(settings);
    let load = Load::start(&publisher, 64);
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    // Reads all the while, so that acks are lost as well.
    let reading = tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        loop {
            tokio::select! {
                () = read_some(&mut consumer, &mut seen) => {}
                _ = &mut stopped => return (consumer, seen),
            }
        }
    });
    load.confirms(1).await;
    node.settle().await;
    for _ in 0..2 {
        load.confirms(3_000).await;
        node.kill().await;
        node.up().await;
    }
    load.confirms(3_000).await;
    let refused = load.refused.load(Ordering::Relaxed);
    let confirmed = load.stop().await;
    stop.send(()).unwrap();
    let (mut consumer, mut seen) = reading.await.unwrap();
    read_all(&mut consumer, &mut seen, &confirmed).await;
    println!("{} confirmed, 0 lost; {refused} refused; {} seen in all", confirmed.len(), seen.len());
    assert!(refused > 0, "nobody noticed");
}

#[tokio::test]
async fn a_memory_alarm_is_refused_at_once_until_it_is_over() {
    let Some(node) = Node::start("").await else { return };
    let settings = node.settings("test", &node.vhost());
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    let mut health = publisher.health();
    let clock = clock(1);
    publisher.publish(delivery(&clock, b"before")).await.unwrap();

    node.ctl(&["set_vm_memory_high_watermark", "0.0000001"]).await;
    // RabbitMQ says so when the next publish arrives; that one need not wait for its deadline.
    let quickly = Duration::from_secs(4);
    let refused = tokio::time::timeout(quickly, async {
        loop {
            match publisher.publish(delivery(&clock, b"meanwhile")).await {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    });
    let refused = refused.await.expect("not at once");
    assert!(matches!(&refused, PublishError::Unavailable(why) if why.contains("memory")), "{refused}");
    let blocked = until(&mut health, |health| matches!(health.state, State::Blocked(_))).await;
    assert!(!blocked.is_ready());
    for _ in 0..100 {
        assert!(publisher.publish(delivery(&clock, b"meanwhile")).await.is_err());
    }

    node.ctl(&["set_vm_memory_high_watermark", "0.4"]).await;
    ready(&mut health).await;
    publisher.publish(delivery(&clock, b"after")).await.unwrap();
    let (mut consumer, _) = AmqpConsumer::new(settings);
    let first = take(&mut consumer, 2, true).await;
    assert_eq!(**first[0].body.as_stored(), *b"before");
    publisher.close().await;
}

#[tokio::test]
async fn a_second_host_serves_when_the_first_is_away_and_a_frozen_one_is_left() {
    let Some(node) = Node::start("").await else { return };
    let mut settings = node.settings("test", &node.vhost());
    // Port 1 is nobody's; the other takes connections and never answers.
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let frozen_port = frozen.local_addr().unwrap().port();
    settings.address.hosts.insert(0, Host { name: "127.0.0.1".to_owned(), port: 1 });
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    publish(&publisher, delivery(&clock(1), b"x")).await;

    settings.address.hosts[0].port = frozen_port;
    let (mut consumer, _health) = AmqpConsumer::new(settings);
    assert_eq!(take(&mut consumer, 1, true).await.len(), 1);
}

#[tokio::test]
async fn without_a_broker_it_is_refused_at_once_and_taken_when_one_comes() {
    let Some(node) = Node::start("").await else { return };
    let settings = node.settings("test", &node.vhost());
    node.kill().await;
    let publisher = AmqpPublisher::start(settings, Topology::Declare);
    let mut health = publisher.health();
    let down = until(&mut health, |health| health.state != State::Starting).await;
    assert!(matches!(&down.state, State::Down(why) if why.contains("cannot be reached")), "{down}");
    let refused = tokio::time::timeout(PATIENCE, publisher.publish(delivery(&clock(1), b"x"))).await.unwrap();
    assert!(matches!(refused, Err(PublishError::Unavailable(_))), "{refused:?}");
    node.up().await;
    publish(&publisher, delivery(&clock(2), b"y")).await;
    publisher.close().await;
}

/// A connection that is open at both ends and carries nothing, as behind a firewall that forgot it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_left() {
    let Some(node) = Node::start("").await else { return };
    let direct = node.settings("test", &node.vhost());
    let (through, frozen) = proxy(node.port()).await;
    let mut settings = direct.clone();
    settings.address.heartbeat = 2;
    settings.address.hosts.insert(0, Host { name: "127.0.0.1".to_owned(), port: through });
    let (mut consumer, _health) = AmqpConsumer::new(settings);
    let publisher = AmqpPublisher::start(direct, Topology::Declare);
    let clock = clock(1);
    publish(&publisher, delivery(&clock, b"before")).await;
    assert_eq!(take(&mut consumer, 1, true).await.len(), 1);
    frozen.send_replace(true);
    let after = delivery(&clock, b"after");
    publish(&publisher, after.clone()).await;
    // The ack of the first may have been swallowed as well; then that one comes again before.
    while take(&mut consumer, 1, true).await != std::slice::from_ref(&after) {}
}

/// Passes connections on to `port` until it is frozen; takes new ones even then.
async fn proxy(port: u16) -> (u16, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own_port = listener.local_addr().unwrap().port();
    let (frozen, watched) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut watched = watched.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                    _ = watched.wait_for(|frozen| *frozen) => {}
                }
                // Both stay open.
                std::future::pending::<()>().await;
            });
        }
    });
    (own_port, frozen)
}
