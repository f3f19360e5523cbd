//! Two installations on one forge, each of which listens to what the other does there.

use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{LABEL, Plan, World};

/// Runs for every event of these types, whoever caused it.
fn answers(events: &str, more: &str) -> String {
    format!(
        "version: 1
automations:
  - name: answer
    on: [{{ source: github, event: [{events}] }}{more}]
    run: {{ timeout: 60s, commands: ['date +%s%N >> src/greet.sh'] }}
    output: {{ pull_request: {{}} }}
"
    )
}

impl World {
    /// Whether a chain of causes was ended here.
    async fn paused(&self) -> bool {
        let rows = self.all("deliveries").await;
        rows.iter().any(|row| row["decisions"]["paused"].as_u64() > Some(0))
    }

    async fn everything_is_over(&self) -> bool {
        let over = |run: &Value| run["state"] == "done";
        self.get("/readyz").await.1.contains("0 deliveries wait") && self.all("runs").await.iter().all(over)
    }
}

/// One hears a label and then, like the other, only `events`; both act with the token of one person.
async fn stops_within_three_runs(events: &str) {
    let label = format!(", {{ source: github, event: issue.labeled, label_command: \"{LABEL}\" }}");
    let one = Plan::default().automation(answers(events, &label)).start().await;
    let other = Plan::default().automation(answers(events, "")).start_beside(&one).await;
    one.labelled_issue();
    let both = [&one, &other];
    one.wait("a chain that is ended", async || (one.paused().await || other.paused().await).then_some(()))
        .await;
    for world in both {
        world.wait("quiet", async || world.everything_is_over().await.then_some(())).await;
    }
    one.sim.delivered().await;
    for world in both {
        world.wait("quiet", async || world.everything_is_over().await.then_some(())).await;
    }
    let (runs, others) = (one.all("runs").await, other.all("runs").await);
    assert_eq!((runs.len(), others.len()), (2, 1), "{runs:#?}\n{others:#?}");
    assert!(runs.iter().chain(&others).all(|run| run["outcome"] == "succeeded"), "{runs:#?}\n{others:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_answer_each_others_comments_stop_within_three_runs() {
    needs_sandbox!();
    stops_within_three_runs("comment.created, comment.edited").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_answer_each_others_pull_requests_stop_within_three_runs() {
    needs_sandbox!();
    stops_within_three_runs("pull_request.opened").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_answer_each_others_pushes_stop_within_three_runs() {
    needs_sandbox!();
    stops_within_three_runs("push").await;
}
