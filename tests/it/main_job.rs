//! The main job: a labelled issue becomes one pull request and one comment, and nobody has to ask why.

use std::process::Command;

use forge_sim::Permission;
use schemas::{Clock, SystemClock};
use serde_json::json;

use crate::needs_sandbox;
use crate::support::{LABEL, MAINTAINER, NAME, OWNER, Plan, REPO, STRANGER, World, automation, comment};

/// How often the forge was asked to do this, and did.
fn made(world: &World, method: &str, path: &str) -> usize {
    let hit = |path: &str, wanted: &str| match wanted.split_once('*') {
        Some((start, end)) => path.starts_with(start) && path.ends_with(end),
        None => path == wanted,
    };
    let journal = world.sim.journal();
    let done = journal.iter().filter(|entry| entry.method == method && hit(&entry.path, path));
    done.filter(|entry| entry.done.is_some_and(|status| status < 300)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_becomes_one_draft_pull_request_and_one_comment() {
    needs_sandbox!();
    let world = Plan::running(&["echo 'echo hello world' > src/greet.sh", "cat /event/title.txt"])
        .repository("validate: [\"grep -q world src/greet.sh\"]")
        .start()
        .await;
    let issue = world.issue("It greets nobody");
    world.label(issue);
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    assert_eq!(run["reason"]["reason"], "published");

    // The pull request.
    let pulls = world.sim.pulls(OWNER, NAME);
    assert_eq!(pulls.len(), 1);
    let pull = pulls[0].pull.clone().unwrap();
    assert!(pull.draft);
    assert_eq!(pull.base, "main");
    assert_eq!(pull.head, run["branch"].as_str().unwrap());
    assert_eq!(run["pull_request"], pulls[0].number);
    let show = Command::new("git")
        .arg("-C")
        .arg(world.sim.bare_repo(OWNER, NAME))
        .args(["show", &format!("{}:src/greet.sh", pull.head)])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&show.stdout), "echo hello world\n");

    // The comment was made once and edited from then on.
    let comments = format!("/repos/{REPO}/issues/{issue}/comments");
    assert_eq!(made(&world, "POST", &comments), 1);
    assert!(made(&world, "PATCH", &format!("/repos/{REPO}/issues/comments/*")) >= 1);
    insta::assert_snapshot!("main_job_comment", comment(&world.our_comment(issue)));
    insta::assert_snapshot!("main_job_pull_request", comment(pulls[0].body.as_deref().unwrap()));

    // Label, reaction, check.
    let item = world.item(issue);
    assert!(item.labels.is_empty(), "{:?}", item.labels);
    assert_eq!(item.reactions.iter().map(|r| r.content.as_str()).collect::<Vec<_>>(), ["eyes"]);
    let statuses = world.sim.statuses(OWNER, NAME);
    let last = statuses.last().expect("a commit status");
    assert_eq!((last.sha.as_str(), last.state.as_str()), (pull.head_sha.as_str(), "success"));
    assert_eq!(last.context, "pullwright/fix");

    // The decision, where people look for it.
    let delivery = world.delivery(run["delivery"].as_str().unwrap()).await;
    assert_eq!(delivery["status"], "decided");
    assert_eq!(delivery["decisions"][0]["automation"], "fix");
    assert_eq!(delivery["decisions"][0]["verdict"], "matched");
    assert_eq!(delivery["decisions"][0]["run"], run["id"]);
    assert_eq!(world.all("runs").await.len(), 1, "our own writes came back as events and start nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_start_it_is_told_once() {
    let world = Plan::running(&["true"]).start().await;
    let issue = world.issue("It greets nobody");
    world.sim.label_issue(OWNER, NAME, issue, LABEL, STRANGER).unwrap();
    world.wait("the answer", async || (!world.our_comments(issue).is_empty()).then_some(())).await;

    // Again, later, as another happening.
    let mut again = world.sim.labeled_payload(OWNER, NAME, issue, LABEL, STRANGER).unwrap();
    let later = SystemClock::new().now() + std::time::Duration::from_secs(5);
    again["issue"]["updated_at"] = json!(later.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let answer = world.deliver("issues", "second-try", again.to_string().as_bytes()).await;
    let delivery = world.delivery(&answer.delivery()).await;
    assert_eq!(delivery["status"], "decided", "{delivery:#}");
    assert_eq!(delivery["decisions"][0]["verdict"], "denied");
    insta::assert_snapshot!("denied_sentence", delivery["decisions"][0]["sentence"].as_str().unwrap());
    insta::assert_snapshot!("denied_comment", comment(&world.our_comment(issue)));
    assert!(world.all("runs").await.is_empty());
    assert!(world.sim.pulls(OWNER, NAME).is_empty());

    // The moment a person may, it starts. Permissions are remembered for half a minute, so a new person.
    world.sim.add_user("newcomer", OWNER, NAME, Permission::Maintain).unwrap();
    let other = world.issue("Another");
    world.sim.label_issue(OWNER, NAME, other, LABEL, "newcomer").unwrap();
    world.run_when(other, "accepted", |_| true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_starts_nothing_says_why() {
    let world = Plan::running(&["true"]).start().await;
    let issue = world.issue("It greets nobody");
    world.sim.label_issue(OWNER, NAME, issue, "question", MAINTAINER).unwrap();
    let labelled = world
        .wait("the label's delivery", async || {
            let (_, list) = world.api("deliveries").await;
            list["items"].as_array()?.iter().find(|row| row["event"] == "issue.labeled").cloned()
        })
        .await;
    // No automation waits for this label, so that none has a decision; each can be explained.
    assert_eq!(labelled["decisions"], json!({}));
    let (_, explained) = world.api(&format!("deliveries/{}/explain", labelled["id"].as_str().unwrap())).await;
    insta::assert_snapshot!("not_matched_sentence", explained["decisions"][0]["sentence"].as_str().unwrap());
    // The opening of the issue concerned no automation, and can be explained all the same.
    let opened = &world.all("deliveries").await[0];
    assert_eq!(opened["event"], "issue.opened");
    let all = format!("deliveries/{}/explain?all=true", opened["id"].as_str().unwrap());
    let (_, explained) = world.api(&all).await;
    assert_eq!(explained["decisions"][0]["verdict"], "not_matched");
    assert_eq!(explained["decisions"][0]["clause"], "event");
}

#[tokio::test(flavor = "multi_thread")]
async fn observe_and_dry_run_write_nothing() {
    needs_sandbox!();
    let world = Plan::default()
        .automation(automation("watch", &["echo x > x"], "    mode: observe\n"))
        .automation(automation("try", &["echo x > x"], "    mode: dry_run\n"))
        .start()
        .await;
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!((run["automation"].as_str(), run["outcome"].as_str()), (Some("try"), Some("succeeded")));
    assert_eq!(run["reason"]["reason"], "dry_run");
    assert!(run["diff"].as_str().unwrap().contains("+x"), "{run:#}");
    let delivery = world.delivery(run["delivery"].as_str().unwrap()).await;
    let matched = delivery["decisions"].as_array().unwrap();
    assert!(
        matched.iter().any(|d| d["automation"] == "watch" && d["verdict"] == "matched" && d["run"].is_null())
    );
    assert_eq!(world.all("runs").await.len(), 1);
    assert_eq!(world.sim.journal().len(), 0, "{:#?}", world.sim.journal());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_at_a_time_works_on_an_issue() {
    needs_sandbox!();
    let world = Plan::default()
        .automation(automation("first", &["date +%s%N > /tmp/t; sleep 0.5; echo 1 > first"], ""))
        .automation(automation("second", &["echo 2 > second"], ""))
        .start()
        .await;
    let issue = world.labelled_issue();
    let runs = world
        .wait("both runs over", async || {
            let runs = world.all("runs").await;
            (runs.len() == 2 && runs.iter().all(|run| run["state"] == "done")).then_some(runs)
        })
        .await;
    assert!(runs.iter().all(|run| run["outcome"] == "succeeded"), "{runs:#?}");
    let delivery = world.delivery(runs[0]["delivery"].as_str().unwrap()).await;
    let verdicts: Vec<_> = delivery["decisions"].as_array().unwrap().iter().map(|d| &d["verdict"]).collect();
    assert!(verdicts.contains(&&json!("matched")) && verdicts.contains(&&json!("waiting")), "{verdicts:?}");
    let time = |run: &serde_json::Value, key: &str| run[key].as_str().unwrap().to_owned();
    let (earlier, later) = match time(&runs[0], "started_at") < time(&runs[1], "started_at") {
        true => (&runs[0], &runs[1]),
        false => (&runs[1], &runs[0]),
    };
    assert!(time(later, "started_at") >= time(earlier, "finished_at"), "{runs:#?}");
    assert_eq!(world.pulls_for(issue).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_delivery_starts_nothing_new() {
    needs_sandbox!();
    let world = Plan::running(&["echo x > x"]).without_webhook().start().await;
    let issue = world.issue("It greets nobody");
    let body = world.labelled_payload(issue).to_string();
    let first = world.deliver("issues", "guid-1", body.as_bytes()).await.delivery();
    // The same id again; the same body under a new id, as a second hook would.
    let second = world.deliver("issues", "guid-1", body.as_bytes()).await.delivery();
    let third = world.deliver("issues", "guid-2", body.as_bytes()).await.delivery();
    for repeat in [second, third] {
        let delivery = world.delivery(&repeat).await;
        assert_eq!((&delivery["status"], &delivery["duplicate_of"]), (&json!("duplicate"), &json!(first)));
        assert_eq!(delivery["decisions"][0]["verdict"], "duplicate");
    }
    world.finished(issue).await;
    assert_eq!(world.all("runs").await.len(), 1);
    assert_eq!(world.pulls_for(issue).len(), 1);
}
