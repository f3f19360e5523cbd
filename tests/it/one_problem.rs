//! One problem, one branch, one pull request: asked again, reviewed, and with people pushing between.

use forge_sim::{Fault, FaultOrder};
use schemas::{Clock, SystemClock};
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{NAME, OWNER, Plan, REPO, World, automation, git};

/// Adds a line with every run.
const GROWS: &str = "date +%s%N >> src/greet.sh";

impl World {
    /// A new issue with its pull request open; its number and the run.
    async fn with_pull_request(&self) -> (u64, Value) {
        let issue = self.labelled_issue();
        let run = self.finished(issue).await;
        assert_eq!(run["outcome"], "succeeded", "{run:#}");
        (issue, run)
    }

    /// Puts the label on again, in another second: nothing that GitHub says tells one that was put on
    /// twice within a second from one told twice.
    async fn label_again(&self, issue: u64, earlier: &Value) {
        let second_of = |time: &str| time.get(..19).map(str::to_owned);
        let then = second_of(earlier["finished_at"].as_str().unwrap());
        let clock = SystemClock::new();
        let later = async || (second_of(&clock.now().to_rfc3339()) > then).then_some(());
        self.wait("the next second", later).await;
        self.label(issue);
    }

    /// The run of an issue after `earlier`, once it is over.
    async fn finished_after(&self, item: &str, earlier: &Value) -> Value {
        self.wait(&format!("another run on {item}"), async || {
            let (_, runs) = self.api("runs?limit=200").await;
            let row = runs["items"].as_array()?.iter().find(|run| run["work_item"] == *item)?.clone();
            let (_, run) = self.api(&format!("runs/{}", row["id"].as_str()?)).await;
            let under_way = |intent: &Value| intent["state"] == "open" || intent["state"] == "calling";
            let settled = !run["intents"].as_array()?.iter().any(under_way);
            (run["id"] != earlier["id"] && run["state"] == "done" && settled).then_some(run)
        })
        .await
    }

