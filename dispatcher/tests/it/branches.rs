//! One problem has one branch and one pull request, whoever asks again and whoever pushed between.

use schemas::control::{Job, PushGrant};
use schemas::report::ChangeReport;
use schemas::run::{Outcome, Reason, RunState};
use schemas::{ControlPlane, Oid, RunId};
use store::RunRecord;

use crate::control::{body, change, report};
use crate::support::World;

const TWO: &str = "
version: 1
automations:
  - name: fix
    on: [{ source: github, event: issue.labeled, label_command: 'agent:fix' }]
    run: { commands: ['true'] }
    output: { pull_request: {} }
  - name: docs
    on: [{ source: github, event: issue.labeled, label_command: 'agent:docs' }]
    run: { commands: ['true'] }
    output: { pull_request: {} }
  - name: follow-up
    on: [{ source: github, event: [issue.labeled, pull_request.labeled], label_command: 'agent:more' }]
    run: { commands: ['true'] }
    output: { commits: true }
";

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

/// A change to `head`, whose files are all of `tree`.
pub fn made(job: &Job, head: char, tree: char) -> ChangeReport {
    ChangeReport { head: oid(head), tree: Some(oid(tree)), ..change(&job.base, "src/x.rs") }
}

impl World {
    async fn put(&self, label: &str, second: u32) {
        let raw = body(12, label, "ana", second).to_string();
        self.deliver(&format!("guid-{label}-{second}"), raw.as_bytes()).await;
    }

    /// A label on our pull request 101, put on by somebody who may.
    async fn put_on_pull_request(&self, number: u64, label: &str, second: u32) {
        let mut raw = body(number, label, "ana", second);
        let item = raw["issue"].take();
        raw["pull_request"] = item;
        raw["pull_request"]["draft"] = false.into();
        raw["pull_request"]["head"] =
            serde_json::json!({ "ref": "x", "sha": "e".repeat(40), "repo": raw["repository"] });
        raw["pull_request"]["base"] = serde_json::json!({ "ref": "main", "sha": "a".repeat(40) });
        raw.as_object_mut().unwrap().remove("issue");
        let id = format!("guid-pr-{number}-{label}-{second}");
        self.deliver_as("pull_request", &id, raw.to_string().as_bytes()).await;
    }

    pub async fn take(&self, nonce: &str) -> Job {
        self.dispatcher.claim(self.claim(nonce)).await.unwrap().unwrap()
    }

    /// The worker's part: push what was granted, and say so.
    pub async fn push(&self, job: &Job, change: ChangeReport) -> PushGrant {
        let grant = self.dispatcher.grant_push(job.run, job.epoch, change).await.unwrap();
        if let PushGrant::Push { reference, new, .. } = &grant {
            self.forge.set_head(reference.strip_prefix("refs/heads/").unwrap(), new.as_str());
            let published = report(Outcome::Succeeded, Reason::Published);
            self.dispatcher.report(job.run, job.epoch, published).await.unwrap();
        }
        self.publish().await;
        grant
    }

    async fn record(&self, run: RunId) -> RunRecord {
        self.store.run(run).await.unwrap().unwrap()
    }

    /// A first run of `fix`, its pull request open; its branch holds `b…`.
    pub async fn with_pull_request() -> (Self, Job) {
        let world = Self::new(TWO).await;
        world.put("agent:fix", 1).await;
        let job = world.take("first").await;
        world.push(&job, made(&job, 'b', '1')).await;
        (world, job)
    }
}

