//! What each way of going wrong comes to, and that nothing is done twice.

use std::time::Duration;

use forge::{Check, CheckState, Forge, ForgeError, NewPullRequest};
use forge_sim::{Fault, FaultOrder};

use super::support::World;

/// The variant's name, with the wait of a rate limit.
fn kind(error: &ForgeError) -> String {
    match error {
        ForgeError::NotFound { .. } => "NotFound".to_owned(),
        ForgeError::Forbidden { .. } => "Forbidden".to_owned(),
        ForgeError::Refused { status, .. } => format!("Refused {status}"),
        ForgeError::RateLimited { retry_after: Some(wait) } => format!("RateLimited {}", wait.as_secs()),
        ForgeError::RateLimited { retry_after: None } => "RateLimited".to_owned(),
        ForgeError::Unavailable { .. } => "Unavailable".to_owned(),
        ForgeError::Unclear { .. } => "Unclear".to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn each_fault_has_its_meaning() {
    let limited = |retry_after, status| Fault::RateLimited { retry_after, status };
    for (fault, read, write, done) in [
        (Fault::Status { status: 500 }, "Unavailable", "Unclear", 0),
        (Fault::Status { status: 503 }, "Unavailable", "Unclear", 0),
        (Fault::Status { status: 401 }, "CredentialRefused", "CredentialRefused", 0),
        (Fault::Status { status: 403 }, "Forbidden", "Forbidden", 0),
        (Fault::Status { status: 404 }, "NotFound", "NotFound", 0),
        (Fault::Status { status: 410 }, "NotFound", "NotFound", 0),
        (Fault::Status { status: 409 }, "Refused 409", "Refused 409", 0),
        (Fault::Status { status: 422 }, "Refused 422", "Refused 422", 0),
        (Fault::Status { status: 429 }, "RateLimited", "RateLimited", 0),
        (Fault::Status { status: 301 }, "Refused 301", "Refused 301", 0),
        (limited(Some(7), 403), "RateLimited 7", "RateLimited 7", 0),
        (limited(Some(7), 429), "RateLimited 7", "RateLimited 7", 0),
        // Without `retry-after` the reset time of the headers counts: an hour ahead in the sim.
        (limited(None, 403), "RateLimited 3600", "RateLimited 3600", 0),
        (Fault::Secondary { retry_after: None }, "RateLimited", "RateLimited", 0),
        (Fault::Secondary { retry_after: Some(60) }, "RateLimited 60", "RateLimited 60", 0),
        (Fault::Reset, "Unavailable", "Unclear", 0),
        (Fault::CommitThenStatus { status: 500 }, "Unavailable", "Unclear", 1),
        (Fault::CommitThenStatus { status: 502 }, "Unavailable", "Unclear", 1),
        (Fault::CommitThenReset, "Unavailable", "Unclear", 1),
    ] {
        let world = World::start().await;
        world.fault("GET", "*/acme/api", fault.clone());
        let error = world.github.repository(&world.repo).await.unwrap_err();
        assert_eq!(kind(&error), read, "read, {fault:?}: {error}");
        world.fault("POST", "*/comments", fault.clone());
        let error = world.github.create_comment(&world.repo, 1, "once").await.unwrap_err();
        assert_eq!(kind(&error), write, "write, {fault:?}: {error}");
        assert_eq!(world.comments().len(), done, "{fault:?}");
        // One request each: nothing was tried again behind our back.
        assert_eq!(world.sim.journal().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_unclear_comment_is_adopted() {
    for fault in [
        Fault::CommitThenStatus { status: 500 },
        Fault::CommitThenStatus { status: 504 },
        Fault::CommitThenReset,
    ] {
        let world = World::start().await;
        world.fault("POST", "*/comments", fault);
        let lost = world.github.create_comment(&world.repo, 1, "hi <!-- run 1 -->").await;
        assert!(matches!(lost, Err(ForgeError::Unclear { .. })), "{lost:?}");
        // A list that lags does not show it yet; it is there a moment later.
        world.fault("GET", "*/comments", Fault::ListLag { ms: 3_600_000 });
        assert_eq!(world.github.find_comment(&world.repo, 1, "<!-- run 1 -->").await, Ok(None));
        let found = world.github.find_comment(&world.repo, 1, "<!-- run 1 -->").await.unwrap().unwrap();
        world.github.edit_comment(&world.repo, &found, "done <!-- run 1 -->").await.unwrap();
        assert_eq!(world.comments(), ["done <!-- run 1 -->"]);
    }
}

#[tokio::test]
async fn an_unclear_pull_request_is_adopted() {
    let world = World::start().await;
    world.branch("work").await;
    world.fault("POST", "*/pulls", Fault::CommitThenStatus { status: 502 });
    let (title, body) = ("Fix".to_owned(), String::new());
    let new = NewPullRequest { title, body, head: "work".to_owned(), base: "main".to_owned(), draft: false };
    let lost = world.github.create_pull_request(&world.repo, &new).await;
    assert!(matches!(lost, Err(ForgeError::Unclear { .. })), "{lost:?}");
    let again = world.github.create_pull_request(&world.repo, &new).await;
    assert_eq!(again, Err(ForgeError::AlreadyExists));
    assert!(world.github.find_pull_request(&world.repo, "work").await.unwrap().is_some());
    assert_eq!(world.sim.pulls("acme", "api").len(), 1);
}

#[tokio::test]
async fn an_unclear_check_run_is_not_doubled() {
    let world = World::as_app().await;
    let head = world.head("main").await;
    let check = Check { name: "fix".to_owned(), state: CheckState::Pending, summary: "Running".to_owned() };
    world.fault("POST", "*/check-runs", Fault::CommitThenReset);
    let lost = world.github.set_check(&world.repo, &head, &check).await;
    assert!(matches!(lost, Err(ForgeError::Unclear { .. })), "{lost:?}");
    world.github.set_check(&world.repo, &head, &check).await.unwrap();
    assert_eq!(world.sim.check_runs("acme", "api").len(), 1);
}

#[tokio::test]
async fn a_fault_on_a_later_page_fails_the_search() {
    let world = World::start().await;
    for n in 0..150 {
        world.sim.comment("acme", "api", 1, &n.to_string(), "octocat").unwrap();
    }
    let mut order = FaultOrder::once("GET", "*/comments", Fault::Status { status: 500 });
    order.skip = 1;
    world.sim.fault(order).unwrap();
    let broken = world.github.find_comment(&world.repo, 1, "<!-- m -->").await;
    // Never `None`: that would let the caller write a second comment.
    assert!(matches!(broken, Err(ForgeError::Unavailable { .. })), "{broken:?}");
}

/// Time is stopped once the write has arrived, and moved past the limit.
#[tokio::test]
async fn a_write_without_an_answer_is_unclear() {
    let world = World::start().await;
    world.fault("POST", "*/comments", Fault::CommitThenDelay { ms: 3_600_000 });
    let call = world.github.create_comment(&world.repo, 1, "once");
    let arrived = async {
        while world.comments().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
    };
    let (result, ()) = tokio::join!(call, arrived);
    assert!(matches!(result, Err(ForgeError::Unclear { .. })), "{result:?}");
}

#[tokio::test]
async fn a_read_without_an_answer_is_unavailable() {
    let world = World::start().await;
    world.fault("GET", "*", Fault::Delay { ms: 3_600_000 });
    let call = world.github.repository(&world.repo);
    let started = async {
        while world.sim.pending_faults() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
    };
    let (result, ()) = tokio::join!(call, started);
    assert!(matches!(result, Err(ForgeError::Unavailable { .. })), "{result:?}");
}
