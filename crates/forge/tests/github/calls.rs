//! Every method, when nothing goes wrong, and what a forge refuses for good.

use forge::github::{GitHub, GitHubAuth, GitHubSettings};
use forge::{Check, CheckState, Forge, ForgeError, NewPullRequest, ReactionTarget};
use forge_sim::{Permission, Sim, SimOptions};

use super::support::{World, connect, repo, token};

#[tokio::test]
async fn identity_of_a_token() {
    let world = World::start().await;
    let us = world.github.identity().await.unwrap();
    assert_eq!((us.login.as_str(), us.machine), ("sim-user", false));
    assert_eq!(us.grants, Some(vec!["repo".to_owned()]));
    assert!(us.clock.is_some());
    assert!(us.id.parse::<u64>().is_ok());
}

#[tokio::test]
async fn facts_of_a_repository() {
    let world = World::start().await;
    let facts = world.github.repository(&world.repo).await.unwrap();
    assert_eq!((facts.default_branch.as_str(), facts.archived, facts.can_push), ("main", false, Some(true)));
    world.sim.change_repo("acme", "api", |r| r.archived = true).unwrap();
    assert!(world.github.repository(&world.repo).await.unwrap().archived);
    let missing = world.github.repository(&repo("acme/none")).await.unwrap_err();
    assert_eq!(missing, ForgeError::NotFound { what: "the repository github/acme/none".to_owned() });
}

