//! Limits of the broker itself.

use broker::amqp::{AmqpConsumer, AmqpPublisher, Topology};
use broker::{PublishError, Publisher};

use crate::node::Node;
use crate::world::{clock, delivery, eventually, publish, take};

#[tokio::test]
async fn a_broker_with_a_smaller_limit_is_learned_from_and_changed_limits_do_not_stop_a_start() {
    let Some(node) = Node::start("max_message_size = 20000").await else { return };
    let mut settings = node.settings("test", &node.vhost());
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    let clock = clock(1);
    publisher.publish(delivery(&clock, &[0; 10_000])).await.unwrap();
    let large = delivery(&clock, &[0; 50_000]);
    eventually("the limit is known", async || {
        let refused = publisher.publish(large.clone()).await.unwrap_err();
        matches!(refused, PublishError::TooLarge { limit: 20_000, .. })
    })
    .await;
    publish(&publisher, delivery(&clock, &[1; 10_000])).await;
    publisher.close().await;

    settings.limits.max_bytes = 1 << 20;
    settings.limits.max_messages = 17;
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    publisher.publish(delivery(&clock, &[2; 10_000])).await.unwrap();
    let (mut consumer, _health) = AmqpConsumer::new(settings);
    assert_eq!(take(&mut consumer, 3, true).await.len(), 3);
}
