//! The git gate from outside, with real git and the token of a run: what the worker could do at most.

use std::path::Path;
use std::process::{Command, Output};

use dispatcher::GateKey;
use forge_sim::{Fault, FaultOrder};
use schemas::{Epoch, RunId};
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{NAME, OWNER, Plan, World, automation, marker};

const NOTHING: &str = "0000000000000000000000000000000000000000";

/// The token that a worker got with a run.
fn token(world: &World, run: &Value, epoch: i64) -> String {
    let key = std::fs::read_to_string(world.path("data/gate.key")).unwrap();
    let key = GateKey::new(key.trim()).unwrap();
    key.token(RunId(run["id"].as_str().unwrap().parse().unwrap()), Epoch(epoch))
}

fn gate(world: &World, run: &Value) -> String {
    world.url(&format!("/worker/v1/git/{}", run["id"].as_str().unwrap()))
}

/// git without anybody's configuration, showing this token.
fn git(folder: &Path, token: &str, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").env("HOME", folder);
    command.args(["-c", "user.name=a", "-c", "user.email=a@localhost"]);
    if !token.is_empty() {
        command.args(["-c", &format!("http.extraHeader=Authorization: Bearer {token}")]);
    }
    command.args(args).output().unwrap()
}

fn passes(output: Output, what: &str) -> String {
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {said}{wrong}");
    said.trim().to_owned()
}

/// What git says of a 401: it would ask a person for a password.
const UNKNOWN: &str = "could not read Username";