#[tokio::test]
async fn heads_of_branches() {
    let world = World::start().await;
    let made = world.branch("pullwright/1#ü").await;
    assert_eq!(world.github.branch_head(&world.repo, "main").await, Ok(Some(world.head("main").await)));
    assert_eq!(world.github.branch_head(&world.repo, "pullwright/1#ü").await, Ok(Some(made)));
    for none in ["absent", "pullwright", "a//b", "../../user", ""] {
        assert_eq!(world.github.branch_head(&world.repo, none).await, Ok(None), "{none}");
    }
    let missing = world.github.branch_head(&repo("acme/none"), "main").await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn permissions() {
    let world = World::start().await;
    for permission in [
        Permission::None,
        Permission::Read,
        Permission::Triage,
        Permission::Write,
        Permission::Maintain,
        Permission::Admin,
    ] {
        world.sim.change_repo("acme", "api", |r| r.private = true).unwrap();
        world.sim.add_user("octocat", "acme", "api", permission).unwrap();
        assert_eq!(world.github.permission(&world.repo, "octocat").await, Ok(permission));
    }
    for nobody in ["nobody", "../../../user", "", "."] {
        assert_eq!(world.github.permission(&world.repo, nobody).await, Ok(Permission::None), "{nobody}");
    }
}

#[tokio::test]
async fn reactions_are_idempotent() {
    let world = World::start().await;
    let id = world.sim.comment("acme", "api", 1, "/agent", "octocat").unwrap();
    for _ in 0..2 {
        world.github.react(&world.repo, ReactionTarget::Item(1)).await.unwrap();
        let comment = ReactionTarget::Comment { number: 1, id };
        world.github.react(&world.repo, comment).await.unwrap();
    }
    let issue = world.sim.issue("acme", "api", 1).unwrap();
    assert_eq!((issue.reactions.len(), issue.reactions[0].content.as_str()), (1, "eyes"));
    assert_eq!(issue.comments[0].reactions.len(), 1);
}

#[tokio::test]
async fn labels_come_off() {
    let world = World::start().await;
    for _ in 0..2 {
        world.github.remove_label(&world.repo, 1, "agent:fix").await.unwrap();
    }
    assert_eq!(world.sim.issue("acme", "api", 1).unwrap().labels, ["bug"]);
    let missing = world.github.remove_label(&world.repo, 99, "bug").await.unwrap_err();
    assert_eq!(missing, ForgeError::NotFound { what: "github/acme/api#99".to_owned() });
    // `DELETE …/labels/..` would take off every label.
    for odd in ["..", ".", "", "a/../.."] {
        let _ = world.github.remove_label(&world.repo, 1, odd).await;
    }
    assert_eq!(world.sim.issue("acme", "api", 1).unwrap().labels, ["bug"]);
}

#[tokio::test]
async fn comments_are_made_edited_and_found() {
    let world = World::start().await;
    let made = world.github.create_comment(&world.repo, 1, "one <!-- m -->").await.unwrap();
    assert_eq!(made.url, format!("{}/acme/api/issues/1#issuecomment-{}", world.sim.url, made.id));
    world.github.edit_comment(&world.repo, &made, "two <!-- m -->").await.unwrap();
    assert_eq!(world.comments(), ["two <!-- m -->"]);
    assert_eq!(world.github.find_comment(&world.repo, 1, "<!-- m -->").await, Ok(Some(made.clone())));
    assert_eq!(world.github.find_comment(&world.repo, 1, "<!-- x -->").await, Ok(None));
    world.sim.change_repo("acme", "api", |r| r.items.get_mut(&1).unwrap().comments.clear()).unwrap();
    let gone = world.github.edit_comment(&world.repo, &made, "three").await;
    assert!(matches!(gone, Err(ForgeError::NotFound { .. })), "{gone:?}");
    let long = world.github.create_comment(&world.repo, 1, &"x".repeat(65_537)).await.unwrap_err();
    assert!(matches!(&long, ForgeError::Refused { status: 422, message } if message.contains("too long")));
}

#[tokio::test]
async fn our_comment_is_found_among_many() {
    let world = World::start().await;
    let say = |text: &str, login| world.sim.comment("acme", "api", 1, text, login).unwrap();
    // Somebody who knows the marker said it before us.
    say("mine! <!-- m -->", "mallory");
    for n in 0..250 {
        say(&format!("comment {n}"), "octocat");
    }
    let first = say("first <!-- m -->", "sim-user");
    say("second <!-- m -->", "sim-user");
    let found = world.github.find_comment(&world.repo, 1, "<!-- m -->").await.unwrap().unwrap();
    assert_eq!(found.id, first);
}

#[tokio::test]
async fn pull_requests_are_opened_once() {
    let world = World::start().await;
    world.branch("pullwright/1").await;
    let new = |head: &str| NewPullRequest {
        title: "Fix".to_owned(),
        body: "Body".to_owned(),
        head: head.to_owned(),
        base: "main".to_owned(),
        draft: true,
    };
    assert_eq!(world.github.find_pull_request(&world.repo, "pullwright/1").await, Ok(None));
    let made = world.github.create_pull_request(&world.repo, &new("pullwright/1")).await.unwrap();
    assert_eq!(made.url, format!("{}/acme/api/pull/{}", world.sim.url, made.number));
    let again = world.github.create_pull_request(&world.repo, &new("pullwright/1")).await;
    assert_eq!(again, Err(ForgeError::AlreadyExists));
    let found = world.github.find_pull_request(&world.repo, "pullwright/1").await;
    assert_eq!(found, Ok(Some(made.clone())));
    assert_eq!(world.github.find_pull_request(&world.repo, "pullwright").await, Ok(None));
    let absent = world.github.create_pull_request(&world.repo, &new("absent")).await.unwrap_err();
    let expected = "Validation Failed: head is invalid".to_owned();
    assert_eq!(absent, ForgeError::Refused { status: 422, message: expected });
    let same = world.github.create_pull_request(&world.repo, &new("main")).await.unwrap_err();
    assert!(matches!(same, ForgeError::Refused { message, .. } if message.contains("No commits between")));
    let pulls = world.sim.pulls("acme", "api");
    assert_eq!((pulls.len(), pulls[0].pull.as_ref().unwrap().draft), (1, true));
}

#[tokio::test]
async fn an_open_pull_request_is_edited_labelled_and_given_reviewers() {
    let world = World::start().await;
    world.branch("work").await;
    world.sim.add_user("maintainer", "acme", "api", Permission::Write).unwrap();
    let (title, body) = ("Fix".to_owned(), "Old".to_owned());
    let new = NewPullRequest { title, body, head: "work".into(), base: "main".into(), draft: true };
    let number = world.github.create_pull_request(&world.repo, &new).await.unwrap().number;
    let (bot, people) = (["bot".to_owned()], ["maintainer".to_owned()]);
    for _ in 0..2 {
        world.github.edit_pull_request(&world.repo, number, "Fix again", "New").await.unwrap();
        world.github.label_pull_request(&world.repo, number, &bot).await.unwrap();
        world.github.request_reviews(&world.repo, number, &people).await.unwrap();
    }
    let item = world.sim.pulls("acme", "api").remove(0);
    assert_eq!((item.title.as_str(), item.body.as_deref()), ("Fix again", Some("New")));
    let pull = item.pull.unwrap();
    assert_eq!((item.labels, pull.reviewers, pull.draft), (bot.to_vec(), people.to_vec(), true));
    let nobody = world.github.request_reviews(&world.repo, number, &["nobody".to_owned()]).await;
    assert!(matches!(nobody, Err(ForgeError::Refused { status: 422, .. })), "{nobody:?}");
    let missing = world.github.edit_pull_request(&world.repo, 99, "x", "x").await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
    let internal = world.github.create_internal_comment(&world.repo, number, "x").await;
    assert!(matches!(internal, Err(ForgeError::Unsupported { .. })), "{internal:?}");
}

#[tokio::test]
async fn a_token_sets_commit_statuses() {
    let world = World::start().await;
    let head = world.head("main").await;
    for (state, word) in [
        (CheckState::Pending, "pending"),
        (CheckState::Success, "success"),
        (CheckState::Neutral, "success"),
        (CheckState::Failure, "failure"),
    ] {
        let check = Check { name: "pullwright/fix".to_owned(), state, summary: "ü".repeat(200) };
        world.github.set_check(&world.repo, &head, &check).await.unwrap();
        let last = world.sim.statuses("acme", "api").pop().unwrap();
        assert_eq!((last.state.as_str(), last.context.as_str()), (word, "pullwright/fix"));
        assert_eq!(last.description.unwrap().chars().count(), 140);
    }
}

#[tokio::test]
async fn refusals_for_good() {
    let world = World::start().await;
    let wrong = connect(&world.sim.url, token("wrong"));
    assert_eq!(wrong.identity().await, Err(ForgeError::CredentialRefused));
    assert_eq!(wrong.create_comment(&world.repo, 1, "x").await, Err(ForgeError::CredentialRefused));
    world.sim.add_user("reader", "acme", "api", Permission::Read).unwrap();
    world.sim.add_token("reader", "reader-token");
    let reader = connect(&world.sim.url, token("reader-token"));
    let refused = reader.remove_label(&world.repo, 1, "bug").await.unwrap_err();
    let message = "Resource not accessible by personal access token".to_owned();
    assert_eq!(refused, ForgeError::Forbidden { message });
    assert_eq!(reader.repository(&world.repo).await.unwrap().can_push, Some(false));
}

#[tokio::test]
async fn nobody_there() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let url = sim.url.clone();
    sim.shutdown().await;
    let github = connect(&url, token("t"));
    let read = github.repository(&repo("acme/api")).await;
    assert!(matches!(read, Err(ForgeError::Unavailable { .. })), "{read:?}");
    // No connection, so nothing can have happened.
    let write = github.create_comment(&repo("acme/api"), 1, "x").await;
    assert!(matches!(write, Err(ForgeError::Unavailable { .. })), "{write:?}");
}

