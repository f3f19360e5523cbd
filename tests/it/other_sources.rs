//! What starts elsewhere than at GitHub: GitLab from end to end, Jira and Sentry to a repository.

use forge_sim::gitlab::model::{Item, Project};
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{LABEL, MAINTAINER, NAME, OWNER, Plan, World, comment, git};

const PROJECT: &str = "acme/backend/api";

const GITLAB: &str = "version: 1
automations:
  - name: fix
    on: [{ source: gitlab, event: issue.labeled, label_command: 'agent:fix' }]
    run: { timeout: 60s, commands: ['date +%s%N >> README.md'] }
    output: { pull_request: { labels: [bot] } }
  - name: follow-up
    on: [{ source: gitlab, event: pull_request.updated }]
    run: { timeout: 60s, commands: ['echo more > more'] }
    output: { commits: true, comment: reply }
";

impl World {
    /// With a project on the stand-in's GitLab, an issue in it, and the automations of [`GITLAB`].
    async fn with_gitlab() -> Self {
        let plan = Plan::default().automation(GITLAB).sender("gitlab", "gitlab", "secret_token");
        let mut world = plan.prepare().await;
        let there = world.sim.gitlab();
        there.create_project(PROJECT, "sim-user", &[("README.md", "hello\n")]).await.unwrap();
        there.set_member(PROJECT, MAINTAINER, 30).unwrap();
        there.create_issue(PROJECT, MAINTAINER, "It greets nobody", "Always.", &[LABEL]).unwrap();
        world.start().await;
        world
    }

    /// A signed sample of an event.
    async fn send(&self, args: &[&str]) {
        let sent = self.cli(&[&["deliveries", "send"], args].concat()).await;
        assert!(sent.status.success(), "{}{}", String::from_utf8_lossy(&sent.stderr), self.logs());
    }

    /// The only run about a work item, once it is over and everything about it is written.
    async fn over(&self, item: &str) -> Value {
        self.wait(&format!("a run on {item}, over"), async || {
            let row = self.all("runs").await.into_iter().find(|run| run["work_item"] == *item)?;
            let (_, run) = self.api(&format!("runs/{}", row["id"].as_str()?)).await;
            let under_way = |intent: &Value| intent["state"] == "open" || intent["state"] == "calling";
            let settled = !run["intents"].as_array()?.iter().any(under_way);
            (run["state"] == "done" && settled).then_some(run)
        })
        .await
    }

    fn project(&self) -> Project {
        self.sim.gitlab().project(PROJECT).unwrap()
    }
}

fn our_notes(item: &Item) -> Vec<&str> {
    let ours = item.notes.iter().filter(|note| note.body.contains("<!-- pullwright:"));
    ours.map(|note| note.body.as_str()).collect()
}

const LABELLED: [&str; 9] =
    ["gitlab", "issue.labeled", "--repo", PROJECT, "--item", "1", "--label", LABEL, "--actor"];

#[tokio::test(flavor = "multi_thread")]
async fn a_label_on_gitlab_becomes_one_merge_request_and_one_note_and_is_followed_up() {
    needs_sandbox!();
    let world = World::with_gitlab().await;
    world.send(&[&LABELLED[..], &[MAINTAINER]].concat()).await;
    let run = world.over(&format!("gitlab:{PROJECT}#1")).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    let project = world.project();
    let (issue, merge_request) = (&project.issues[&1], &project.merge_requests[&1]);
    assert!(merge_request.title.starts_with("Draft: "), "{}", merge_request.title);
    assert_eq!(merge_request.labels, ["bot"]);
    assert_eq!((issue.labels.len(), issue.awards.len(), our_notes(issue).len()), (0, 1, 1));
    insta::assert_snapshot!("gitlab_note", comment(our_notes(issue)[0]));
    insta::assert_snapshot!("gitlab_merge_request", comment(&merge_request.description));
    // What happens on the merge request goes on with its branch.
    world
        .send(&["gitlab", "pull_request.updated", "--repo", PROJECT, "--item", "1", "--actor", MAINTAINER])
        .await;
    let second = world.over(&format!("gitlab:{PROJECT}!1")).await;
    assert_eq!((&second["outcome"], &second["branch"]), (&"succeeded".into(), &run["branch"]), "{second:#}");
    let head = second["head"].as_str().unwrap();
    let parent = git(&world.sim.gitlab().bare_repo(PROJECT), &["rev-parse", &format!("{head}^")]).await;
    assert_eq!(parent, run["head"].as_str().unwrap());
    let project = world.project();
    assert_eq!((project.merge_requests.len(), our_notes(&project.merge_requests[&1]).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_confidential_stays_among_members() {
    needs_sandbox!();
    let world = World::with_gitlab().await;
    let secret =
        ["--set", "/object_attributes/confidential=true", "--set", "/object_attributes/title=Passwords leak"];
    world.send(&[&LABELLED[..], &[MAINTAINER], &secret].concat()).await;
    let run = world.over(&format!("gitlab:{PROJECT}#1")).await;
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    let project = world.project();
    let merge_request = &project.merge_requests[&1];
    let seen_by_all = [&merge_request.title, &merge_request.description];
    assert!(seen_by_all.iter().all(|text| !text.contains("leak")), "{seen_by_all:?}");
    assert!(project.issues[&1].notes.iter().all(|note| note.internal), "{:#?}", project.issues[&1].notes);
    assert_eq!(our_notes(&project.issues[&1]).len(), 1);
}

/// A run about something that lies elsewhere, in the repository that its project leads to.
async fn routed(kind: &str, event: &str, rule: &str, more: &str, args: &[&str], item: &str) {
    let automation = format!(
        "version: 1
automations:
  - name: fix
    on: [{{ source: {kind}, event: {event} }}]
{more}    run: {{ timeout: 60s, commands: ['echo x > x'] }}
    output: {{ pull_request: {{}} }}
"
    );
    let plan = Plan::default().automation(automation).sender(kind, kind, "secret");
    let rule = format!("{{ match: github/acme/api, {rule} }}");
    let world = plan.rule(&rule).start().await;
    // Something that has the number which the item could be taken for.
    let bystander = world.issue("A bystander");
    world.send(&[&[kind, event], args].concat()).await;
    let run = world.over(item).await;
    assert_eq!(
        (&run["outcome"], &run["repository"]),
        (&"succeeded".into(), &"github/acme/api".into()),
        "{run:#}"
    );
    let pulls = world.sim.pulls(OWNER, NAME);
    assert_eq!((pulls.len(), pulls[0].number), (1, run["pull_request"].as_u64().unwrap()));
    let untouched = world.item(bystander);
    assert!(untouched.comments.is_empty() && untouched.reactions.is_empty(), "{untouched:#?}");
    assert!(pulls[0].comments.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_of_jira_is_worked_on_in_its_projects_repository() {
    needs_sandbox!();
    let allow = "    allow: { users: [maintainer] }\n";
    let args = ["--project", "PAY", "--item", "PAY-1", "--actor", MAINTAINER];
    routed("jira", "issue.labeled", "jira_projects: [PAY]", allow, &args, "jira:PAY-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_of_sentry_is_worked_on_in_its_projects_repository() {
    needs_sandbox!();
    let args = ["--project", "api", "--item", "1"];
    routed("sentry", "alert.triggered", "sentry_projects: [api]", "", &args, "sentry:api/1").await;
}