#[tokio::test]
async fn asked_again_the_same_pull_request_is_made_anew() {
    let (world, first) = World::with_pull_request().await;
    world.forge.set_head("main", oid('c').as_str());
    world.put("agent:fix", 2).await;
    let job = world.take("second").await;
    assert_eq!((&job.branch, &job.base, job.base_branch.as_str()), (&first.branch, &oid('c'), "main"));
    let grant = world.push(&job, made(&job, 'd', '2')).await;
    let reference = format!("refs/heads/{}", first.branch);
    assert_eq!(grant, PushGrant::Push { reference, old: oid('b'), new: oid('d') });
    world.forge.with(|forge| {
        assert_eq!((forge.pulls.len(), forge.edits.len(), forge.edits[0].0), (1, 1, 101));
        assert!(forge.edits[0].1.contains("Updated by Pullwright"), "{}", forge.edits[0].1);
        assert!(forge.comments[0].1.contains("Updated pull request #101."), "{}", forge.comments[0].1);
        assert_eq!(forge.comments.len(), 1);
    });
    let succeeded = RunState::Done { outcome: Outcome::Succeeded, reason: Reason::Published };
    assert_eq!(world.state(job.run).await, succeeded);
}

#[tokio::test]
async fn what_the_branch_holds_already_is_not_pushed_again() {
    let (world, _) = World::with_pull_request().await;
    world.put("agent:fix", 2).await;
    let job = world.take("second").await;
    let grant = world.push(&job, made(&job, 'd', '1')).await;
    assert_eq!(grant, PushGrant::Keep { reason: Reason::NothingChanged });
}

#[tokio::test]
async fn another_automation_builds_on_what_is_there() {
    let (world, first) = World::with_pull_request().await;
    world.put("agent:docs", 2).await;
    let job = world.take("second").await;
    assert_eq!((&job.branch, &job.base, &job.base_branch), (&first.branch, &oid('b'), &first.branch));
    world.push(&job, made(&job, 'd', '2')).await;
    world.forge.with(|forge| assert_eq!((forge.pulls.len(), forge.edits.len()), (1, 0)));
    // The first one again would throw that away: it builds on it, too.
    world.put("agent:fix", 3).await;
    assert_eq!(world.take("third").await.base, oid('d'));
}

#[tokio::test]
async fn commits_go_on_top_also_of_a_persons() {
    let (world, first) = World::with_pull_request().await;
    world.forge.set_head(&first.branch, oid('e').as_str());
    world.put_on_pull_request(101, "agent:more", 2).await;
    let job = world.take("second").await;
    assert_eq!((&job.branch, &job.base), (&first.branch, &oid('e')));
    assert_eq!(world.record(job.run).await.run.root.as_str(), "github:acme/api#12");
    let grant = world.push(&job, made(&job, 'd', '2')).await;
    let reference = format!("refs/heads/{}", first.branch);
    assert_eq!(grant, PushGrant::Push { reference, old: oid('e'), new: oid('d') });
    world.forge.with(|forge| assert_eq!((forge.pulls.len(), forge.edits.len()), (1, 0)));
}

#[tokio::test]
async fn a_persons_commit_is_never_overwritten() {
    let (world, first) = World::with_pull_request().await;
    world.forge.set_head(&first.branch, oid('e').as_str());
    world.put("agent:fix", 2).await;
    assert_eq!(world.dispatcher.claim(world.claim("second")).await.unwrap(), None);
    let run = world.store.runs(1, None, None).await.unwrap().items.remove(0).run;
    let reason = Reason::BranchMoved { branch: first.branch };
    assert_eq!(run.state, RunState::Done { outcome: Outcome::Failed, reason });
}

#[tokio::test]
async fn a_closed_pull_request_is_followed_by_a_new_one() {
    let (world, first) = World::with_pull_request().await;
    world.forge.with(|forge| forge.closed.push(first.branch.clone()));
    world.put("agent:fix", 2).await;
    let job = world.take("second").await;
    assert_ne!(job.branch, first.branch);
    let grant = world.push(&job, made(&job, 'd', '1')).await;
    assert!(matches!(grant, PushGrant::Push { old, .. } if old.is_zero()));
    world.forge.with(|forge| assert_eq!(forge.pulls.len(), 2));
}

