//! What the tests stand on: a running Pullwright next to a stand-in forge, and ways to look at both.

mod api;
mod deliver;
mod git;
mod plan;
mod processes;
mod rabbitmq;
mod random;
mod roles;
mod text;
mod worker;
mod world;

pub use deliver::sign;
pub use git::git;
pub use plan::{LABEL, MAINTAINER, NAME, OWNER, Plan, REPO, SECRET, STRANGER, TOKEN, automation, free_port};
pub use processes::{marker, running_with, wait_until_none_runs_with};
pub use rabbitmq::RabbitMq;
pub use random::Random;
pub use roles::Ingress;
pub use text::{comment, redact};
pub use worker::{Worker, worker_command};
pub use world::World;

/// Ends a test that needs bubblewrap where the runner said that there is none.
#[macro_export]
macro_rules! needs_sandbox {
    () => {
        if std::env::var_os("PULLWRIGHT_SKIP_SANDBOX").is_some_and(|value| value == "1") {
            eprintln!("left out: PULLWRIGHT_SKIP_SANDBOX=1");
            return;
        }
    };
}
