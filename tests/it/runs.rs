//! How runs end, and what people read about it.

use std::time::Duration;

use forge_sim::{Fault, FaultOrder, Permission};
use serde_json::{Value, json};

use crate::needs_sandbox;
use crate::support::{
    LABEL, MAINTAINER, NAME, OWNER, Plan, REPO, World, automation, comment, marker, running_with,
    wait_until_none_runs_with,
};

/// An automation of its own label, so that many fit into one world.
fn on_label(name: &str, commands: &[&str]) -> String {
    automation(name, commands, "").replace(LABEL, &format!("agent:{name}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_end_has_its_outcome_reason_and_words() {
    needs_sandbox!();
    let failed = |reason: Value| (json!("failed"), reason);
    let exit = |command: &str, exit_code: i32| {
        failed(json!({ "reason": "command_failed", "command": command, "exit_code": exit_code }))
    };
    let nothing = (json!("no_change"), json!({ "reason": "nothing_changed" }));
    let published = (json!("succeeded"), json!({ "reason": "published" }));
    let cases: [(&str, &[&str], _); 9] = [
        ("fails", &["echo it goes wrong; exit 3", "echo never"], exit("echo it goes wrong; exit 3", 3)),
        ("no-such-program", &["no-such-program"], exit("no-such-program", 127)),
        ("kills-itself", &["kill -9 $$"], exit("kill -9 $$", 137)),
        ("nothing", &["touch README.md", "git status --short"], nothing),
        (
            "protected",
            &["mkdir -p .github && echo x > .github/workflow.yml"],
            failed(json!({ "reason": "result_refused", "because": "`.github/workflow.yml` is protected" })),
        ),
        (
            "invalid",
            &["touch invalid"],
            failed(json!({ "reason": "validation_failed", "command": "test ! -e invalid", "exit_code": 1 })),
        ),
        ("deletes-git", &["rm -rf .git", "echo x > x"], published.clone()),
        ("hostile-words", &["printf '```\\n@maintainer <img src=x> fixes #1 \\033[31m\\n'; exit 1"], {
            exit("printf '```\\n@maintainer <img src=x> fixes #1 \\033[31m\\n'; exit 1", 1)
        }),
        ("many-files", &["for i in $(seq 30); do echo $i > f$i; done"], published),
    ];
    let mut plan =
        Plan::default().repository("validate: [\"test ! -e invalid\"], protected_paths: [\".github/**\"]");
    for (name, commands, _) in &cases {
        plan = plan.automation(on_label(name, commands));
    }
    let world = plan.start().await;
    let issues: Vec<u64> = cases.iter().map(|_| world.issue("It greets nobody")).collect();
    for ((name, ..), issue) in cases.iter().zip(&issues) {
        world.sim.label_issue(OWNER, NAME, *issue, &format!("agent:{name}"), MAINTAINER).unwrap();
    }
    for ((name, _, (outcome, reason)), issue) in cases.iter().zip(issues) {
        let run = world.finished(issue).await;
        assert_eq!((&run["outcome"], &run["reason"]), (outcome, reason), "{name}: {run:#}");
        let opened = usize::from(*outcome == "succeeded");
        assert_eq!(world.pulls_for(issue).len(), opened, "{name}");
        insta::assert_snapshot!(format!("comment_{name}"), comment(&world.our_comment(issue)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_was_emptied_is_not_offered_as_a_result() {
    needs_sandbox!();
    let world = Plan::running(&["rm -rf /workspace/* /workspace/.??*; rm -rf /workspace; ls -A /workspace"])
        .start()
        .await;
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    insta::assert_snapshot!("comment_emptied", comment(&world.our_comment(issue)));
    assert_eq!((&run["outcome"], &run["reason"]["reason"]), (&json!("failed"), &json!("result_refused")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_hangs_is_killed_at_the_timeout_with_its_whole_tree() {
    needs_sandbox!();
    let marker = marker(10);
    let hang = format!("setsid sh -c 'trap \"\" TERM; sleep {marker}' & sleep {marker}");
    let yaml = automation("fix", &[&hang], "").replace("timeout: 60s", "timeout: 2s");
    let world = Plan::default().automation(yaml).start().await;
    let issue = world.labelled_issue();
    world.wait("the processes of the run", async || (running_with(&marker).len() > 2).then_some(())).await;
    let run = world.finished(issue).await;
    assert_eq!(
        (&run["outcome"], &run["reason"]),
        (&json!("failed"), &json!({ "reason": "timed_out", "after_seconds": 2 }))
    );
    wait_until_none_runs_with(&marker, Duration::from_secs(1)).await;
    let said = comment(&world.our_comment(issue)).replace(&marker, "<long>");
    insta::assert_snapshot!("comment_timed_out", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_of_output_stays_bounded() {
    needs_sandbox!();
    let world =
        Plan::running(&["head -c 1000000000 /dev/zero | tr '\\0' x", "echo after", "exit 4"]).start().await;
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(run["commands"].as_array().unwrap().len(), 3, "{run:#}");
    let peak = peak_memory(world.pid());
    assert!(peak < 400 << 20, "the process needed {} MiB", peak >> 20);
    let (log, gap) = whole_log(&world, run["id"].as_str().unwrap()).await;
    let size: usize = log.iter().map(String::len).sum();
    println!("log of a gigabyte: {size} bytes; peak memory {} MiB", peak >> 20);
    assert!(gap, "it says that lines are missing");
    assert!(size < 6 << 20, "{size} bytes");
    assert_eq!(log.first().map(|line| &line[..6]), Some("$ head"));
    assert!(log.iter().any(|line| line.contains("bytes of output were left out")), "{:?}", log.last());
    assert!(log.iter().any(|line| line == "after"));
    assert!(world.our_comment(issue).len() < 65_536);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_short_lines_stays_bounded_too() {
    needs_sandbox!();
    let world = Plan::running(&["yes | head -c 200000000", "exit 4"])
        .settings("workers: { output: 1MiB }")
        .start()
        .await;
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(run["commands"][0]["exit_code"], 0, "{run:#}");
    let peak = peak_memory(world.pid());
    assert!(peak < 400 << 20, "the process needed {} MiB", peak >> 20);
    let (log, _) = whole_log(&world, run["id"].as_str().unwrap()).await;
    println!("log of short lines: {} lines; peak memory {} MiB", log.len(), peak >> 20);
    assert!(log.iter().map(String::len).sum::<usize>() < 6 << 20);
}

/// The most memory that a process ever had, in bytes.
fn peak_memory(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

async fn whole_log(world: &World, run: &str) -> (Vec<String>, bool) {
    let (mut lines, mut gap, mut from) = (Vec::new(), false, 0);
    loop {
        let (status, part) = world.api(&format!("runs/{run}/logs?from={from}")).await;
        assert_eq!(status, 200, "{part}");
        let texts =
            part["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned());
        lines.extend(texts);
        gap |= part["gap"] == true;
        from = part["next"].as_i64().unwrap();
        if part["end"] == true {
            return (lines, gap);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_gone_at_the_start_of_its_run() {
    needs_sandbox!();
    let world = Plan::running(&["true"]).start().await;
    for path in ["/repos/acme/api/git/ref/*", "/repos/acme/api"] {
        world.sim.fault(FaultOrder::once("GET", path, Fault::Status { status: 404 }).times(9)).unwrap();
    }
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(
        (&run["outcome"], &run["reason"]),
        (&json!("failed"), &json!({ "reason": "repository_not_found" }))
    );
    insta::assert_snapshot!("comment_repository_not_found", comment(&world.our_comment(issue)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_was_revoked_before_its_run_started() {
    needs_sandbox!();
    let world = Plan::running(&["true"]).start().await;
    let revoked = FaultOrder::once("GET", "/repos/acme/api/git/ref/*", Fault::Status { status: 401 });
    world.sim.fault(revoked.times(9)).unwrap();
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(
        (&run["outcome"], &run["reason"]),
        (&json!("failed"), &json!({ "reason": "credential_refused" }))
    );
    insta::assert_snapshot!("comment_credential_refused", comment(&world.our_comment(issue)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_missing() {
    needs_sandbox!();
    let world = Plan::running(&["true"]).start().await;
    world.sim.change_repo(OWNER, NAME, |repository| repository.default_branch = "gone".to_owned()).unwrap();
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(
        (&run["outcome"], &run["reason"]),
        (&json!("failed"), &json!({ "reason": "branch_missing", "branch": "gone" }))
    );
    insta::assert_snapshot!("comment_branch_missing", comment(&world.our_comment(issue)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_credential_nothing_starts_and_the_decision_says_so() {
    let world = Plan::running(&["true"]).forge_token("not-the-token").start().await;
    let issue = world.labelled_issue();
    let labelled = decided(&world).await;
    assert_eq!(labelled["decisions"][0]["verdict"], "error", "{labelled:#}");
    insta::assert_snapshot!(
        "decision_credential_refused",
        labelled["decisions"][0]["sentence"].as_str().unwrap()
    );
    assert!(world.all("runs").await.is_empty() && world.our_comments(issue).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_our_account_may_not_see() {
    let world = Plan::running(&["true"]).forge_token("of-an-outsider").start().await;
    world.sim.add_token("outsider", "of-an-outsider");
    world
        .sim
        .change_repo(OWNER, NAME, |repository| {
            repository.private = true;
            repository.permissions.insert("outsider".to_owned(), Permission::None);
        })
        .unwrap();
    let issue = world.labelled_issue();
    let labelled = decided(&world).await;
    let verdict = labelled["decisions"][0]["verdict"].as_str().unwrap().to_owned();
    assert!(["denied", "error"].contains(&verdict.as_str()), "{labelled:#}");
    insta::assert_snapshot!(
        "decision_repository_hidden",
        labelled["decisions"][0]["sentence"].as_str().unwrap()
    );
    assert!(world.all("runs").await.is_empty(), "{REPO}");
    assert!(world.our_comments(issue).is_empty());
}

/// The delivery of the label, once it was decided.
async fn decided(world: &World) -> Value {
    let id = world
        .wait("the label's delivery", async || {
            let (_, list) = world.api("deliveries").await;
            let labelled =
                list["items"].as_array()?.iter().find(|row| row["event"] == "issue.labeled")?.clone();
            Some(labelled["id"].as_str()?.to_owned())
        })
        .await;
    world.delivery(&id).await
}
