//! Several consumers, and messages that are not for this one.

use broker::Consumer;
use broker::amqp::{AmqpConsumer, AmqpPublisher, DELIVERIES, State, Topology};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};

use crate::node::{Node, bare, has_ready};
use crate::world::{clock, delivery, publish, take, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers() {
    let Some(node) = Node::start("").await else { return };
    one_of_two_is_active_and_the_other_goes_on_in_order(&node).await;
    a_newer_version_waits_and_its_neighbours_do_not(&node).await;
    what_cannot_be_read_comes_with_its_bytes(&node).await;
    redeliveries_never_use_a_message_up(&node).await;
    a_cut_connection_costs_nothing_but_a_redelivery(&node).await;
}

async fn one_of_two_is_active_and_the_other_goes_on_in_order(node: &Node) {
    let settings = node.settings("test", &node.vhost());
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    let clock = clock(1);
    let sent: Vec<_> = (0..200u8).map(|n| delivery(&clock, &[n])).collect();
    for delivery in &sent[..100] {
        publish(&publisher, delivery.clone()).await;
    }
    let (mut first, _) = AmqpConsumer::new(settings.clone());
    assert_eq!(take(&mut first, 40, true).await, sent[..40]);
    assert_eq!(take(&mut first, 10, false).await, sent[40..50]);

    let (mut second, _) = AmqpConsumer::new(settings);
    let second = tokio::spawn(async move { take(&mut second, 140, true).await });
    for delivery in &sent[100..] {
        publish(&publisher, delivery.clone()).await;
    }
    // The first still gets everything, the second nothing.
    assert_eq!(take(&mut first, 10, true).await, sent[50..60]);
    drop(first);
    assert_eq!(second.await.unwrap(), sent[60..], "in order, from the oldest that is not acked");
}

async fn a_newer_version_waits_and_its_neighbours_do_not(node: &Node) {
    let settings = node.settings("test", &node.vhost());
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    let clock = clock(1);
    let (before, after) = (delivery(&clock, b"before"), delivery(&clock, b"after"));
    publish(&publisher, before.clone()).await;
    let mut headers = FieldTable::default();
    headers.insert("pullwright-version".into(), AMQPValue::LongLongInt(2));
    raw(&settings, BasicProperties::default().with_headers(headers), b"from the future").await;
    publish(&publisher, after.clone()).await;

    let (mut consumer, mut health) = AmqpConsumer::new(settings.clone());
    assert_eq!(take(&mut consumer, 2, true).await, [before, after]);
    let held = until(&mut health, |health| health.held == 1).await;
    assert!(!held.is_ready());
    assert!(held.to_string().contains("newer version"), "{held}");
    // Acks go on around it.
    let later = delivery(&clock, b"later");
    publish(&publisher, later.clone()).await;
    assert_eq!(take(&mut consumer, 1, true).await, [later]);
    consumer.close().await;
    // Of all of them it alone is still there.
    has_ready(&settings, DELIVERIES, 1).await;
}

async fn what_cannot_be_read_comes_with_its_bytes(node: &Node) {
    let settings = node.settings("test", &node.vhost());
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    publish(&publisher, delivery(&clock(1), b"first")).await;
    raw(&settings, BasicProperties::default(), b"{\"by\":\"hand\"}").await;
    let (mut consumer, _health) = AmqpConsumer::new(settings.clone());
    take(&mut consumer, 1, true).await;
    let damaged = consumer.next(10).await.unwrap();
    let read = damaged[0].delivery.as_ref().unwrap_err();
    assert_eq!(*read.bytes, *b"{\"by\":\"hand\"}");
    consumer.ack(damaged[0].position).await.unwrap();
    consumer.close().await;
    has_ready(&settings, DELIVERIES, 0).await;
}

/// RabbitMQ 4 drops a message after 20 redeliveries unless it is told not to; 3.10 drops it after
/// none when it is told so in the words of 4.
async fn redeliveries_never_use_a_message_up(node: &Node) {
    let settings = node.settings("test", &node.vhost());
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    let sent = delivery(&clock(1), b"patient");
    publish(&publisher, sent.clone()).await;
    for _ in 0..25 {
        let (mut consumer, _health) = AmqpConsumer::new(settings.clone());
        assert_eq!(take(&mut consumer, 1, false).await, std::slice::from_ref(&sent));
        consumer.close().await;
    }
    has_ready(&settings, DELIVERIES, 1).await;
}

async fn a_cut_connection_costs_nothing_but_a_redelivery(node: &Node) {
    let vhost = node.vhost();
    let settings = node.settings("test", &vhost);
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    let clock = clock(1);
    let sent: Vec<_> = (0..3u8).map(|n| delivery(&clock, &[n])).collect();
    for delivery in &sent {
        publish(&publisher, delivery.clone()).await;
    }
    let (mut consumer, _health) = AmqpConsumer::new(settings.clone());
    let first = consumer.next(1).await.unwrap();
    node.ctl(&["close_all_connections", "--vhost", &vhost, "a test"]).await;
    let cut = until(&mut publisher.health(), |health| matches!(health.state, State::Down(_))).await;
    assert!(cut.to_string().contains("a test"), "{cut}");
    // What had arrived before the cut may be handed out first; then everything comes again, in order.
    let mut seen = Vec::new();
    while !seen.ends_with(&sent) {
        seen.extend(take(&mut consumer, 1, false).await);
    }
    // Its message has come again since, on another connection; this ack is for none of them.
    consumer.ack(first[0].position).await.unwrap();
    drop(consumer);
    let (mut consumer, _health) = AmqpConsumer::new(settings);
    assert_eq!(take(&mut consumer, 3, true).await, sent);
    publish(&publisher, delivery(&clock, b"later")).await;
    assert_eq!(take(&mut consumer, 1, true).await.len(), 1);
}

async fn raw(settings: &broker::amqp::AmqpSettings, properties: BasicProperties, payload: &[u8]) {
    let (_connection, channel) = bare(settings).await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish(DELIVERIES.into(), "".into(), options, payload, properties);
    assert!(sent.await.unwrap().await.unwrap().is_ack());
}
