//! The GitLab next door, as any client of its API sees it.

use serde_json::json;

use super::support::{World, git};

const ISSUE: &str = "/api/v4/projects/acme%2Fapi/issues/1";

async fn world() -> World {
    let world = World::start().await;
    let project = json!({ "path": "acme/api", "owner": "sim-user", "files": { "README.md": "lab\n" } });
    assert_eq!(world.post("/_sim/gitlab/projects", project).await.status, 201);
    let issue = json!({ "project": "acme/api", "username": "ana", "title": "It breaks", "labels": ["bug"] });
    assert_eq!(world.post("/_sim/gitlab/issues", issue).await.status, 201);
    world
}

#[tokio::test]
async fn commands_in_notes_are_carried_out() {
    let world = world().await;
    let only = world.post(&format!("{ISSUE}/notes"), json!({ "body": "/close" })).await;
    assert_eq!((only.status, only.body["id"].as_u64()), (202, None));
    assert_eq!(world.get(ISSUE).await.body["state"], "closed");
    let text = json!({ "body": "again\n\r/reopen\n /close" });
    let note = world.post(&format!("{ISSUE}/notes"), text).await;
    assert_eq!((note.status, note.body["body"].as_str()), (201, Some("again\n /close")));
    assert_eq!(world.get(ISSUE).await.body["state"], "opened");
}

#[tokio::test]
async fn what_is_hidden_is_not_there() {
    let world = world().await;
    let stranger = json!({ "username": "eve", "token": "eve-token" });
    world.post("/_sim/gitlab/users", stranger).await;
    let eve = world.with_token("eve-token");
    let hidden = eve.get("/api/v4/projects/acme%2Fapi").await;
    assert_eq!((hidden.status, hidden.body), (404, json!({ "message": "404 Project Not Found" })));
    let nobody = world.with_token("wrong").get("/api/v4/user").await;
    assert_eq!((nobody.status, nobody.body), (401, json!({ "message": "401 Unauthorized" })));
    assert_eq!(world.get("/api/v4/nothing").await.status, 404);
}

#[tokio::test]
async fn lists_have_pages() {
    let world = world().await;
    for n in 0..30 {
        world.post(&format!("{ISSUE}/notes"), json!({ "body": n.to_string() })).await;
    }
    let first = world.get(&format!("{ISSUE}/notes?sort=asc")).await;
    assert_eq!(first.body.as_array().map(Vec::len), Some(20));
    assert_eq!(
        (first.body[0]["body"].as_str(), first.headers["x-next-page"].to_str().unwrap()),
        (Some("0"), "2")
    );
    let last = world.get(&format!("{ISSUE}/notes?sort=asc&page=2")).await;
    assert_eq!(last.body.as_array().map(Vec::len), Some(10));
    assert_eq!(last.headers["x-next-page"], "");
    let newest = world.get(&format!("{ISSUE}/notes?per_page=1")).await;
    assert_eq!(newest.body[0]["body"], "29");
}

/// Both have an `acme/api`; the credential tells which is meant where it belongs to one alone.
#[tokio::test]
async fn git_serves_the_side_that_knows_the_credential() {
    let world = world().await;
    world
        .post(
            "/_sim/gitlab/users",
            json!({ "username": "lab", "token": "lab-token", "levels": { "acme/api": 30 } }),
        )
        .await;
    world
        .post(
            "/_sim/users",
            json!({ "login": "hub", "token": "hub-token", "permissions": { "acme/api": "write" } }),
        )
        .await;
    let folder = tempfile::tempdir().unwrap();
    for (token, expected) in [("lab-token", "lab\n"), ("hub-token", "hello\n")] {
        let url = world.url.replace("http://", &format!("http://x:{token}@")) + "/acme/api.git";
        let output = git(folder.path(), &["clone", "--quiet", &url, token]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let readme = std::fs::read_to_string(folder.path().join(token).join("README.md")).unwrap();
        assert_eq!(readme, expected);
    }
}
