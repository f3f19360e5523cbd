//! A forge that misbehaves: one comment and one pull request, whatever it answers.

use forge_sim::{Fault, FaultOrder};
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{Plan, World};

const COMMENTS: &str = "/repos/acme/api/issues/*/comments";
const PULLS: &str = "/repos/acme/api/pulls";

/// One labelled issue under these faults: the run, once everything is written.
async fn under(faults: impl IntoIterator<Item = FaultOrder>) -> (World, u64, Value) {
    let world = Plan::running(&["echo x > x"]).start().await;
    for fault in faults {
        world.sim.fault(fault).unwrap();
    }
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert_eq!(world.sim.pending_faults(), 0, "not every fault was met");
    assert_eq!(world.our_comments(issue).len(), 1, "{:#?}", world.our_comments(issue));
    assert_eq!(world.pulls_for(issue).len(), 1);
    assert!(world.our_comment(issue).contains("✅ done"), "{}", world.our_comment(issue));
    (world, issue, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_was_made_and_answered_502() {
    needs_sandbox!();
    under([FaultOrder::once("POST", COMMENTS, Fault::CommitThenStatus { status: 502 })]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_was_made_and_the_connection_reset() {
    needs_sandbox!();
    under([FaultOrder::once("POST", PULLS, Fault::CommitThenReset)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_asks_to_wait() {
    needs_sandbox!();
    let wait = Some(2);
    let (world, ..) = under([
        FaultOrder::once("POST", COMMENTS, Fault::RateLimited { retry_after: wait, status: 403 }),
        FaultOrder::once("POST", PULLS, Fault::Secondary { retry_after: wait }),
        FaultOrder::once("PATCH", "*", Fault::RateLimited { retry_after: wait, status: 429 }),
    ])
    .await;
    for entry in world.sim.journal().iter().filter(|entry| matches!(entry.answered, Some(403 | 429))) {
        let next =
            world.sim.journal().into_iter().find(|later| {
                later.seq > entry.seq && later.method == entry.method && later.path == entry.path
            });
        let waited = next.expect("it was tried again").at - entry.at;
        assert!(waited.num_milliseconds() >= 2000, "{} after {waited}", entry.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_lag_behind_unclear_writes() {
    needs_sandbox!();
    let lag = || Fault::ListLag { ms: 6000 };
    under([
        FaultOrder::once("POST", COMMENTS, Fault::CommitThenReset),
        FaultOrder::once("GET", COMMENTS, lag()),
        FaultOrder::once("POST", PULLS, Fault::CommitThenStatus { status: 500 }),
        FaultOrder::once("GET", PULLS, lag()),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_certainly_did_not_happen_are_made_again() {
    needs_sandbox!();
    under([
        FaultOrder::once("POST", COMMENTS, Fault::Status { status: 503 }),
        FaultOrder::once("POST", PULLS, Fault::Reset),
        FaultOrder::once("GET", "/acme/api.git/info/refs*", Fault::Status { status: 502 }),
        FaultOrder::once("GET", "/repos/acme/api/git/ref/*", Fault::Status { status: 502 }),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_arrive_and_are_not_answered() {
    needs_sandbox!();
    under([FaultOrder::once("POST", "/acme/api.git/git-receive-pack", Fault::CommitThenReset)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_a_write_and_its_record() {
    needs_sandbox!();
    let mut world = Plan::running(&["echo x > x"]).start().await;
    let slow = |path| FaultOrder::once("POST", path, Fault::CommitThenDelay { ms: 60_000 });
    for path in [COMMENTS, PULLS] {
        world.sim.fault(slow(path)).unwrap();
    }
    let issue = world.labelled_issue();
    world.wait("the comment", async || (!world.our_comments(issue).is_empty()).then_some(())).await;
    world.kill9().await;
    world.start().await;
    world.wait("the pull request", async || (!world.pulls_for(issue).is_empty()).then_some(())).await;
    world.kill9().await;
    world.start().await;
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert_eq!((world.our_comments(issue).len(), world.pulls_for(issue).len()), (1, 1));
    assert!(world.our_comment(issue).contains("✅ done"));
}
