//! What is asked before something is decided.

use forge::{ChangeRange, Forge, ForgeError, NewPullRequest};

use super::support::{World, git_ok, repo};

/// A branch that changes `src/a b.rs` and `README.md`.
async fn changed(world: &World) -> u64 {
    let bare = world.sim.bare_repo("acme", "api");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git_ok(path, &["clone", "--quiet", bare.to_str().unwrap(), "."]).await;
    git_ok(path, &["checkout", "--quiet", "-b", "work/1"]).await;
    std::fs::create_dir(path.join("src")).unwrap();
    std::fs::write(path.join("src/a b.rs"), "").unwrap();
    std::fs::write(path.join("README.md"), "changed\n").unwrap();
    git_ok(path, &["add", "."]).await;
    git_ok(path, &["commit", "--quiet", "-m", "Change"]).await;
    git_ok(path, &["push", "--quiet", "origin", "work/1"]).await;
    let new = NewPullRequest {
        title: "Change".into(),
        body: String::new(),
        head: "work/1".into(),
        base: "main".into(),
        draft: true,
    };
    world.github.create_pull_request(&world.repo, &new).await.unwrap().number
}

#[tokio::test]
async fn files_of_a_change() {
    let world = World::start().await;
    let number = changed(&world).await;
    let expected = Ok(vec!["README.md".to_owned(), "src/a b.rs".to_owned()]);
    let of = ChangeRange::PullRequest(number);
    assert_eq!(world.github.changed_paths(&world.repo, &of).await, expected);
    let of = ChangeRange::Commits { base: "main".into(), head: world.head("work/1").await };
    assert_eq!(world.github.changed_paths(&world.repo, &of).await, expected);
    let missing = world.github.changed_paths(&world.repo, &ChangeRange::PullRequest(99)).await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
    let of = ChangeRange::Commits { base: "absent".into(), head: world.head("main").await };
    let missing = world.github.changed_paths(&world.repo, &of).await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_pull_request_as_it_stands() {
    let world = World::as_app().await;
    let number = changed(&world).await;
    let found = world.github.pull_request(&world.repo, number).await.unwrap();
    assert_eq!((found.head_ref.as_str(), found.base_ref.as_str()), ("work/1", "main"));
    assert_eq!(found.head, Some(world.head("work/1").await));
    assert_eq!((found.draft, found.fork, found.open), (true, false, true));
    let close =
        |r: &mut forge_sim::model::Repository| r.items.get_mut(&number).unwrap().state = "closed".into();
    world.sim.change_repo("acme", "api", close).unwrap();
    assert!(!world.github.pull_request(&world.repo, number).await.unwrap().open);
    let issue = world.github.pull_request(&world.repo, 1).await;
    assert!(matches!(issue, Err(ForgeError::NotFound { .. })), "{issue:?}");
}

#[tokio::test]
async fn members_of_teams() {
    let world = World::start().await;
    world.sim.set_team("acme/core", &["octocat"]);
    for (team, login, expected) in [
        ("acme/core", "octocat", Ok(true)),
        ("Acme/Core", "OctoCat", Ok(true)),
        ("acme/core", "eve", Ok(false)),
        ("acme/core", "../..", Ok(false)),
        ("acme/none", "octocat", Err(ForgeError::NotFound { what: "the team `acme/none`".into() })),
        ("core", "octocat", Err(ForgeError::NotFound { what: "the team `core`".into() })),
    ] {
        assert_eq!(world.github.is_member(&world.repo, team, login).await, expected, "{team} {login}");
    }
    let hidden = world.github.pull_request(&repo("acme/none"), 1).await;
    assert!(matches!(hidden, Err(ForgeError::NotFound { .. })), "{hidden:?}");
}