fn refused(output: Output, status: &str, what: &str) {
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{what} passed");
    assert!(wrong.contains(status), "{what}: {wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runs_token_reads_its_repository_and_nothing_else() {
    needs_sandbox!();
    let world = Plan::running(&[&format!("sleep {}", marker(20))]).start().await;
    world.sim.create_repo(OWNER, "secret", &[("key", "x\n")]).await.unwrap();
    let (mine, other) = (world.labelled_issue(), world.labelled_issue());
    let (mine, other) = (world.running(mine).await, world.running(other).await);
    let (good, url) = (token(&world, &mine, 1), gate(&world, &mine));
    let folder = tempfile::tempdir().unwrap();
    let ls = |url: &str, token: &str| git(folder.path(), token, &["ls-remote", url]);

    let listed = passes(ls(&url, &good), "its own repository");
    assert!(listed.contains("refs/heads/main"), "{listed}");
    passes(git(folder.path(), &good, &["clone", "-q", &url, "clone"]), "a clone");
    let clone = folder.path().join("clone");

    refused(ls(&url, ""), UNKNOWN, "no token");
    assert_eq!(
        world
            .get(&format!(
                "/worker/v1/git/{}/info/refs?service=git-upload-pack",
                mine["id"].as_str().unwrap()
            ))
            .await
            .0,
        401
    );
    refused(ls(&url, "1.00"), UNKNOWN, "a made-up token");
    refused(ls(&url, &world.admin_token()), UNKNOWN, "the API's token");
    refused(ls(&gate(&world, &other), &good), UNKNOWN, "another run's route");
    refused(ls(&url, &token(&world, &mine, 0)), "409", "an epoch of before");
    refused(ls(&url, &token(&world, &mine, 2)), "409", "an epoch to come");
    for path in [
        "/../../../../acme/secret.git",
        "/acme/secret.git",
        "/%2e%2e/acme/secret.git",
        "/..%2facme%2fsecret.git",
    ] {
        let outside = git(folder.path(), &good, &["ls-remote", &format!("{url}{path}")]);
        assert!(!outside.status.success(), "{path} leads to {}", String::from_utf8_lossy(&outside.stdout));
    }
    // Nothing may be pushed yet, by whatever name.
    passes(git(&clone, "", &["commit", "-q", "--allow-empty", "-m", "x"]), "a commit");
    let branch = mine["branch"].as_str().unwrap();
    for reference in ["main", branch] {
        let push = git(&clone, &good, &["push", "-q", &url, &format!("HEAD:refs/heads/{reference}")]);
        refused(push, "403", "a push without leave");
    }
    // The forge's credential stays behind the gate.
    let answer = world
        .http
        .get(format!("{url}/info/refs?service=git-upload-pack"))
        .bearer_auth(&good)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let headers = format!("{:?}", answer.headers());
    assert!(
        !headers.contains(crate::support::TOKEN) && !headers.to_lowercase().contains("authorization"),
        "{headers}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_granted_push_passes() {
    needs_sandbox!();
    let world = Plan::default().automation(automation("fix", &["echo x > x"], "")).start().await;
    // The run's own push arrives at the gate and is held there, while the test tries others.
    let held = Fault::Delay { ms: 60_000 };
    world.sim.fault(FaultOrder::once("POST", "/acme/api.git/git-receive-pack", held)).unwrap();
    let issue = world.labelled_issue();
    let run =
        world.run_when(issue, "at its push", |run| run["step"] == "push" && !run["head"].is_null()).await;
    world.wait("its push at the forge", async || (world.sim.pending_faults() == 0).then_some(())).await;
    let (good, url) = (token(&world, &run, 1), gate(&world, &run));
    let (branch, granted) = (run["branch"].as_str().unwrap(), run["head"].as_str().unwrap());
    let folder = tempfile::tempdir().unwrap();
    passes(git(folder.path(), &good, &["clone", "-q", &url, "clone"]), "a clone");
    let clone = folder.path().join("clone");
    passes(git(&clone, "", &["commit", "-q", "--allow-empty", "-m", "x"]), "a commit");
    let ours = format!("HEAD:refs/heads/{branch}");
    let before = world.sim.branch(OWNER, NAME, "main").await;
    for (what, wishes) in [
        ("another object on the granted branch", vec![ours.as_str()]),
        ("another branch", vec!["HEAD:refs/heads/pullwright/other"]),
        ("the default branch", vec!["HEAD:refs/heads/main"]),
        ("a tag", vec!["HEAD:refs/tags/v1"]),
        ("deleting the default branch", vec![":refs/heads/main"]),
        ("two refs", vec![ours.as_str(), "HEAD:refs/heads/other"]),
        ("a forced push", vec!["+HEAD:refs/heads/main"]),
    ] {
        let mut args = vec!["push", "-q", &url];
        args.extend(wishes);
        refused(git(&clone, &good, &args), "403", what);
    }
    // The same by hand: the granted line with another one behind it, and with another old object.
    let head = passes(git(&clone, "", &["rev-parse", "HEAD"]), "rev-parse");
    let granted_line = format!("{NOTHING} {granted} refs/heads/{branch}");
    for lines in [
        vec![format!("{granted_line}\0report-status"), format!("{NOTHING} {head} refs/heads/other")],
        vec![format!("{head} {granted} refs/heads/{branch}\0report-status")],
        vec![format!("{NOTHING} {NOTHING} refs/heads/{branch}\0report-status")],
        vec![format!("{granted_line}/../main\0report-status")],
    ] {
        let mut body: String = lines.iter().map(|line| format!("{:04x}{line}\n", line.len() + 5)).collect();
        body.push_str("0000");
        let push = world
            .http
            .post(format!("{url}/git-receive-pack"))
            .bearer_auth(&good)
            .header("content-type", "application/x-git-receive-pack-request")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(push.status(), 403, "{lines:?}");
    }
    let stale = git(&clone, &token(&world, &run, 0), &["push", "-q", &url, &ours]);
    refused(stale, "409", "a stale epoch's push");
    // Refused at the gate means that the forge saw nothing of it.
    assert_eq!(world.sim.branch(OWNER, NAME, "main").await, before);
    for branch in ["other", "pullwright/other", branch] {
        assert_eq!(world.sim.branch(OWNER, NAME, branch).await, None, "{branch}");
    }
    let pushes = world.sim.journal().into_iter().filter(|entry| entry.path.ends_with("git-receive-pack"));
    assert_eq!(pushes.count(), 1, "the run's own");
}
