//! Deliveries as a forge sends them: signed, and again until they are taken.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Ingress, NAME, OWNER, Random, STRANGER, World, sign};

/// Issues that are labelled around one fault.
pub const ISSUES: usize = 6;
/// Their deliveries are spread over this.
pub const WITHIN: Duration = Duration::from_millis(1_500);
/// The title of an issue whose job takes long.
pub const LONG: &str = "It takes long";
/// What a sender waits before it tries again.
const AGAIN: Duration = Duration::from_millis(200);
/// When it gives up a try.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What became of the deliveries of one round.
#[derive(Debug, Default)]
pub struct Taken {
    pub issues: Vec<u64>,
    /// Those that were answered 202.
    pub accepted: usize,
    /// Answers that were neither 202 nor 503, nor none.
    pub strange: Vec<String>,
}

impl Taken {
    pub fn add(&mut self, other: Self) {
        self.issues.extend(other.issues);
        self.accepted += other.accepted;
        self.strange.extend(other.strange);
    }
}

/// What became of all of them, once every sender has its answer.
pub async fn taken(mut senders: JoinSet<Taken>) -> Taken {
    let mut taken = Taken::default();
    while let Some(sender) = senders.join_next().await {
        taken.add(sender.expect("a sender panicked"));
    }
    taken
}

/// So many issues.
pub fn some(world: &World, number: usize) -> Vec<u64> {
    (0..number).map(|_| world.issue("It does not greet")).collect()
}

/// The issues of one round, each with so many comments.
pub fn issues(world: &World, comments: usize) -> Vec<u64> {
    let issues = some(world, ISSUES);
    for issue in &issues {
        for _ in 0..comments {
            world.sim.comment(OWNER, NAME, *issue, "Me too.", STRANGER).unwrap();
        }
    }
    issues
}

/// Labels the issues within the time, and delivers each until it is taken.
pub fn deliver(
    world: &World,
    url: String,
    issues: &[u64],
    within: Duration,
    random: &mut Random,
) -> JoinSet<Taken> {
    let mut senders = JoinSet::new();
    for issue in issues.iter().copied() {
        let body = world.labelled_payload(issue).to_string();
        let (http, url) = (world.http.clone(), url.clone());
        let milliseconds = u64::try_from(within.as_millis()).unwrap();
        let delay = Duration::from_millis(random.between(0, milliseconds));
        senders.spawn(async move {
            tokio::time::sleep(delay).await;
            let mut taken = Taken { issues: vec![issue], ..Taken::default() };
            loop {
                let request = http
                    .post(&url)
                    .timeout(TIMEOUT)
                    .header("content-type", "application/json")
                    .header("x-github-event", "issues")
                    .header("x-github-delivery", format!("guid-{issue}"))
                    .header("x-hub-signature-256", sign(body.as_bytes()));
                // An answer that broke off halfway is none.
                if let Ok(answer) = request.body(body.clone()).send().await {
                    let status = answer.status().as_u16();
                    match (status, answer.json::<Value>().await) {
                        (202, Ok(_)) => {
                            taken.accepted += 1;
                            return taken;
                        }
                        (202 | 503, _) => {}
                        (status, _) => taken.strange.push(format!("issue {issue}: {status}")),
                    }
                }
                tokio::time::sleep(AGAIN).await;
            }
        });
    }
    senders
}

/// Delivers this one until it is taken.
pub async fn deliver_one(ingress: &Ingress, world: &World, guid: &str, body: &str) {
    loop {
        match ingress.deliver(world, guid, body).await {
            (202, _) => return,
            // The fault before this one may have taken its broker a moment ago.
            (0 | 503, _) => tokio::time::sleep(AGAIN).await,
            (status, answer) => panic!("{status}: {answer}"),
        }
    }
}
