//! What people read on the forge.

use dispatcher::words;
use proptest::prelude::*;
use schemas::automation::AutomationFile;
use schemas::report::{ChangeReport, CommandReport, FileChange, Phase, Report};
use schemas::run::{ApprovalState, Gate, Outcome, Reason, RepositorySetup, RunInput, RunState, Step};
use schemas::{Epoch, Run, RunId, Untrusted};
use store::{PullRequestRef, RunRecord};

use crate::support::{at, labeled, repo};

fn record(state: RunState) -> RunRecord {
    let file: AutomationFile = config::yaml::from_str("a.yaml", crate::support::FIX).unwrap();
    let automation = file.automations.into_iter().next().unwrap();
    let event = labeled("agent:fix");
    let id = RunId(uuid::Uuid::from_u128(1));
    let work_item = event.work_item.clone().unwrap();
    let input = RunInput { automation, event, setup: RepositorySetup::default() };
    let branch = "pullwright/fix/12-0000".into();
    let run = Run::new(id, input, work_item, repo(), branch, at("2026-11-21T10:00:00Z"));
    RunRecord::new(Run { state, ..run })
}

/// A run at each gate, and one that somebody has agreed to.
#[test]
fn status_comments_at_gates() {
    let due_at = Some(at("2026-11-22T00:00:00Z"));
    let gates =
        [Gate::Schedule, Gate::Debounce, Gate::Concurrency, Gate::Budget, Gate::Approval, Gate::Parked];
    let waiting = |gate| {
        let due_at = due_at.filter(|_| gate != Gate::Concurrency);
        record(RunState::Pending { gate, due_at })
    };
    let mut seen: Vec<String> =
        gates.iter().map(|gate| words::comment::status(&waiting(*gate), &[])).collect();
    let mut asked = waiting(Gate::Approval);
    let mut approval = ApprovalState::new("1f2e3d4c".repeat(8), "a".repeat(40).parse().unwrap());
    asked.run.approval = Some(approval.clone());
    seen.push(words::comment::status(&asked, &[]));
    approval.approved_by = Some("bea".into());
    let mut approved = record(RunState::Queued { wake_at: at("2026-11-21T10:00:00Z") });
    approved.run.approval = Some(approval);
    seen.push(words::comment::status(&approved, &[]));
    insta::assert_snapshot!(seen.join("\n======\n"));
}

fn finished(outcome: Outcome, reason: Reason, exit_code: i32, tail: &str) -> RunRecord {
    let mut record = record(RunState::Done { outcome, reason: reason.clone() });
    record.change = Some(ChangeReport {
        head: "b".repeat(40).parse().unwrap(),
        base: "a".repeat(40).parse().unwrap(),
        tree: None,
        files: vec![FileChange { path: Untrusted::from("src/x.rs"), added: Some(3), removed: Some(1) }],
        diff: Untrusted::from("+x"),
        diff_cut: false,
    });
    record.report = Some(Report {
        spent: schemas::automation::Usd::default(),
        outcome,
        reason,
        commands: vec![CommandReport {
            phase: Phase::Commands,
            command: "cargo fmt | tee out".into(),
            exit_code,
            duration_ms: 61_250,
            tail: Untrusted::from(tail),
        }],
        change: None,
        worker: "local".into(),
        sandbox: "bubblewrap 0.8.0".into(),
        steps: Vec::new(),
    });
    record
}

#[test]
fn status_comments() {
    let mut published = finished(Outcome::Succeeded, Reason::Published, 0, "");
    published.pull_request = Some(PullRequestRef { number: 13, url: "https://forge/13".into() });
    let failed = Reason::CommandFailed { command: "cargo fmt | tee out".into(), exit_code: 101 };
    let hostile = "@everyone fixes #1 ![x](https://evil.example/?q)\n```\n</details><img src=x>\u{202e}";
    let seen = [
        words::comment::status(&record(RunState::Queued { wake_at: at("2026-11-21T10:00:00Z") }), &[]),
        words::comment::status(&record(RunState::Pending { gate: Gate::Concurrency, due_at: None }), &[]),
        words::comment::status(&record(RunState::Active { step: Step::Commands, epoch: Epoch(1) }), &[]),
        words::comment::status(&published, &[]),
        words::comment::status(&finished(Outcome::Failed, failed, 101, hostile), &[]),
        words::comment::status(
            &record(RunState::Done { outcome: Outcome::NoChange, reason: Reason::NothingChanged }),
            &[],
        ),
        words::comment::refusal(
            &published.run.work_item,
            &published.run.automation,
            "eve",
            "needs write, has read",
        ),
        words::pull_request::title(&published),
        words::pull_request::body(&published),
    ];
    insta::assert_snapshot!(seen.join("\n======\n"));
}

#[test]
fn a_comment_never_grows_over_what_forges_take() {
    let reason = Reason::CommandFailed { command: "x".repeat(100_000), exit_code: 1 };
    let text = words::comment::status(&finished(Outcome::Failed, reason, 1, &"ü".repeat(100_000)), &[]);
    assert!(text.chars().count() < 65_536);
}

proptest! {
    #[test]
    fn a_code_span_holds_whatever_is_put_into_it(text: String) {
        let span = words::code(&text, 100);
        let ticks = span.chars().take_while(|c| *c == '`').count();
        let inner = &span[ticks..span.len() - ticks];
        prop_assert!(!inner.contains(&"`".repeat(ticks)));
        prop_assert!(!span.contains('\n'));
    }

    #[test]
    fn a_fence_holds_whatever_is_put_into_it(text: String) {
        let block = words::fence(&text, "text");
        let ticks = block.chars().take_while(|c| *c == '`').count();
        let fences = block.lines().filter(|line| line.trim_start().starts_with(&"`".repeat(ticks))).count();
        prop_assert_eq!(fences, 2);
    }
}