#[tokio::test]
async fn settings_that_cannot_work() {
    let told = |settings| GitHub::connect(settings).map(|_| ()).unwrap_err().to_string();
    let url = "https://api.github.com".to_owned();
    let key = GitHubAuth::App { id: 1, private_key: "no key".to_owned().into() };
    let message = told(GitHubSettings { url: url.clone(), auth: key, ca_file: None });
    assert_eq!(message, "the App's private key is no RSA key in PEM form");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let ca_file = Some(path.clone());
    let settings = GitHubSettings { url, auth: token("t"), ca_file };
    assert!(told(settings.clone()).contains("cannot be read"));
    std::fs::write(path, "no certificate").unwrap();
    assert!(told(settings).contains("holds no certificate"));
}

#[tokio::test]
async fn tokens_are_not_shown() {
    let world = World::start().await;
    let endpoint = world.github.git(&world.repo).await.unwrap();
    for text in [format!("{:?}", world.github), format!("{endpoint:?}")] {
        assert!(!text.contains("sim-token") && !text.contains("Basic "), "{text}");
    }
    assert_eq!(endpoint.url, format!("{}/acme/api.git", world.sim.url));
}

#[tokio::test]
async fn repositories_that_take_writes_are_listed() {
    let world = World::start().await;
    for number in 0..101 {
        world.sim.create_repo("acme", &format!("r{number:03}"), &[("a", "b")]).await.unwrap();
    }
    world.sim.change_repo("acme", "r000", |r| r.archived = true).unwrap();
    world.sim.add_user("sim-user", "acme", "r001", Permission::Read).unwrap();
    let listed = world.github.repositories(&"github".into()).await.unwrap();
    assert_eq!(listed.len(), 100, "two pages, without the archived one and the one that is read only");
    assert!(listed.contains(&world.repo) && listed.contains(&repo("acme/r100")));
}

#[tokio::test]
async fn files_of_a_folder_at_a_commit() {
    let world = World::start().await;
    let files = [("ops/a.yaml", "a"), ("ops/prompts/fix.md", "fix ü\n"), ("other.yaml", "no")];
    world.sim.commit("acme", "api", "main", &files).await.unwrap();
    let before = world.head("main").await;
    world.sim.commit("acme", "api", "main", &[("ops/a.yaml", "changed")]).await.unwrap();
    let read = world.github.files(&world.repo, &before, "./ops/").await.unwrap();
    let read: Vec<(&str, &[u8])> = read.iter().map(|(path, text)| (path.as_str(), text.as_slice())).collect();
    assert_eq!(read, [("a.yaml", "a".as_bytes()), ("prompts/fix.md", "fix ü\n".as_bytes())]);
    let root = world.github.files(&world.repo, &world.head("main").await, "").await.unwrap();
    assert_eq!(root["ops/a.yaml"], b"changed");
    for none in ["absent", "other.yaml", "ops/../other"] {
        let missing = world.github.files(&world.repo, &before, none).await;
        assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{none}: {missing:?}");
    }
}

#[tokio::test]
async fn a_folder_that_is_too_large_is_refused() {
    let world = World::start().await;
    let large = "x".repeat(3 << 20);
    world.sim.commit("acme", "api", "main", &[("a", &large), ("b", &large)]).await.unwrap();
    let read = world.github.files(&world.repo, &world.head("main").await, "").await;
    assert!(matches!(read, Err(ForgeError::TooLarge { .. })), "{read:?}");
}
