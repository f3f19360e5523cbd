//! A consumer that does what ours does not: it holds a message.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties, ExchangeKind};

use crate::support::RabbitMq;

/// Of the queue and of the way to it: the default exchange is not for the dispatcher.
const NAME: &str = "pullwright.held";
/// Takes a message and keeps it until the broker has had enough.
///
/// # Panics
/// When the broker lets it for so long.
pub async fn until_cut(node: &RabbitMq, limit: Duration) {
    let address = format!("amqp://dispatcher:{}@127.0.0.1:{}/main", node.password, node.port);
    let connection = Connection::connect(&address, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let name = || NAME.into();
    let options = ExchangeDeclareOptions { auto_delete: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(name(), ExchangeKind::Fanout, options, FieldTable::default()).await.unwrap();
    let options = QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name(), options, FieldTable::default()).await.unwrap();
    let options = QueueBindOptions::default();
    channel.queue_bind(name(), name(), "".into(), options, FieldTable::default()).await.unwrap();
    let (options, nothing) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish(name(), "".into(), options, b"held", nothing).await.unwrap();
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(name(), "holder".into(), options, FieldTable::default());
    let mut consumer = consumer.await.unwrap();
    assert!(consumer.next().await.unwrap().is_ok(), "a message");
    let cut = async { while consumer.next().await.is_some_and(|next| next.is_ok()) {} };
    tokio::time::timeout(limit, cut).await.expect("the broker cuts off who holds a message");
}
