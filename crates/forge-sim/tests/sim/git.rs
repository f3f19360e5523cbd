//! Git smart HTTP with the real git, and what depends on commits.

use std::path::Path;

use super::support::{World, git, git_ok};
use serde_json::json;

fn remote(world: &World, token: &str) -> String {
    format!("{}/acme/api.git", world.sim.url.replace("http://", &format!("http://x-access-token:{token}@")))
}

async fn clone(world: &World, folder: &Path) {
    git_ok(folder, &["clone", "--quiet", &remote(world, "sim-token"), "."]).await;
}

/// Commits one file on a branch and pushes it; returns the commit.
async fn push(folder: &Path, branch: &str, path: &str, text: &str) -> String {
    git_ok(folder, &["checkout", "--quiet", "-B", branch]).await;
    std::fs::write(folder.join(path), text).unwrap();
    git_ok(folder, &["add", "--all"]).await;
    git_ok(folder, &["commit", "--quiet", "-m", "Change"]).await;
    git_ok(folder, &["push", "--quiet", "origin", branch]).await;
    git_ok(folder, &["rev-parse", "HEAD"]).await
}

#[tokio::test]
async fn clone_push_fetch() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    clone(&world, folder.path()).await;
    assert_eq!(std::fs::read_to_string(folder.path().join("README.md")).unwrap(), "hello\n");
    // Larger than git's 1 MiB post buffer, so that the push is chunked.
    let random: String =
        (0..400_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let head = push(folder.path(), "work/one", "big.txt", &random).await;
    assert_eq!(world.sim.branch("acme", "api", "work/one").await, Some(head.clone()));
    assert_eq!(world.get("/repos/acme/api/branches/work/one").await.body["commit"]["sha"], head);
    assert_eq!(world.get("/repos/acme/api/git/ref/heads/work/one").await.body["object"]["sha"], head);
    assert_eq!(world.get("/repos/acme/api/branches/none").await.status, 404);
    for version in ["protocol.version=0", "protocol.version=2"] {
        git_ok(folder.path(), &["-c", version, "fetch", "--quiet", "origin", "main"]).await;
    }
    assert!(world.sim.journal().iter().any(|e| e.path.ends_with("git-receive-pack") && e.done == Some(200)));
}

#[tokio::test]
async fn git_needs_the_credential_and_the_right() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let wrong = git(folder.path(), &["ls-remote", &remote(&world, "wrong")]).await;
    assert!(!wrong.status.success());
    world.sim.add_user("reader", "acme", "api", forge_sim::Permission::Read).unwrap();
    world.sim.add_token("reader", "reader-token");
    clone(&world, folder.path()).await;
    let refused = git(folder.path(), &["push", &remote(&world, "reader-token"), "HEAD:refs/heads/x"]).await;
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("denied to reader"));
    assert_eq!(world.sim.branch("acme", "api", "x").await, None);
}

#[tokio::test]
async fn pull_requests() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    clone(&world, folder.path()).await;
    push(folder.path(), "work", "new file.txt", "one\ntwo\n").await;
    git_ok(folder.path(), &["push", "--quiet", "origin", "main:same"]).await;

    let new =
        |head: &str| json!({ "title": "Fix", "head": head, "base": "main", "draft": true, "body": "b" });
    assert_eq!(world.post("/repos/acme/api/pulls", new("absent")).await.body["errors"][0]["field"], "head");
    let empty = world.post("/repos/acme/api/pulls", new("same")).await;
    assert_eq!(empty.body["errors"][0]["message"], "No commits between main and same");
    let made = world.post("/repos/acme/api/pulls", new("work")).await;
    assert_eq!((made.status, &made.body["draft"]), (201, &json!(true)));
    let again = world.post("/repos/acme/api/pulls", new("acme:work")).await;
    assert_eq!(again.status, 422);
    assert_eq!(again.body["errors"][0]["message"], "A pull request already exists for acme:work.");

    let list = world.get("/repos/acme/api/pulls?head=acme:work&state=open").await.body;
    assert_eq!(list[0]["number"], made.body["number"]);
    assert_eq!(world.get("/repos/acme/api/pulls?head=acme:other").await.body, json!([]));
    let number = made.body["number"].as_u64().unwrap();
    let path = format!("/repos/acme/api/pulls/{number}");
    let later = push(folder.path(), "work", "README.md", "changed\n").await;
    let pull = world.get(&path).await.body;
    assert_eq!(pull["head"]["sha"], later);
    assert_eq!((&pull["commits"], &pull["changed_files"]), (&json!(2), &json!(2)));
    let files = world.get(&format!("{path}/files")).await.body;
    assert_eq!((&files[1]["filename"], &files[1]["status"]), (&json!("new file.txt"), &json!("added")));
    assert_eq!(files[1]["patch"], "@@ -0,0 +1,2 @@\n+one\n+two");
    let diff = world
        .client
        .get(format!("{}{path}", world.sim.url))
        .bearer_auth("sim-token")
        .header("accept", "application/vnd.github.diff")
        .send()
        .await
        .unwrap();
    assert!(diff.text().await.unwrap().contains("+changed"));
    assert_eq!(world.get(&format!("/repos/acme/api/issues/{number}")).await.body["draft"], true);
    assert_eq!(world.sim.pulls("acme", "api").len(), 1);
}

#[tokio::test]
async fn statuses_and_checks() {
    let world = World::start().await;
    let head = world.sim.branch("acme", "api", "main").await.unwrap();
    let path = format!("/repos/acme/api/statuses/{head}");
    for state in ["pending", "success"] {
        let made = world.post(&path, json!({ "state": state, "context": "ci" })).await;
        assert_eq!(made.status, 201);
    }
    let long = world.post(&path, json!({ "state": "success", "description": "x".repeat(141) })).await;
    assert_eq!(long.status, 422);
    let nowhere = format!("/repos/acme/api/statuses/{}", "0".repeat(40));
    assert_eq!(world.post(&nowhere, json!({ "state": "success" })).await.status, 422);
    let sum = world.get("/repos/acme/api/commits/main/status").await.body;
    assert_eq!((&sum["state"], &sum["total_count"]), (&json!("success"), &json!(1)));
    assert_eq!(
        world.get(&format!("/repos/acme/api/commits/{head}/statuses")).await.body[1]["state"],
        "pending"
    );
    let refused = world.post("/repos/acme/api/check-runs", json!({ "name": "ci", "head_sha": head })).await;
    let words = refused.body["message"].as_str().unwrap();
    assert_eq!((refused.status, words), (403, "You must authenticate via a GitHub App."));
}

#[tokio::test]
async fn a_folder_or_a_repository_is_imported() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "a").unwrap();
    world.sim.import_repo("acme", "plain", folder.path()).await.unwrap();
    assert!(world.sim.branch("acme", "plain", "main").await.is_some());
    git_ok(folder.path(), &["init", "--quiet", "--initial-branch=trunk"]).await;
    git_ok(folder.path(), &["add", "--all"]).await;
    git_ok(folder.path(), &["commit", "--quiet", "-m", "One"]).await;
    world.sim.import_repo("acme", "real", folder.path()).await.unwrap();
    assert_eq!(world.get("/repos/acme/real").await.body["default_branch"], "trunk");
}
