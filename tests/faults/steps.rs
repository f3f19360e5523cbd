//! A process that dies at a certain step: as it says a certain thing, before or after that was heard.

use std::time::Duration;

use crate::site::Site;
use crate::support::Random;
use crate::wire::{Lost, Wire};

/// AMQP 0-9-1, 2.3.5.1: class and method at the head of a method frame's payload.
const PUBLISH: &[u8] = &[0, 60, 0, 40];
const ACK: &[u8] = &[0, 60, 0, 80];
/// No load is so slow that a step is not reached by then.
const LIMIT: Duration = Duration::from_secs(30);

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Ingress,
    Dispatcher,
    /// Both, since they share the line.
    Workers,
}

/// What is being said meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Publish,
    Commit,
    Ack,
    Comment,
    PullRequest,
    PushToForge,
    Claim,
    Grant,
    Push,
    Report,
}

impl Step {
    fn said(self) -> &'static [u8] {
        match self {
            Self::Publish => PUBLISH,
            Self::Commit => b"COMMIT",
            Self::Ack => ACK,
            // Lists are asked for with a query.
            Self::Comment => b"/comments HTTP/1.1",
            Self::PullRequest => b"/pulls HTTP/1.1",
            Self::PushToForge | Self::Push => b"git-receive-pack HTTP/1.1",
            Self::Claim => b"/worker/v1/claim HTTP/1.1",
            Self::Grant => b"/grant_push HTTP/1.1",
            Self::Report => b"/report HTTP/1.1",
        }
    }

    /// How many of its kind a round says at least.
    fn times(self) -> u64 {
        match self {
            Self::Commit => 12,
            Self::Ack => 1,
            _ => 4,
        }
    }
}

/// Waits until `who` says it, kills it, and starts another one.
///
/// # Panics
/// When nobody says it.
pub async fn die(site: &mut Site, who: Who, step: Step, lost: Lost, random: &mut Random) {
    let skip = random.between(0, step.times() - 1);
    let said = site.line(step).trap(step.said(), skip, lost);
    tokio::time::timeout(LIMIT, said).await.unwrap_or_else(|_| panic!("{step:?} was not said")).unwrap();
    match who {
        Who::Ingress => {
            site.kill_ingress().await;
            site.start_ingress().await;
        }
        Who::Dispatcher => {
            site.kill_dispatcher().await;
            site.start_dispatcher().await;
        }
        Who::Workers => {
            for which in 0..site.workers.len() {
                site.restart_worker(which).await;
            }
        }
    }
}

impl Site {
    fn line(&self, step: Step) -> &Wire {
        match step {
            Step::Publish => &self.wires.ingress_to_broker,
            Step::Commit => &self.wires.dispatcher_to_database,
            Step::Ack => &self.wires.dispatcher_to_broker,
            Step::Comment | Step::PullRequest | Step::PushToForge => &self.wires.dispatcher_to_forge,
            Step::Claim | Step::Grant | Step::Push | Step::Report => &self.wires.workers_to_dispatcher,
        }
    }
}
