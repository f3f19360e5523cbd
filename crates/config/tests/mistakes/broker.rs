//! Mistakes in `broker:`.

use std::collections::BTreeMap;

use config::Role;
use insta::assert_snapshot;

use super::{drawn, mistake, read};

#[test]
fn a_password_in_the_address() {
    assert_snapshot!(mistake("broker: amqps://user:hunter2@mq/main\n"), @r"
     × pullwright.yaml:1:9: a secret belongs elsewhere: only a reference to it is possible here
      ╭────
    1 │ broker: ****************************
      ·         ──────────────┬─────────────
      ·                       ╰── here
      ╰────
     help: write a reference, ${env:NAME} or ${file:/path}; if this was a real secret, replace it
           where it was issued
    ");
}

#[test]
fn what_is_no_address() {
    for (written, wrong) in [
        ("amqps://mq:many/main", "a port is no number"),
        ("amqps://user@mq", "it has a user, but no password"),
        ("amqps://mq,,mq2", "a host is missing"),
        ("amqps://mq/a/b", "a `/` in the virtual host has to be"),
        ("amqps://mq?verify=none", "the only parameter is `heartbeat`"),
        ("rabbit://mq", "this is no broker"),
    ] {
        let said = mistake(&format!("broker: {written}\n"));
        assert!(said.contains(wrong) && !said.contains(written), "{said}");
    }
}

#[test]
fn what_cannot_work() {
    let address = "address: \"amqps://mq\"";
    for (written, wrong) in [
        ("amqp: { max_bytes: 1GiB }".to_owned(), "the address of RabbitMQ is missing"),
        (format!("amqp: {{ {address}, max_messages: 0 }}"), "a queue without room takes nothing"),
        (format!("amqp: {{ {address}, max_bytes: 0B }}"), "a queue without room takes nothing"),
        (format!("amqp: {{ {address} }}, embedded: {{}}"), "deliveries wait in one place"),
        (
            "amqp: { address: \"amqp://mq\", ca_file: ca.pem }".to_owned(),
            "a connection without TLS shows no certificate",
        ),
        (format!("amqp: {{ {address}, prefetch: 5 }}"), "unknown key `prefetch`"),
    ] {
        let said = mistake(&format!("broker: {{ {written} }}\n"));
        assert!(said.contains(wrong), "{said}");
    }
}

#[test]
fn the_password_of_another_role() {
    let loaded = read("broker: amqps://user:${env:BROKER}@mq/main\n", &[]).unwrap();
    let there = BTreeMap::from([("BROKER".to_owned(), "a".to_owned())]);
    assert_snapshot!(drawn(&loaded.secrets(Role::Worker, &there).expect_err("too much")), @r"
     × pullwright.yaml:1:9: the role `worker` may not hold the password of the broker, and
     │ ${env:BROKER} is within its reach
      ╭────
    1 │ broker: amqps://user:${env:BROKER}@mq/main
      ·         ─────────────────┬────────────────
      ·                          ╰── here
      ╰────
     help: start this role in an environment without it
    ");
    assert_snapshot!(drawn(&loaded.secrets(Role::Ingress, &BTreeMap::new()).expect_err("missing")), @r"
     × pullwright.yaml:1:9: the password of the broker is missing: the variable BROKER is not set
      ╭────
    1 │ broker: amqps://user:${env:BROKER}@mq/main
      ·         ─────────────────┬────────────────
      ·                          ╰── here
      ╰────
     help: set BROKER and start again
    ");
}
