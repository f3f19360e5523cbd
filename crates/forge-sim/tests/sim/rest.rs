//! The REST interface, from outside.

use super::support::World;
use forge_sim::{Fault, FaultOrder, Permission};
use serde_json::{Value, json};

#[tokio::test]
async fn an_issue_lives() {
    let world = World::start().await;
    let made = world.post("/repos/acme/api/issues", json!({ "title": "It breaks", "labels": ["bug"] })).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.body["number"], 1);
    assert_eq!(made.body["labels"][0]["name"], "bug");
    assert_eq!(made.body["html_url"], format!("{}/acme/api/issues/1", world.sim.url));

    let added = world.post("/repos/acme/api/issues/1/labels", json!({ "labels": ["agent:fix"] })).await;
    assert_eq!(added.status, 200);
    assert_eq!(added.body.as_array().unwrap().len(), 2);
    assert_eq!(world.delete("/repos/acme/api/issues/1/labels/agent:fix").await.status, 200);
    let gone = world.delete("/repos/acme/api/issues/1/labels/agent:fix").await;
    assert_eq!((gone.status, gone.body["message"].as_str()), (404, Some("Label does not exist")));

    let eyes = json!({ "content": "eyes" });
    assert_eq!(world.post("/repos/acme/api/issues/1/reactions", eyes.clone()).await.status, 201);
    assert_eq!(world.post("/repos/acme/api/issues/1/reactions", eyes).await.status, 200);

    let closed = world.patch("/repos/acme/api/issues/1", json!({ "state": "closed" })).await;
    assert_eq!(closed.body["state"], "closed");
    assert_eq!(world.get("/repos/acme/api/issues").await.body, json!([]));
    assert_eq!(world.sim.issue("acme", "api", 1).unwrap().labels, ["bug"]);
}

#[tokio::test]
async fn comments_page_and_have_a_limit() {
    let world = World::start().await;
    world.post("/repos/acme/api/issues", json!({ "title": "Many" })).await;
    for n in 0..5 {
        let made = world.post("/repos/acme/api/issues/1/comments", json!({ "body": format!("c{n}") })).await;
        assert_eq!(made.status, 201);
    }
    let page = world.get("/api/v3/repos/acme/api/issues/1/comments?per_page=2&page=2").await;
    assert_eq!(page.body[0]["body"], "c2");
    let link = page.headers["link"].to_str().unwrap();
    let root = format!(
        "<{}/api/v3/repos/acme/api/issues/1/comments?per_page=2&page=3>; rel=\"next\"",
        world.sim.url
    );
    assert!(link.contains(&root), "{link}");
    assert!(link.contains("rel=\"last\"") && link.contains("rel=\"prev\""), "{link}");

    let long = world.post("/repos/acme/api/issues/1/comments", json!({ "body": "x".repeat(65_537) })).await;
    assert_eq!(long.status, 422);
    let id = page.body[0]["id"].as_u64().unwrap();
    let path = format!("/repos/acme/api/issues/comments/{id}");
    assert_eq!(world.patch(&path, json!({ "body": "edited" })).await.body["body"], "edited");
    assert_eq!(world.delete(&path).await.status, 204);
    assert_eq!(world.patch(&path, json!({ "body": "again" })).await.status, 404);
}

#[tokio::test]
async fn credentials_decide() {
    let world = World::start().await;
    let none = world.client.get(format!("{}/user", world.sim.url)).send().await.unwrap();
    assert_eq!(none.status(), 401);
    assert_eq!(none.json::<Value>().await.unwrap()["message"], "Requires authentication");
    let wrong = world.client.get(format!("{}/user", world.sim.url)).bearer_auth("nope").send().await.unwrap();
    assert_eq!(wrong.json::<Value>().await.unwrap()["message"], "Bad credentials");
    let me = world.get("/user").await;
    assert_eq!(me.body["login"], "sim-user");
    assert_eq!(me.headers["x-oauth-scopes"], "repo");
    assert!(me.headers.contains_key("date") && me.headers.contains_key("x-ratelimit-remaining"));

    // A reader may comment, but neither label nor set statuses.
    world.sim.add_user("reader", "acme", "api", Permission::Read).unwrap();
    world.sim.add_token("reader", "reader-token");
    world.post("/repos/acme/api/issues", json!({ "title": "One" })).await;
    let reader = world.with_token("reader-token");
    assert_eq!(reader.post("/repos/acme/api/issues/1/comments", json!({ "body": "hi" })).await.status, 201);
    assert_eq!(reader.post("/repos/acme/api/issues/1/labels", json!({ "labels": ["x"] })).await.status, 403);

    // A private repository does not exist for others.
    world.sim.create_repo("acme", "secret", &[("a", "b")]).await.unwrap();
    world.sim.change_repo("acme", "secret", |r| r.private = true).unwrap();
    assert_eq!(reader.get("/repos/acme/secret").await.status, 404);
    assert_eq!(world.get("/repos/acme/secret").await.status, 200);
}

