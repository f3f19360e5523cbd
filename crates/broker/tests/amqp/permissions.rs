//! Each part may do what it has to and no more; what is wrong with an address is said.

use std::path::Path;
use std::process::Command;

use broker::amqp::{
    AmqpConsumer, AmqpError, AmqpPublisher, Finding, State, Task, Topology, WakeReceiver, WakeSender, check,
};
use broker::{Consumer, Publisher, WakeUps};

use crate::node::{Node, settings_of};
use crate::world::{clock, delivery, publish, ready, take, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_part_may_do_its_own_work_and_nothing_else() {
    let Some(node) = Node::start("").await else { return };
    let (dispatcher, ingress) = (node.settings("dispatcher", "v0"), node.settings("ingress", "v0"));
    let worker = node.settings("worker", "v0");
    let worker_task = || Task::Worker { pool: "default".to_owned() };

    // Before the dispatcher was there.
    for (settings, task) in [(&ingress, Task::Ingress), (&worker, worker_task())] {
        let findings = check(settings, &task).await;
        assert!(matches!(&findings[1], Finding::Problem(AmqpError::Missing { .. })), "{findings:?}");
    }

    let publisher = AmqpPublisher::start(ingress.clone(), Topology::Expect);
    let (mut consumer, _health) = AmqpConsumer::new(dispatcher.clone());
    let reading = tokio::spawn(async move { take(&mut consumer, 1, true).await });
    publish(&publisher, delivery(&clock(1), b"x")).await;
    reading.await.unwrap();

    let wake_ups = WakeUps::default();
    wake_ups.wake("default");
    let sender = WakeSender::start(dispatcher.clone(), wake_ups.clone());
    ready(&mut sender.health()).await;
    let at_worker = WakeUps::default();
    let mut waker = at_worker.waker("default");
    let receiver = WakeReceiver::start(worker.clone(), at_worker, "default");
    ready(&mut receiver.health()).await;
    waker.woken().await;

    for (settings, task) in
        [(&dispatcher, Task::Dispatcher), (&ingress, Task::Ingress), (&worker, worker_task())]
    {
        let findings = check(settings, &task).await;
        assert!(findings.iter().all(|finding| matches!(finding, Finding::Fine(_))), "{findings:?}");
        let Finding::Fine(greeting) = &findings[0] else { unreachable!() };
        assert!(greeting.starts_with("RabbitMQ "), "{greeting}");
    }

    // And nothing else.
    for settings in [&ingress, &worker] {
        let (mut forbidden, health) = AmqpConsumer::new(settings.clone());
        assert!(forbidden.next(1).await.is_err());
        let words = health.borrow().to_string();
        assert!(words.contains("may not do this"), "{words}");
    }
    let forbidden = AmqpPublisher::start(worker.clone(), Topology::Expect);
    let refused = forbidden.publish(delivery(&clock(2), b"x")).await;
    assert!(refused.is_err(), "{refused:?}");
    let mut health = forbidden.health();
    let words = until(&mut health, |health| matches!(health.state, State::Down(_))).await.to_string();
    assert!(words.contains("may not do this"), "{words}");
    let forbidden = WakeSender::start(ingress.clone(), wake_ups);
    let mut health = forbidden.health();
    until(&mut health, |health| matches!(health.state, State::Down(_))).await;
    let forbidden = WakeReceiver::start(ingress.clone(), WakeUps::default(), "default");
    let mut health = forbidden.health();
    until(&mut health, |health| matches!(health.state, State::Down(_))).await;
    let findings = check(&worker, &Task::Ingress).await;
    assert!(matches!(&findings[1], Finding::Problem(AmqpError::Permission { .. })), "{findings:?}");
    let findings = check(&ingress, &Task::Dispatcher).await;
    assert!(matches!(&findings[1], Finding::Problem(AmqpError::Permission { .. })), "{findings:?}");
    let findings = check(&ingress, &worker_task()).await;
    assert!(matches!(&findings[1], Finding::Problem(AmqpError::Permission { .. })), "{findings:?}");
    // The checks above left nothing in the queue.
    crate::node::has_ready(&node.settings("test", "v0"), broker::amqp::DELIVERIES, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_address_is_said() {
    let tls = "listeners.ssl.default = 127.0.0.1:TLS_PORT\nssl_options.cacertfile = FOLDER/ca.pem\n\
        ssl_options.certfile = FOLDER/server.pem\nssl_options.keyfile = FOLDER/server.key\n\
        ssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false";
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let Some(node) = Node::start("").await else { return };
    let (port, tls_port) = (node.port(), node.tls_port());
    let problem = async |address: String, ca: Option<String>| {
        let mut settings = settings_of(&address);
        settings.ca = ca;
        match check(&settings, &Task::Dispatcher).await.into_iter().next() {
            Some(Finding::Problem(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let host = format!("127.0.0.1:{port}");
    let error = problem(format!("amqp://test:wrong@{host}/v1"), None).await;
    assert!(matches!(&error, AmqpError::Credentials { user, .. } if user == "test"), "{error:?}");
    let error = problem(format!("amqp://test:test@{host}/elsewhere"), None).await;
    assert!(matches!(&error, AmqpError::NoVhost { vhost } if vhost == "elsewhere"), "{error:?}");
    let error = problem(format!("amqp://stranger:test@{host}/v1"), None).await;
    assert!(matches!(&error, AmqpError::VhostRefused { .. }), "{error:?}");
    let error = problem("amqp://test:test@127.0.0.1:1/v1".to_owned(), None).await;
    assert!(matches!(&error, AmqpError::Unreachable { .. }), "{error:?}");
    let error = problem("amqp://test:test@host.invalid/v1".to_owned(), None).await;
    assert!(matches!(&error, AmqpError::Unreachable { .. }), "{error:?}");
    let error = problem(format!("amqps://test:test@{host}/v1"), None).await;
    assert!(matches!(&error, AmqpError::Tls { .. }), "{error:?}");
    assert!(!error.to_string().contains("test:test"), "{error}");

    if !make_certificates(node.folder()) {
        println!("skipped: TLS; openssl is not installed");
        return;
    }
    let extra = std::fs::read_to_string(node.folder().join("extra.conf")).unwrap();
    let tls = tls.replace("TLS_PORT", &tls_port.to_string());
    let tls = tls.replace("FOLDER", &node.folder().display().to_string());
    std::fs::write(node.folder().join("extra.conf"), format!("{extra}\n{tls}\n")).unwrap();
    node.kill().await;
    node.up().await;
    let address = format!("amqps://test:test@localhost:{tls_port}/v1");
    let error = problem(address.clone(), None).await;
    assert!(matches!(&error, AmqpError::Tls { .. }), "a certificate nobody vouches for: {error:?}");
    let ca = std::fs::read_to_string(node.folder().join("ca.pem")).unwrap();
    let error = problem(format!("amqps://test:test@127.0.0.1:{tls_port}/v1"), Some(ca.clone())).await;
    assert!(matches!(&error, AmqpError::Tls { .. }), "a certificate for another name: {error:?}");
    let error = problem(format!("amqp://test:test@127.0.0.1:{tls_port}/v1"), None).await;
    assert!(matches!(&error, AmqpError::Lost(_) | AmqpError::Silent { .. }), "no TLS on its port: {error:?}");

    let mut settings = settings_of(&address);
    settings.ca = Some(ca);
    let findings = check(&settings, &Task::Dispatcher).await;
    assert!(findings.iter().all(|finding| matches!(finding, Finding::Fine(_))), "{findings:?}");
    let publisher = AmqpPublisher::start(settings.clone(), Topology::Declare);
    let sent = delivery(&clock(1), &[7; 300_000]);
    publish(&publisher, sent.clone()).await;
    let (mut consumer, _health) = AmqpConsumer::new(settings);
    assert_eq!(take(&mut consumer, 1, true).await, [sent]);
}

/// A CA, and a certificate of it for `localhost`.
fn make_certificates(folder: &Path) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/certificates");
    Command::new(script).arg(folder).output().is_ok_and(|out| out.status.success())
}
