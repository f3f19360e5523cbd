//! Exchanges and queues that go away, are not there yet, or are someone else's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use broker::amqp::{AmqpConsumer, AmqpPublisher, DELIVERIES, State, Topology};
use broker::{ConsumeError, Consumer, PublishError, Publisher};
use lapin::options::{QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;

use crate::node::{Node, bare};
use crate::world::{Load, clock, delivery, publish, read_all, ready, take, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_come_and_go() {
    let Some(node) = Node::start("").await else { return };
    a_queue_that_is_not_there_yet_is_named(&node).await;
    a_deleted_queue_is_reported_and_made_again(&node).await;
    a_returned_message_is_never_taken_for_a_stored_one(&node).await;
    a_queue_of_another_kind_is_refused(&node).await;
}

async fn a_queue_that_is_not_there_yet_is_named(node: &Node) {
    let settings = node.settings("test", &node.vhost());
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Expect);
    let refused = publisher.publish(delivery(&clock(1), b"x")).await;
    let Err(PublishError::Unavailable(_)) = refused else { panic!("{refused:?}") };
    let mut health = publisher.health();
    let missing = until(&mut health, |health| matches!(health.state, State::NoQueue(_))).await;
    assert!(missing.to_string().contains("start the dispatcher first"), "{missing}");

    // The dispatcher starts.
    let (mut consumer, _health) = AmqpConsumer::new(settings);
    let reading = tokio::spawn(async move { take(&mut consumer, 1, true).await });
    publish(&publisher, delivery(&clock(2), b"y")).await;
    assert_eq!(**reading.await.unwrap()[0].body.as_stored(), *b"y");
}

async fn a_deleted_queue_is_reported_and_made_again(node: &Node) {
    let settings = node.settings("test", &node.vhost());
    let (mut consumer, mut reader_health) = AmqpConsumer::new(settings.clone());
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    publisher.publish(delivery(&clock(1), b"before")).await.unwrap();
    take(&mut consumer, 1, true).await;

    let (_connection, channel) = bare(&settings).await;
    channel.queue_delete(DELIVERIES.into(), QueueDeleteOptions::default()).await.unwrap();
    let refused = publisher.publish(delivery(&clock(2), b"nowhere")).await;
    assert!(
        matches!(&refused, Err(PublishError::Unavailable(why)) if why.contains("start the dispatcher")),
        "{refused:?}"
    );
    assert!(matches!(publisher.health().borrow().state, State::NoQueue(_)));

    let cancelled = consumer.next(1).await;
    assert!(matches!(cancelled, Err(ConsumeError::Unavailable(_))), "{cancelled:?}");
    let reading = tokio::spawn(async move { (take(&mut consumer, 1, true).await, consumer) });
    publish(&publisher, delivery(&clock(3), b"again")).await;
    let (again, _consumer) = reading.await.unwrap();
    assert_eq!(**again[0].body.as_stored(), *b"again");
    assert!(publisher.health().borrow().is_ready(), "no reconnect was needed");
    ready(&mut reader_health).await;
}

/// The binding is taken away and given back while hundreds of publishes are under way: what RabbitMQ
/// returns in between is gone, and must not be among what was reported as stored.
async fn a_returned_message_is_never_taken_for_a_stored_one(node: &Node) {
    let settings = node.settings("test", &node.vhost());
    let publisher: Arc<dyn Publisher> = Arc::new(AmqpPublisher::start(settings.clone(), Topology::Declare));
    publish(&*publisher, delivery(&clock(1_000), b"first")).await;
    let (_connection, channel) = bare(&settings).await;
    let load = Load::start(&publisher, 256);
    for _ in 0..40 {
        load.confirms(300).await;
        let (queue, exchange) = (DELIVERIES.into(), DELIVERIES.into());
        channel.queue_unbind(queue, exchange, "".into(), FieldTable::default()).await.unwrap();
        let (queue, exchange) = (DELIVERIES.into(), DELIVERIES.into());
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        channel.queue_bind(queue, exchange, "".into(), options, none).await.unwrap();
    }
    let refused = load.refused.load(Ordering::Relaxed);
    let confirmed = load.stop().await;
    assert!(refused > 0, "nothing was returned");
    let (mut consumer, _health) = AmqpConsumer::new(settings);
    let mut seen = BTreeSet::new();
    read_all(&mut consumer, &mut seen, &confirmed).await;
    println!("{} confirmed and there, {refused} returned", confirmed.len());
}

async fn a_queue_of_another_kind_is_refused(node: &Node) {
    let settings = node.settings("test", &node.vhost());
    let (_connection, channel) = bare(&settings).await;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(DELIVERIES.into(), durable, FieldTable::default()).await.unwrap();
    let (mut consumer, health) = AmqpConsumer::new(settings);
    assert!(consumer.next(1).await.is_err());
    let words = health.borrow().to_string();
    assert!(words.contains("RabbitMQ has it otherwise") && words.contains("x-"), "{words}");
}
