//! Every method, when nothing goes wrong, and what a forge refuses for good.

use forge::gitlab::{GitLab, GitLabSettings};
use forge::{Check, CheckState, Forge, ForgeError, NewPullRequest, ReactionTarget};
use forge_sim::{Sim, SimOptions};
use schemas::automation::Permission;
use secrecy::ExposeSecret;

use super::support::{PROJECT, World, connect, git_ok, repo};

#[tokio::test]
async fn identity_of_a_token() {
    let world = World::start().await;
    let us = world.gitlab.identity().await.unwrap();
    assert_eq!((us.login.as_str(), us.machine), ("sim-user", false));
    assert_eq!(us.grants, Some(vec!["api".to_owned()]));
    assert!(us.clock.is_some());
    world.there().add_token("project_12_bot_0c62a1", "bot-token");
    assert!(connect(&world.sim.url, "bot-token").identity().await.unwrap().machine);
    // A token that may not look at itself is still one.
    world.fault("GET", "*/personal_access_tokens/self", forge_sim::Fault::Status { status: 403 });
    assert_eq!(world.gitlab.identity().await.unwrap().grants, None);
}

#[tokio::test]
async fn facts_of_a_project() {
    let world = World::start().await;
    let facts = world.gitlab.repository(&world.repo).await.unwrap();
    assert_eq!((facts.default_branch.as_str(), facts.archived, facts.can_push), ("main", false, Some(true)));
    world.there().change(PROJECT, |p| p.archived = true).unwrap();
    assert!(world.gitlab.repository(&world.repo).await.unwrap().archived);
    world.there().set_member(PROJECT, "sim-user", 20).unwrap();
    assert_eq!(world.gitlab.repository(&world.repo).await.unwrap().can_push, Some(false));
    let missing = world.gitlab.repository(&repo("acme/none")).await.unwrap_err();
    assert_eq!(missing, ForgeError::NotFound { what: "the project gitlab/acme/none".to_owned() });
}

