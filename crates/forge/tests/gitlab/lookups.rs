//! What is asked before something is decided.

use forge::{ChangeRange, Forge, ForgeError, NewPullRequest};

use super::support::{PROJECT, World, git_ok};

/// A branch that changes `src/main.rs` and `README.md`.
async fn changed(world: &World) -> u64 {
    let bare = world.there().bare_repo(PROJECT);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git_ok(path, &["clone", "--quiet", bare.to_str().unwrap(), "."]).await;
    git_ok(path, &["checkout", "--quiet", "-b", "work/1"]).await;
    std::fs::create_dir(path.join("src")).unwrap();
    std::fs::write(path.join("src/main.rs"), "").unwrap();
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
    world.gitlab.create_pull_request(&world.repo, &new).await.unwrap().number
}

#[tokio::test]
async fn files_of_a_change() {
    let world = World::start().await;
    let number = changed(&world).await;
    let expected = Ok(vec!["README.md".to_owned(), "src/main.rs".to_owned()]);
    let of = ChangeRange::PullRequest(number);
    assert_eq!(world.gitlab.changed_paths(&world.repo, &of).await, expected);
    let bare = world.there().bare_repo(PROJECT);
    let head = git_ok(&bare, &["rev-parse", "work/1"]).await.parse().unwrap();
    let of = ChangeRange::Commits { base: "main".into(), head };
    assert_eq!(world.gitlab.changed_paths(&world.repo, &of).await, expected);
    let missing = world.gitlab.changed_paths(&world.repo, &ChangeRange::PullRequest(99)).await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_merge_request_as_it_stands() {
    let world = World::start().await;
    let number = changed(&world).await;
    let found = world.gitlab.pull_request(&world.repo, number).await.unwrap();
    assert_eq!((found.head_ref.as_str(), found.base_ref.as_str()), ("work/1", "main"));
    assert_eq!((found.draft, found.fork, found.open), (true, false, true));
    let missing = world.gitlab.pull_request(&world.repo, 99).await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn members_of_groups() {
    let world = World::start().await;
    world.there().set_group("acme/backend", &["ana"]);
    for (group, login, expected) in [
        ("acme/backend", "ana", Ok(true)),
        ("acme/backend", "sim-user", Ok(false)),
        ("acme/backend", "nobody", Ok(false)),
        ("acme/none", "ana", Err(ForgeError::NotFound { what: "the group `acme/none`".into() })),
    ] {
        assert_eq!(world.gitlab.is_member(&world.repo, group, login).await, expected, "{group} {login}");
    }
}
