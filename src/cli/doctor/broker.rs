//! Checks of the queue between ingress and dispatcher.

use ::broker::amqp::{AmqpSettings, Finding, Task, check};
use config::{Broker, Role};

use super::Check;

const NAME: &str = "broker";

/// Is the queue one that a process of `role` can share with the others?
pub(super) fn embedded(broker: &Broker, role: Role) -> Option<Check> {
    let alone = matches!(broker, Broker::Embedded { .. }) && role != Role::Up;
    alone.then(|| {
        Check::fail(
            NAME,
            format!("the role `{role}` shares its queue with others, and `embedded` is of one process"),
            "set `broker: amqps://USER:${env:PASSWORD}@HOST/VHOST`",
        )
    })
}

/// Is RabbitMQ there, and may this process do with it what it has to?
pub(super) async fn all(settings: &AmqpSettings, task: &Task) -> Vec<Check> {
    check(settings, task).await.into_iter().map(shown).collect()
}

pub(super) fn shown(finding: Finding) -> Check {
    match finding {
        Finding::Fine(what) => Check::ok(NAME, what),
        Finding::Problem(error) => Check::fail(NAME, error.to_string(), error.remedy()),
    }
}