    /// A commit of a person's on a branch, with a file of theirs; its id.
    async fn pushed_by_a_person(&self, branch: &str) -> String {
        let checkout = self.path("a-persons-checkout");
        std::fs::create_dir(&checkout).unwrap();
        let origin = self.sim.bare_repo(OWNER, NAME);
        git(&checkout, &["clone", "-q", "-b", branch, origin.to_str().unwrap(), "."]).await;
        std::fs::write(checkout.join("by-hand"), "mine\n").unwrap();
        git(&checkout, &["add", "by-hand"]).await;
        git(&checkout, &["commit", "-q", "-m", "By hand"]).await;
        git(&checkout, &["push", "-q", "origin", &format!("HEAD:{branch}")]).await;
        git(&checkout, &["rev-parse", "HEAD"]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_put_on_again_updates_the_pull_request_that_is_open() {
    needs_sandbox!();
    let world = Plan::running(&[GROWS]).start().await;
    let (issue, first) = world.with_pull_request().await;
    world.label_again(issue, &first).await;
    let second = world.finished_after(&format!("github:{REPO}#{issue}"), &first).await;
    assert_eq!(
        (&second["outcome"], &second["branch"]),
        (&"succeeded".into(), &first["branch"]),
        "{second:#}"
    );
    assert_eq!(second["pull_request"], first["pull_request"]);
    let pulls = world.sim.pulls(OWNER, NAME);
    assert_eq!(pulls.len(), 1);
    assert!(pulls[0].body.as_ref().unwrap().contains(second["id"].as_str().unwrap()));
    assert_eq!(pulls[0].pull.as_ref().unwrap().head_sha, second["head"].as_str().unwrap());
    // Made anew from the base: one commit, not two.
    let branch = second["branch"].as_str().unwrap();
    let bare = world.sim.bare_repo(OWNER, NAME);
    assert_eq!(git(&bare, &["rev-list", "--count", &format!("main..{branch}")]).await, "1");
    assert!(world.our_comment(issue).contains(&format!("Updated pull request #{}.", pulls[0].number)));
    assert_eq!(second["linked"][0], format!("github:{REPO}#{}", pulls[0].number), "{second:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_of_our_pull_request_adds_a_commit() {
    needs_sandbox!();
    let follow_up = "version: 1
automations:
  - name: follow-up
    on: [{ source: github, event: review.submitted }]
    run: { timeout: 60s, commands: ['echo more > more'] }
    output: { commits: true, comment: reply }
";
    let world = Plan::running(&[GROWS]).automation(follow_up).start().await;
    let (issue, first) = world.with_pull_request().await;
    let number = first["pull_request"].to_string();
    let args = ["deliveries", "send", "github", "review.submitted", "--repo", REPO, "--item", &number];
    let sent = world.cli(&[&args[..], &["--actor", "maintainer"]].concat()).await;
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let second = world.finished_after(&format!("github:{REPO}#{number}"), &first).await;
    assert_eq!(
        (&second["outcome"], &second["branch"]),
        (&"succeeded".into(), &first["branch"]),
        "{second:#}"
    );
    let bare = world.sim.bare_repo(OWNER, NAME);
    let parent = git(&bare, &["rev-parse", &format!("{}^", second["head"].as_str().unwrap())]).await;
    assert_eq!(parent, first["head"].as_str().unwrap());
    assert_eq!(world.sim.pulls(OWNER, NAME).len(), 1);
    // The answer is on the pull request, the status stays on the issue.
    let pull = world.sim.pulls(OWNER, NAME).remove(0);
    assert_eq!((pull.comments.len(), world.our_comments(issue).len()), (1, 1), "{:#?}", pull.comments);
    assert_eq!(second["linked"][0], format!("github:{REPO}#{issue}"), "{second:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_token_we_use_sends_us_back_to_work_by_a_label_on_our_pull_request() {
    needs_sandbox!();
    let first =
        automation("fix", &[GROWS], "").replace("pull_request: {}", "pull_request: { labels: [again] }");
    let follow_up = "version: 1
automations:
  - name: follow-up
    on:
      - { source: github, event: pull_request.labeled, label_command: again }
      - { source: github, event: pull_request.labeled, label_command: more }
    run: { timeout: 60s, commands: ['echo more > more'] }
    output: { commits: true, comment: reply }
";
    let world = Plan::default().automation(first).automation(follow_up).start().await;
    let (issue, first) = world.with_pull_request().await;
    let number = first["pull_request"].as_u64().unwrap();
    let labels = || world.sim.pulls(OWNER, NAME)[0].labels.clone();
    world.wait("our own label", async || labels().contains(&"again".to_owned()).then_some(())).await;
    // The same account, in its owner's hands.
    world.sim.label_issue(OWNER, NAME, number, "more", "sim-user").unwrap();
    let second = world.finished_after(&format!("github:{REPO}#{number}"), &first).await;
    assert_eq!(second["outcome"], "succeeded", "{second:#}");
    world.sim.delivered().await;
    world
        .wait("decided", async || world.get("/readyz").await.1.contains("0 deliveries wait").then_some(()))
        .await;
    // Ours was heard, and is no command.
    let verdicts: Vec<Value> =
        world.all("deliveries").await.into_iter().map(|row| row["decisions"].clone()).collect();
    assert!(verdicts.contains(&serde_json::json!({ "own_event": 1 })), "{verdicts:#?}");
    assert_eq!(world.all("runs").await.len(), 2);
    assert_eq!(world.our_comments(issue).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_automations_share_the_pull_request_of_one_issue() {
    needs_sandbox!();
    let world = Plan::default()
        .automation(automation("first", &["echo 1 > first"], ""))
        .automation(automation("second", &["echo 2 > second"], ""))
        .start()
        .await;
    let issue = world.labelled_issue();
    world
        .wait("both runs over", async || {
            let runs = world.all("runs").await;
            (runs.len() == 2 && runs.iter().all(|run| run["outcome"] == "succeeded")).then_some(())
        })
        .await;
    let pulls = world.pulls_for(issue);
    assert_eq!(pulls.len(), 1);
    let head = &pulls[0].pull.as_ref().unwrap().head;
    let files = git(&world.sim.bare_repo(OWNER, NAME), &["ls-tree", "--name-only", head]).await;
    assert!(files.contains("first") && files.contains("second"), "{files}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_pushed_to_our_branch_stays() {
    needs_sandbox!();
    let world = Plan::running(&[GROWS]).start().await;
    let (issue, first) = world.with_pull_request().await;
    let branch = first["branch"].as_str().unwrap();
    let theirs = world.pushed_by_a_person(branch).await;
    world.label_again(issue, &first).await;
    let second = world.finished_after(&format!("github:{REPO}#{issue}"), &first).await;
    assert_eq!(second["reason"]["reason"], "branch_moved", "{second:#}");
    assert_eq!(world.sim.branch(OWNER, NAME, branch).await, Some(theirs));
    assert!(world.our_comment(issue).contains("their commits are left as they are"));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_push_and_edit_the_edit_is_made_once_more_and_nothing_else() {
    needs_sandbox!();
    let mut world = Plan::running(&[GROWS]).start().await;
    let (issue, first) = world.with_pull_request().await;
    let number = &first["pull_request"];
    let edit = format!("/repos/{REPO}/pulls/{number}");
    world.sim.fault(FaultOrder::once("PATCH", &edit, Fault::CommitThenDelay { ms: 60_000 })).unwrap();
    world.label_again(issue, &first).await;
    world.wait("the edit at the forge", async || (world.sim.pending_faults() == 0).then_some(())).await;
    world.kill9().await;
    world.start().await;
    let second = world.finished_after(&format!("github:{REPO}#{issue}"), &first).await;
    assert_eq!((&second["outcome"], &second["epoch"]), (&"succeeded".into(), &1.into()), "{second:#}");
    let pulls = world.sim.pulls(OWNER, NAME);
    assert_eq!((pulls.len(), world.our_comments(issue).len()), (1, 1));
    assert_eq!(pulls[0].pull.as_ref().unwrap().head_sha, second["head"].as_str().unwrap());
    assert!(pulls[0].body.as_ref().unwrap().contains(second["id"].as_str().unwrap()));
}