#[tokio::test]
async fn commits_need_a_pull_request_of_ours() {
    let world = World::new(TWO).await;
    world.put("agent:more", 1).await;
    world.put_on_pull_request(55, "agent:more", 2).await;
    assert_eq!(world.dispatcher.claim(world.claim("n")).await.unwrap(), None);
    let runs = world.store.runs(9, None, None).await.unwrap().items;
    assert_eq!(runs.len(), 2);
    for run in runs {
        let refused = RunState::Done { outcome: Outcome::Failed, reason: Reason::NoPullRequest };
        assert_eq!(run.run.state, refused, "{}", run.run.work_item);
    }
}

#[tokio::test]
async fn a_push_of_a_lost_worker_is_told_by_what_the_branch_holds() {
    for arrived in [true, false] {
        let (world, first) = World::with_pull_request().await;
        world.put("agent:fix", 2).await;
        let job = world.take("second").await;
        world.dispatcher.grant_push(job.run, job.epoch, made(&job, 'd', '2')).await.unwrap();
        if arrived {
            world.forge.set_head(&first.branch, oid('d').as_str());
        }
        world.dispatcher.forget_worker(&"w".into()).await.unwrap();
        world.publish().await;
        let state = world.state(job.run).await;
        if arrived {
            assert!(matches!(state, RunState::Done { outcome: Outcome::Succeeded, .. }), "{state:?}");
            world.forge.with(|forge| assert_eq!((forge.pulls.len(), forge.edits.len()), (1, 1)));
        } else {
            assert!(matches!(state, RunState::Queued { .. }), "{state:?}");
        }
    }
}

#[tokio::test]
async fn an_unclear_edit_is_made_again_and_opens_nothing() {
    let (world, _) = World::with_pull_request().await;
    world.put("agent:fix", 2).await;
    world.publish().await;
    let job = world.take("second").await;
    world.publish().await;
    let unclear = forge::ForgeError::Unclear { message: "502".into() };
    world.forge.with(|forge| forge.faults = vec![(unclear, true)]);
    world.push(&job, made(&job, 'd', '2')).await;
    for _ in 0..5 {
        world.publish().await;
    }
    world.forge.with(|forge| assert_eq!(forge.pulls.len(), 1));
    assert!(matches!(world.state(job.run).await, RunState::Done { outcome: Outcome::Succeeded, .. }));
}

#[tokio::test]
async fn labels_and_reviewers_come_once_and_a_refusal_is_told() {
    let dressed = TWO.replacen(
        "output: { pull_request: {} }",
        "output: { pull_request: { labels: [bot], reviewers: [nobody] } }",
        1,
    );
    let world = World::new(&dressed).await;
    world.put("agent:fix", 1).await;
    let job = world.take("first").await;
    world.push(&job, made(&job, 'b', '1')).await;
    world.publish().await;
    assert!(matches!(world.state(job.run).await, RunState::Done { outcome: Outcome::Succeeded, .. }));
    world.forge.with(|forge| {
        assert_eq!(forge.given, ["bot"]);
        let comment = &forge.comments[0].1;
        assert!(
            comment.contains("The reviewers could not be asked (`nobody`): `the forge refused"),
            "{comment}"
        );
    });
    world.put("agent:fix", 2).await;
    let job = world.take("second").await;
    world.push(&job, made(&job, 'd', '2')).await;
    world.publish().await;
    world.forge.with(|forge| assert_eq!(forge.given, ["bot"]));
}

#[tokio::test]
async fn a_result_over_its_limits_gets_no_leave() {
    let limited = TWO.replacen("pull_request: {}", "pull_request: { limits: { lines: 1 } }", 1);
    let world = World::new(&limited).await;
    world.put("agent:fix", 1).await;
    let job = world.take("first").await;
    assert_eq!(job.limits.lines, Some(1));
    let mut change = made(&job, 'b', '1');
    change.files[0].added = Some(2);
    let answer = world.dispatcher.grant_push(job.run, job.epoch, change).await;
    let because = "it changes 2 lines, and `limits` allows 1".to_owned();
    assert_eq!(answer, Err(schemas::control::ControlError::Refused { because }));
}