#[tokio::test]
async fn heads_of_branches() {
    let world = World::start().await;
    let made = world.branch("pullwright/1#ü").await;
    assert_eq!(world.gitlab.branch_head(&world.repo, "main").await, Ok(Some(world.head().await)));
    assert_eq!(world.gitlab.branch_head(&world.repo, "pullwright/1#ü").await, Ok(Some(made)));
    for none in ["absent", "pullwright", "a//b", "../../user", "a\\..\\..\\..", ""] {
        assert_eq!(world.gitlab.branch_head(&world.repo, none).await, Ok(None), "{none}");
    }
    let missing = world.gitlab.branch_head(&repo("acme/none"), "main").await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn access_levels_are_permissions() {
    let world = World::start().await;
    for (level, expected) in [
        (5, Permission::None),
        (10, Permission::Read),
        (15, Permission::Triage),
        (20, Permission::Triage),
        (30, Permission::Write),
        (40, Permission::Maintain),
        (50, Permission::Admin),
    ] {
        world.there().set_member(PROJECT, "Ana", level).unwrap();
        assert_eq!(world.gitlab.permission(&world.repo, "ana").await, Ok(expected), "{level}");
    }
    world.there().set_member(PROJECT, "ana", 0).unwrap();
    let long = "x".repeat(300);
    for nobody in ["ana", "nobody", "../../user", "", "a&admins=true", &long] {
        assert_eq!(world.gitlab.permission(&world.repo, nobody).await, Ok(Permission::None), "{nobody}");
    }
    world.there().change(PROJECT, |p| p.visibility = "public".into()).unwrap();
    assert_eq!(world.gitlab.permission(&world.repo, "ana").await, Ok(Permission::Read));
    assert_eq!(world.gitlab.permission(&world.repo, "nobody").await, Ok(Permission::None));
    let missing = world.gitlab.permission(&repo("acme/none"), "ana").await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn reactions_are_idempotent() {
    let world = World::start().await;
    let note = world.gitlab.create_comment(&world.repo, 1, "/agent\ndo it").await.unwrap();
    for _ in 0..2 {
        world.gitlab.react(&world.repo, ReactionTarget::Item(1)).await.unwrap();
        let target = ReactionTarget::Comment { number: 1, id: note.id };
        world.gitlab.react(&world.repo, target).await.unwrap();
    }
    let issue = world.issue();
    assert_eq!((issue.awards.len(), issue.awards[0].name.as_str()), (1, "eyes"));
    assert_eq!(issue.notes[0].awards.len(), 1);
    let missing = world.gitlab.react(&world.repo, ReactionTarget::Item(99)).await.unwrap_err();
    assert_eq!(missing, ForgeError::NotFound { what: format!("gitlab/{PROJECT}#99") });
}

#[tokio::test]
async fn labels_come_off() {
    let world = World::start().await;
    for _ in 0..2 {
        world.gitlab.remove_label(&world.repo, 1, "agent:fix").await.unwrap();
    }
    assert_eq!(world.issue().labels, ["bug"]);
    let missing = world.gitlab.remove_label(&world.repo, 99, "bug").await.unwrap_err();
    assert_eq!(missing, ForgeError::NotFound { what: format!("gitlab/{PROJECT}#99") });
    // Two labels in one text, and none.
    for odd in ["x,bug", "", "  "] {
        world.gitlab.remove_label(&world.repo, 1, odd).await.unwrap();
    }
    assert_eq!(world.issue().labels, ["bug"]);
}

#[tokio::test]
async fn comments_are_made_edited_and_found() {
    let world = World::start().await;
    let made = world.gitlab.create_comment(&world.repo, 1, "one <!-- m -->").await.unwrap();
    assert_eq!(made.url, format!("{}/{PROJECT}/-/issues/1#note_{}", world.sim.url, made.id));
    world.gitlab.edit_comment(&world.repo, &made, "two <!-- m -->").await.unwrap();
    assert_eq!(world.notes(), ["two <!-- m -->"]);
    assert_eq!(world.gitlab.find_comment(&world.repo, 1, "<!-- m -->").await, Ok(Some(made.clone())));
    assert_eq!(world.gitlab.find_comment(&world.repo, 1, "<!-- x -->").await, Ok(None));
    world.there().change(PROJECT, |p| p.issues.get_mut(&1).unwrap().notes.clear()).unwrap();
    let gone = world.gitlab.edit_comment(&world.repo, &made, "three").await;
    assert!(matches!(gone, Err(ForgeError::NotFound { .. })), "{gone:?}");
}

#[tokio::test]
async fn nothing_we_write_is_a_command() {
    let world = World::start().await;
    let made =
        world.gitlab.create_comment(&world.repo, 1, "It said:\n/close\n\r/label ~x\nend").await.unwrap();
    assert_eq!(world.notes(), ["It said:\n /close\n /label ~x\nend"]);
    world.gitlab.edit_comment(&world.repo, &made, "/close").await.unwrap();
    world.branch("work").await;
    let (title, body) = ("Fix".to_owned(), "/merge\nplease".to_owned());
    let new = NewPullRequest { title, body, head: "work".into(), base: "main".into(), draft: false };
    world.gitlab.create_pull_request(&world.repo, &new).await.unwrap();
    let project = world.project();
    assert_eq!((world.issue().state.as_str(), world.issue().commands.len()), ("opened", 0));
    assert!(project.merge_requests[&1].commands.is_empty());
}

#[tokio::test]
async fn our_comment_is_found_among_many() {
    let world = World::start().await;
    world.there().add_token("mallory", "mallory");
    world.there().set_member(PROJECT, "mallory", 10).unwrap();
    let mallory = connect(&world.sim.url, "mallory");
    // Somebody who knows the marker said it before us.
    mallory.create_comment(&world.repo, 1, "mine! <!-- m -->").await.unwrap();
    for n in 0..120 {
        mallory.create_comment(&world.repo, 1, &format!("comment {n}")).await.unwrap();
    }
    let first = world.gitlab.create_comment(&world.repo, 1, "first <!-- m -->").await.unwrap();
    world.gitlab.create_comment(&world.repo, 1, "second <!-- m -->").await.unwrap();
    let found = world.gitlab.find_comment(&world.repo, 1, "<!-- m -->").await.unwrap();
    assert_eq!(found, Some(first));
}

#[tokio::test]
async fn merge_requests_are_opened_once() {
    let world = World::start().await;
    world.branch("pullwright/1").await;
    let new = |head: &str| NewPullRequest {
        title: "Fix".to_owned(),
        body: "Body".to_owned(),
        head: head.to_owned(),
        base: "main".to_owned(),
        draft: true,
    };
    assert_eq!(world.gitlab.find_pull_request(&world.repo, "pullwright/1").await, Ok(None));
    let made = world.gitlab.create_pull_request(&world.repo, &new("pullwright/1")).await.unwrap();
    assert_eq!(made.url, format!("{}/{PROJECT}/-/merge_requests/1", world.sim.url));
    let again = world.gitlab.create_pull_request(&world.repo, &new("pullwright/1")).await;
    assert_eq!(again, Err(ForgeError::AlreadyExists));
    let found = world.gitlab.find_pull_request(&world.repo, "pullwright/1").await;
    assert_eq!(found, Ok(Some(made)));
    assert_eq!(world.gitlab.find_pull_request(&world.repo, "pullwright").await, Ok(None));
    let absent = world.gitlab.create_pull_request(&world.repo, &new("absent")).await.unwrap_err();
    let expected = "validate_branches Source branch does not exist".to_owned();
    assert_eq!(absent, ForgeError::Refused { status: 400, message: expected });
    let project = world.project();
    assert_eq!(project.merge_requests.len(), 1);
    assert_eq!(project.merge_requests[&1].title, "Draft: Fix");
}

/// A fork's branch of the same name is another one.
#[tokio::test]
async fn a_forks_merge_request_is_not_ours() {
    let world = World::start().await;
    world.branch("work").await;
    let (title, body) = ("Fix".to_owned(), String::new());
    let new = NewPullRequest { title, body, head: "work".into(), base: "main".into(), draft: false };
    world.gitlab.create_pull_request(&world.repo, &new).await.unwrap();
    let foreign = |p: &mut forge_sim::gitlab::model::Project| {
        p.merge_requests.get_mut(&1).unwrap().change.as_mut().unwrap().source_project = 999;
    };
    world.there().change(PROJECT, foreign).unwrap();
    assert_eq!(world.gitlab.find_pull_request(&world.repo, "work").await, Ok(None));
}

/// Issue 1 and merge request 1 are two things.
#[tokio::test]
async fn merge_requests_have_numbers_of_their_own() {
    let world = World::start().await;
    world.branch("work").await;
    let (title, body) = ("Fix".to_owned(), String::new());
    let new = NewPullRequest { title, body, head: "work".into(), base: "main".into(), draft: false };
    let made = world.gitlab.create_pull_request(&world.repo, &new).await.unwrap();
    assert_eq!(made.number, 1);
    let labels = |p: &mut forge_sim::gitlab::model::Project| {
        p.merge_requests.get_mut(&1).unwrap().labels = vec!["bug".into()];
    };
    world.there().change(PROJECT, labels).unwrap();
    let there = &world.merge_requests;
    let note = there.create_comment(&world.repo, 1, "hello <!-- m -->").await.unwrap();
    assert_eq!(note.url, format!("{}/{PROJECT}/-/merge_requests/1#note_{}", world.sim.url, note.id));
    there.react(&world.repo, ReactionTarget::Item(1)).await.unwrap();
    there.react(&world.repo, ReactionTarget::Comment { number: 1, id: note.id }).await.unwrap();
    there.remove_label(&world.repo, 1, "bug").await.unwrap();
    assert_eq!(there.find_comment(&world.repo, 1, "<!-- m -->").await, Ok(Some(note.clone())));
    // Its address says what it belongs to, whoever edits it.
    world.gitlab.edit_comment(&world.repo, &note, "edited <!-- m -->").await.unwrap();
    assert_eq!(world.gitlab.find_comment(&world.repo, 1, "<!-- m -->").await, Ok(None));
    let item = world.project().merge_requests[&1].clone();
    assert_eq!(item.notes[0].body, "edited <!-- m -->");
    assert_eq!((item.awards.len(), item.notes[0].awards.len(), item.labels.len()), (1, 1, 0));
    assert!(world.issue().notes.is_empty() && world.issue().awards.is_empty());
    assert_eq!(world.issue().labels.len(), 2);
}

#[tokio::test]
async fn an_open_merge_request_is_edited_labelled_and_given_reviewers() {
    let world = World::start().await;
    world.branch("work").await;
    let (ana, bo) = (world.there().add_token("ana", "a").id, world.there().add_token("bo", "b").id);
    let (title, body) = ("Fix".to_owned(), "Old".to_owned());
    let new = NewPullRequest { title, body, head: "work".into(), base: "main".into(), draft: true };
    world.gitlab.create_pull_request(&world.repo, &new).await.unwrap();
    world.gitlab.request_reviews(&world.repo, 1, &["ana".to_owned()]).await.unwrap();
    for _ in 0..2 {
        world.gitlab.edit_pull_request(&world.repo, 1, "Fix again", "New\n/merge").await.unwrap();
        world.gitlab.label_pull_request(&world.repo, 1, &["bot".to_owned(), "fix".to_owned()]).await.unwrap();
        world.gitlab.request_reviews(&world.repo, 1, &["Bo".to_owned()]).await.unwrap();
    }
    let item = world.project().merge_requests[&1].clone();
    assert_eq!((item.title.as_str(), item.description.as_str()), ("Draft: Fix again", "New\n /merge"));
    assert_eq!((item.labels, item.commands), (vec!["bot".to_owned(), "fix".to_owned()], Vec::new()));
    assert_eq!(item.reviewers, [ana.min(bo), ana.max(bo)]);
    let ready = |p: &mut forge_sim::gitlab::model::Project| {
        p.merge_requests.get_mut(&1).unwrap().title = "Fix".into();
    };
    world.there().change(PROJECT, ready).unwrap();
    world.gitlab.edit_pull_request(&world.repo, 1, "Fix at last", "").await.unwrap();
    assert_eq!(world.project().merge_requests[&1].title, "Fix at last");
    let nobody = world.gitlab.request_reviews(&world.repo, 1, &["nobody".to_owned()]).await;
    assert!(matches!(nobody, Err(ForgeError::Refused { .. })), "{nobody:?}");
    let missing = world.gitlab.edit_pull_request(&world.repo, 9, "x", "x").await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn internal_notes_are_for_members() {
    let world = World::start().await;
    let note = world.gitlab.create_internal_comment(&world.repo, 1, "secret <!-- m -->").await.unwrap();
    world.gitlab.create_comment(&world.repo, 1, "for all").await.unwrap();
    let internal: Vec<bool> = world.issue().notes.iter().map(|note| note.internal).collect();
    assert_eq!(internal, [true, false]);
    assert_eq!(world.gitlab.find_comment(&world.repo, 1, "<!-- m -->").await, Ok(Some(note)));
}

#[tokio::test]
async fn commit_statuses() {
    let world = World::start().await;
    let head = world.head().await;
    for (state, word) in [
        (CheckState::Pending, "running"),
        (CheckState::Pending, "running"),
        (CheckState::Success, "success"),
        (CheckState::Neutral, "success"),
        (CheckState::Pending, "running"),
        (CheckState::Failure, "failed"),
    ] {
        let check = Check { name: "pullwright/fix".to_owned(), state, summary: "ü".repeat(200) };
        world.gitlab.set_check(&world.repo, &head, &check).await.unwrap();
        let last = world.project().statuses.pop().unwrap();
        assert_eq!((last.status.as_str(), last.name.as_str()), (word, "pullwright/fix"));
        assert_eq!(last.description.unwrap().chars().count(), 127);
    }
    let check = Check { name: "c".to_owned(), state: CheckState::Success, summary: String::new() };
    let missing = world.gitlab.set_check(&world.repo, &schemas::Oid::zero(), &check).await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn git_reaches_the_project() {
    let world = World::start().await;
    let endpoint = world.gitlab.git(&world.repo).await.unwrap();
    assert_eq!(endpoint.url, format!("{}/{PROJECT}.git", world.sim.url));
    let folder = tempfile::tempdir().unwrap();
    let header = format!("http.extraHeader=Authorization: {}", endpoint.authorization.expose_secret());
    git_ok(folder.path(), &["-c", &header, "clone", "--quiet", &endpoint.url, "api"]).await;
    let clone = folder.path().join("api");
    std::fs::write(clone.join("new.txt"), "new").unwrap();
    git_ok(&clone, &["add", "."]).await;
    git_ok(&clone, &["commit", "--quiet", "-m", "New"]).await;
    git_ok(&clone, &["-c", &header, "push", "--quiet", "origin", "HEAD:refs/heads/work"]).await;
    let pushed: schemas::Oid = git_ok(&clone, &["rev-parse", "HEAD"]).await.parse().unwrap();
    assert_eq!(world.gitlab.branch_head(&world.repo, "work").await, Ok(Some(pushed)));
    for text in [format!("{:?}", world.gitlab), format!("{endpoint:?}")] {
        assert!(!text.contains("sim-token") && !text.contains("Basic "), "{text}");
    }
}

#[tokio::test]
async fn refusals_for_good() {
    let world = World::start().await;
    let wrong = connect(&world.sim.url, "wrong");
    assert_eq!(wrong.identity().await, Err(ForgeError::CredentialRefused));
    assert_eq!(wrong.create_comment(&world.repo, 1, "x").await, Err(ForgeError::CredentialRefused));
    world.there().add_token("guest", "guest-token");
    world.there().set_member(PROJECT, "guest", 10).unwrap();
    let guest = connect(&world.sim.url, "guest-token");
    let refused = guest.remove_label(&world.repo, 1, "bug").await.unwrap_err();
    assert_eq!(refused, ForgeError::Forbidden { message: "403 Forbidden".to_owned() });
}

#[tokio::test]
async fn nobody_there() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let url = sim.url.clone();
    sim.shutdown().await;
    let gitlab = connect(&url, "t");
    let read = gitlab.repository(&repo("acme/api")).await;
    assert!(matches!(read, Err(ForgeError::Unavailable { .. })), "{read:?}");
    // No connection, so nothing can have happened.
    let write = gitlab.create_comment(&repo("acme/api"), 1, "x").await;
    assert!(matches!(write, Err(ForgeError::Unavailable { .. })), "{write:?}");
}

#[tokio::test]
async fn settings_that_cannot_work() {
    let told = |settings| GitLab::connect(settings).map(|_| ()).unwrap_err().to_string();
    let url = "https://gitlab.com".to_owned();
    let bad = GitLabSettings { url: url.clone(), token: "a\nb".to_owned().into(), ca_file: None };
    assert_eq!(told(bad), "the token holds characters that no token has");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let settings = GitLabSettings { url, token: "t".to_owned().into(), ca_file: Some(path.clone()) };
    assert!(told(settings.clone()).contains("cannot be read"));
    std::fs::write(path, "no certificate").unwrap();
    assert!(told(settings).contains("holds no certificate"));
}

#[tokio::test]
async fn projects_that_take_writes_are_listed() {
    let world = World::start().await;
    for number in 0..60 {
        world.there().create_project(&format!("acme/p{number:02}"), "sim-user", &[("a", "b")]).await.unwrap();
    }
    world.there().change("acme/p00", |p| p.archived = true).unwrap();
    world.there().set_member("acme/p01", "sim-user", 20).unwrap();
    let listed = world.gitlab.repositories(&"gitlab".into()).await.unwrap();
    assert_eq!(listed.len(), 59, "two pages, without the archived one and the one that is read only");
    assert!(listed.contains(&world.repo) && listed.contains(&repo("acme/p59")));
}

#[tokio::test]
async fn files_of_a_folder_at_a_commit() {
    let world = World::start().await;
    let mut files: Vec<(String, String)> =
        (0..60).map(|n| (format!("ops/{n:02}.yaml"), n.to_string())).collect();
    files.push(("ops/prompts/fix me.md".to_owned(), "fix ü\n".to_owned()));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    world.there().create_project("acme/ops", "sim-user", &files).await.unwrap();
    let ops = repo("acme/ops");
    let head = world.gitlab.branch_head(&ops, "main").await.unwrap().unwrap();
    let read = world.gitlab.files(&ops, &head, "/ops").await.unwrap();
    assert_eq!(read.len(), 61, "two pages");
    assert_eq!(
        (read["59.yaml"].as_slice(), read["prompts/fix me.md"].as_slice()),
        ("59".as_bytes(), "fix ü\n".as_bytes())
    );
    let missing = world.gitlab.files(&ops, &head, "absent").await;
    assert!(matches!(missing, Err(ForgeError::NotFound { .. })), "{missing:?}");
}
