//! The same Pullwright with its records on a server, which may go away under it.

use std::collections::BTreeSet;

use serde_json::json;
use store::PostgresAddress;

use crate::needs_sandbox;
use crate::server::Server;
use crate::support::{NAME, OWNER, Plan, World, automation};

fn on(plan: Plan, address: &PostgresAddress) -> Plan {
    let url =
        format!("postgres://pullwright:${{env:DB_PASSWORD}}@127.0.0.1:{}/{}", address.port, address.database);
    plan.settings(&format!("database: \"{url}\"")).env("DB_PASSWORD", "test")
}

/// A label that starts nothing but a decision.
fn watching() -> Plan {
    Plan::default().automation(automation("watch", &["true"], "    mode: observe\n")).without_webhook()
}

/// Labels an issue; the delivery's id once it is answered 202.
async fn labelled(world: &World, guid: &str) -> String {
    let issue = world.issue("It greets nobody");
    let body = world.labelled_payload(issue).to_string();
    world.deliver("issues", guid, body.as_bytes()).await.delivery()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_becomes_a_pull_request_with_the_records_on_a_server() {
    needs_sandbox!();
    let Some(server) = Server::find().await else { return };
    let plan = Plan::running(&["echo 'echo hello world' > src/greet.sh"]);
    let world = on(plan, &server.database().await).start().await;
    let issue = world.issue("It greets nobody");
    world.label(issue);
    let run = world.finished(issue).await;
    assert_eq!((&run["outcome"], &run["reason"]["reason"]), (&json!("succeeded"), &json!("published")));
    let pulls = world.sim.pulls(OWNER, NAME);
    assert_eq!((pulls.len(), &json!(pulls[0].number)), (1, &run["pull_request"]));
    assert_eq!(world.our_comments(issue).len(), 1);
    let (status, ready) = world.get("/readyz").await;
    assert_eq!(status, 200, "{ready}");
    assert!(!world.path("data/store.db").exists());
    let printed = [world.logs(), ready].concat();
    assert!(!printed.contains("pullwright:test@"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_start_on_the_same_records_leaves_our_runs_to_us() {
    needs_sandbox!();
    let Some(server) = Server::find().await else { return };
    let address = server.database().await;
    let plan = || on(Plan::running(&["sleep 3", "echo done > result"]), &address);
    let world = plan().start().await;
    let issue = world.labelled_issue();
    world.running(issue).await;
    let _other = plan().without_webhook().start_beside(&world).await;
    let run = world.finished(issue).await;
    assert_eq!((&run["outcome"], &run["epoch"]), (&json!("succeeded"), &json!(1)), "{run:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_while_the_server_is_away_is_decided_when_it_is_back() {
    let Some(server) = Server::start("").await else { return };
    let mut world = on(watching(), &server.database().await).start().await;
    let mut accepted = BTreeSet::from([labelled(&world, "before").await]);
    world.delivery(accepted.first().unwrap()).await;
    server.script("kill", &[]).await;
    for number in 0..20 {
        // Stored where the database is not needed; so 202 is true.
        accepted.insert(labelled(&world, &format!("away-{number}")).await);
    }
    world
        .wait("readiness that says so", async || {
            let (status, ready) = world.get("/readyz").await;
            (status == 503 && ready.contains("database")).then_some(())
        })
        .await;
    server.up().await;
    accepted.insert(labelled(&world, "after").await);
    for id in &accepted {
        let delivery = world.delivery(id).await;
        assert_eq!(delivery["status"], "decided", "{delivery:#}");
        assert_eq!(delivery["decisions"][0]["verdict"], "matched", "{delivery:#}");
    }
    assert_eq!(world.all("deliveries").await.len(), accepted.len());
    world.wait("readiness", async || (world.get("/readyz").await.0 == 200).then_some(())).await;
    world.assert_running("after the server came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_at_the_start_is_named_with_a_remedy() {
    let Some(server) = Server::find().await else { return };
    let address = PostgresAddress { database: "nowhere".into(), ..server.database().await };
    let world = on(watching(), &address).prepare().await;
    let said = world.cli(&["up"]).await;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("nowhere") && said.contains("createdb"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_records_can_be_gone_back_to() {
    let Some(server) = Server::find().await else { return };
    let world = on(watching(), &server.database().await).start().await;
    crate::backup::goes_there_and_back(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_go_back_for_an_older_version_and_on_again() {
    let Some(server) = Server::find().await else { return };
    let world = on(watching(), &server.database().await).start().await;
    crate::migrations::go_back_and_on(world).await;
}