#[tokio::test]
async fn permissions_in_githubs_words() {
    let world = World::start().await;
    for (permission, old, role) in [
        (Permission::Read, "read", "read"),
        (Permission::Triage, "read", "triage"),
        (Permission::Write, "write", "write"),
        (Permission::Maintain, "write", "maintain"),
        (Permission::Admin, "admin", "admin"),
    ] {
        world.sim.add_user("octocat", "acme", "api", permission).unwrap();
        let answer = world.get("/repos/acme/api/collaborators/Octocat/permission").await;
        assert_eq!(answer.body["permission"], old);
        assert_eq!(answer.body["role_name"], role);
    }
    assert_eq!(world.get("/repos/acme/api/collaborators/nobody/permission").await.status, 404);
}

#[tokio::test]
async fn faults_happen_as_ordered_and_are_journaled() {
    let world = World::start().await;
    world.post("/repos/acme/api/issues", json!({ "title": "One" })).await;
    let comments = "/repos/acme/api/issues/1/comments";
    let order = |fault| FaultOrder::once("POST", "*/comments", fault);
    let count = || world.sim.issue("acme", "api", 1).unwrap().comments.len();

    world.sim.fault(order(Fault::Status { status: 500 })).unwrap();
    assert_eq!(world.post(comments, json!({ "body": "a" })).await.status, 500);
    assert_eq!(count(), 0);
    world.sim.fault(order(Fault::CommitThenStatus { status: 502 })).unwrap();
    assert_eq!(world.post(comments, json!({ "body": "b" })).await.status, 502);
    assert_eq!(count(), 1);
    world.sim.fault(order(Fault::CommitThenReset)).unwrap();
    assert!(world.try_post(comments, json!({ "body": "c" })).await.is_err());
    assert_eq!(count(), 2);
    world.sim.fault(order(Fault::Reset)).unwrap();
    assert!(world.try_post(comments, json!({ "body": "d" })).await.is_err());
    assert_eq!(count(), 2);
    let limited = Fault::RateLimited { retry_after: Some(7), status: 429 };
    world.sim.fault(order(limited)).unwrap();
    let answer = world.post(comments, json!({ "body": "e" })).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.headers["retry-after"], "7");
    assert_eq!(answer.headers["x-ratelimit-remaining"], "0");
    world.sim.fault(order(Fault::Secondary { retry_after: None })).unwrap();
    let answer = world.post(comments, json!({ "body": "f" })).await;
    assert!(answer.body["message"].as_str().unwrap().contains("secondary rate limit"));
    assert_eq!(world.post(comments, json!({ "body": "g" })).await.status, 201);

    let lag = FaultOrder::once("GET", "*/comments", Fault::ListLag { ms: 3_600_000 });
    world.sim.fault(lag).unwrap();
    assert_eq!(world.get(comments).await.body, json!([]));
    assert_eq!(world.get(comments).await.body.as_array().unwrap().len(), 3);

    let journal = world.sim.journal();
    let seen: Vec<_> = journal.iter().skip(1).map(|e| (e.done, e.answered)).collect();
    let expected = [
        (None, Some(500)),
        (Some(201), Some(502)),
        (Some(201), None),
        (None, None),
        (None, Some(429)),
        (None, Some(403)),
        (Some(201), Some(201)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(journal[2].body, Some(json!({ "body": "b" })));
    assert_eq!(journal[2].login.as_deref(), Some("sim-user"));
}

#[tokio::test]
async fn controls_work_over_http() {
    let world = World::start().await;
    let repo = json!({ "owner": "acme", "name": "web", "files": { "src/main.rs": "fn main() {}\n" } });
    assert_eq!(world.post("/_sim/repos", repo.clone()).await.status, 201);
    assert_eq!(world.post("/_sim/repos", repo).await.status, 422);
    let escape = json!({ "owner": "acme", "name": "evil", "files": { "../../x": "" } });
    assert_eq!(world.post("/_sim/repos", escape).await.status, 422);
    assert_eq!(world.post("/_sim/repos", json!({ "owner": "..", "name": "x" })).await.status, 422);
    let user = json!({ "login": "octocat", "permissions": { "acme/web": "maintain" } });
    assert_eq!(world.post("/_sim/users", user).await.status, 201);
    let issue =
        json!({ "repository": "acme/web", "login": "octocat", "title": "<b>Hi</b>", "labels": ["x"] });
    assert_eq!(world.post("/_sim/issues", issue).await.status, 201);
    let fault = json!({ "path": "/user", "fault": { "kind": "delay_ms", "ms": 1 } });
    assert_eq!(world.post("/_sim/faults", fault).await.status, 204);
    let unknown = json!({ "fault": { "kind": "meteor" } });
    assert_eq!(world.post("/_sim/faults", unknown).await.status, 422);

    let state = world.get("/_sim/state").await.body;
    let web = &state["repositories"]["acme/web"];
    assert_eq!(web["items"]["1"]["labels"], json!(["x"]));
    assert_eq!(web["permissions"]["octocat"], "maintain");
    assert_eq!(web["branches"]["main"].as_str().unwrap().len(), 40);
    assert_eq!(state["faults"][0]["fault"]["kind"], "delay_ms");

    let page = world.client.get(format!("{}/acme/web/issues/1", world.sim.url)).send().await.unwrap();
    let html = page.text().await.unwrap();
    assert!(html.contains("&lt;b&gt;Hi&lt;/b&gt;") && !html.contains("<b>Hi"));
}
