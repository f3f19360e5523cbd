//! As an App: installations, narrowed tokens, check runs.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use forge::github::GitHubAuth;
use forge::{Check, CheckState, Forge, ForgeError};
use forge_sim::{Fault, Permission, Sim, SimOptions};
use secrecy::ExposeSecret;

use super::support::{APP_KEY, World, connect, repo, token};

#[tokio::test]
async fn identity_of_an_app() {
    let world = World::as_app().await;
    let us = world.github.identity().await.unwrap();
    assert_eq!((us.login.as_str(), us.machine), ("sim-app[bot]", true));
    let made = world.github.create_comment(&world.repo, 1, "hi").await.unwrap();
    let issue = world.sim.issue("acme", "api", 1).unwrap();
    let comment = issue.comments.iter().find(|c| c.id == made.id).unwrap();
    assert_eq!(comment.author, us.login);
    assert!(us.grants.unwrap().contains(&"checks:write".to_owned()));
    assert_eq!(world.github.find_comment(&world.repo, 1, "hi").await.unwrap().unwrap().id, made.id);
}

#[tokio::test]
async fn an_app_that_is_installed_nowhere() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let app = GitHubAuth::App { id: 1234, private_key: APP_KEY.to_owned().into() };
    let github = connect(&sim.url, app);
    let missing = github.identity().await.unwrap_err();
    assert_eq!(missing.to_string(), "an installation of the App `sim-app` was not found");
    let missing = github.repository(&repo("acme/api")).await.unwrap_err();
    assert_eq!(missing.to_string(), "an installation of the App that covers github/acme/api was not found");
    let stranger = GitHubAuth::App { id: 99, private_key: APP_KEY.to_owned().into() };
    assert!(connect(&sim.url, stranger).identity().await.is_err());
}

#[tokio::test]
async fn tokens_are_kept_and_narrowed() {
    let world = World::as_app().await;
    world.sim.create_repo("acme", "secret", &[("a", "b")]).await.unwrap();
    world.sim.change_repo("acme", "secret", |r| r.private = true).unwrap();
    for _ in 0..3 {
        world.github.repository(&world.repo).await.unwrap();
        assert_eq!(world.github.permission(&world.repo, "sim-user").await, Ok(Permission::Admin));
    }
    let endpoint = world.github.git(&world.repo).await.unwrap();
    let minted = world.sim.journal().iter().filter(|e| e.path.ends_with("/access_tokens")).count();
    assert_eq!(minted, 1);

    let header = endpoint.authorization.expose_secret().strip_prefix("Basic ").unwrap();
    let pair = String::from_utf8(BASE64_STANDARD.decode(header).unwrap()).unwrap();
    let secret = pair.strip_prefix("x-access-token:").unwrap();
    let narrowed = connect(&world.sim.url, token(secret));
    assert!(narrowed.repository(&world.repo).await.is_ok());
    let other = narrowed.repository(&repo("acme/secret")).await;
    assert!(matches!(other, Err(ForgeError::NotFound { .. })), "{other:?}");
    assert!(world.github.repository(&repo("acme/secret")).await.is_ok());
}

#[tokio::test]
async fn a_token_that_cannot_be_had_leaves_nothing_unclear() {
    let world = World::as_app().await;
    for fault in [Fault::Status { status: 500 }, Fault::CommitThenReset] {
        world.fault("POST", "*/access_tokens", fault);
        let error = world.github.create_comment(&world.repo, 1, "hi").await.unwrap_err();
        assert!(matches!(error, ForgeError::Unavailable { .. }), "{error:?}");
    }
    assert!(world.comments().is_empty());
    world.github.create_comment(&world.repo, 1, "hi").await.unwrap();
}

#[tokio::test]
async fn a_token_that_went_stale_is_replaced() {
    let world = World::as_app().await;
    world.github.create_comment(&world.repo, 1, "one").await.unwrap();
    world.sim.revoke_installation_tokens();
    world.github.create_comment(&world.repo, 1, "two").await.unwrap();
    world.github.create_comment(&world.repo, 1, "three").await.unwrap();
    assert_eq!(world.comments(), ["one", "two", "three"]);
    let minted = world.sim.journal().iter().filter(|e| e.path.ends_with("/access_tokens")).count();
    assert_eq!(minted, 2);
}

#[tokio::test]
async fn check_runs_are_one_per_name() {
    let world = World::as_app().await;
    let head = world.head("main").await;
    let set = |name: &str, state| {
        let check = Check { name: name.to_owned(), state, summary: "What happened".to_owned() };
        let (github, repo, head) = (&world.github, &world.repo, &head);
        async move { github.set_check(repo, head, &check).await.unwrap() }
    };
    set("fix", CheckState::Pending).await;
    set("fix", CheckState::Pending).await;
    set("other", CheckState::Neutral).await;
    set("fix", CheckState::Failure).await;
    set("fix", CheckState::Success).await;
    let seen = |index: usize| {
        let run = world.sim.check_runs("acme", "api").swap_remove(index);
        (run.name, run.status, run.conclusion.unwrap_or_default())
    };
    let own = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(world.sim.check_runs("acme", "api").len(), 2);
    assert_eq!(seen(0), own("fix", "completed", "success"));
    assert_eq!(seen(1), own("other", "completed", "neutral"));
    // A second attempt is a run of its own.
    set("fix", CheckState::Pending).await;
    assert_eq!(seen(2), own("fix", "in_progress", ""));
}

#[tokio::test]
async fn repositories_of_every_installation_are_listed() {
    let world = World::as_app().await;
    world.sim.create_repo("other", "web", &[("a", "b")]).await.unwrap();
    let mut listed = world.github.repositories(&"github".into()).await.unwrap();
    listed.sort_by_key(ToString::to_string);
    assert_eq!(listed, [repo("acme/api"), repo("other/web")]);
}
