//! The command line as a process, against a running Pullwright.

use forge_sim::Permission;
use serde_json::Value;

use crate::needs_sandbox;
use crate::support::{Plan, World, marker, redact};

/// Runs a command: exit code and what it printed to each stream.
async fn said(world: &World, args: &[&str]) -> (Option<i32>, String, String) {
    let output = world.cli(args).await;
    let text = |bytes: &[u8]| redact(&String::from_utf8_lossy(bytes), world);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A command that has to do what it should; its output.
async fn fine(world: &World, args: &[&str]) -> String {
    let (code, out, wrong) = said(world, args).await;
    assert_eq!(code, Some(0), "{args:?}: {out}{wrong}");
    out
}

/// The same without the times of its rows.
fn undated(text: &str) -> String {
    let time = |text: &str| text.len() == 20 && text.starts_with("20") && text.ends_with('Z');
    let cell = |cell: &str| match cell.len().checked_sub(20).and_then(|at| cell.split_at_checked(at)) {
        Some((before, end)) if time(end) => format!("{before}<time>"),
        _ => cell.to_owned(),
    };
    let line = |line: &str| line.split('\t').map(cell).collect::<Vec<_>>().join("\t");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_details_and_explanations_of_one_run() {
    needs_sandbox!();
    let world = Plan::running(&["echo to the log", "echo x > x"]).without_webhook().start().await;
    let issue = world.issue("It greets nobody");
    let body = world.labelled_payload(issue).to_string();
    let delivery = world.deliver("issues", "guid-1", body.as_bytes()).await.delivery();
    let run = world.finished(issue).await;
    let run = run["id"].as_str().unwrap();

    let mut all = String::new();
    for args in [
        &["deliveries", "list"][..],
        &["deliveries", "explain", &delivery],
        &["runs", "list", "--state", "done"],
        &["runs", "list", "--state", "active"],
        &["automations", "list"],
    ] {
        let out = fine(&world, args).await;
        let args = args.join(" ").replace(&delivery, "<id>");
        all += &format!("$ pullwright {args}\n{}\n\n", undated(&out));
    }
    insta::assert_snapshot!("cli_tables", all);

    let shown = fine(&world, &["deliveries", "show", &delivery]).await;
    for part in ["x-github-event", "issue.labeled", "matched", "maintainer (human)"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = fine(&world, &["runs", "show", run]).await;
    for part in
        ["done", "succeeded", "The pull request is open.", "echo x > x", "open_pull_request", "workspace"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let log = fine(&world, &["runs", "logs", run, "--follow"]).await;
    assert!(
        log.contains("$ echo to the log") && log.lines().any(|line| line.ends_with("to the log")),
        "{log}"
    );

    // Every answer is JSON when asked for, on standard output alone.
    for args in [
        &["deliveries", "list", "--json"][..],
        &["deliveries", "show", &delivery, "--json"],
        &["deliveries", "explain", &delivery, "--json"],
        &["runs", "list", "--json"],
        &["runs", "show", run, "--json"],
        &["automations", "list", "--json"],
    ] {
        let output = world.cli(args).await;
        let json: Result<Value, _> = serde_json::from_slice(&output.stdout);
        assert!(output.status.success() && json.is_ok(), "{args:?}: {output:?}");
    }
    let lines = world.cli(&["runs", "logs", run, "--json"]).await.stdout;
    let lines = String::from_utf8(lines).unwrap();
    assert!(
        lines.lines().count() >= 3 && lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{lines}"
    );

    // Too late is a found problem, as is an id of nothing.
    let (code, _, wrong) = said(&world, &["runs", "cancel", run]).await;
    assert_eq!(code, Some(1), "{wrong}");
    assert!(wrong.contains("too late"), "{wrong}");
    let nobody = "01234567-89ab-7def-8123-456789abcdef";
    let (code, _, wrong) = said(&world, &["runs", "show", nobody]).await;
    assert_eq!(code, Some(1), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_from_the_command_line() {
    needs_sandbox!();
    let world = Plan::running(&[&format!("sleep {}", marker(30))]).start().await;
    let issue = world.labelled_issue();
    let run = world.running(issue).await;
    let out = fine(&world, &["runs", "cancel", run["id"].as_str().unwrap()]).await;
    assert_eq!(out, "Requested: its worker ends it within seconds.");
    assert_eq!(world.finished(issue).await["outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_do_it_says_with_exit_code_2() {
    let mut world = Plan::running(&["true"]).start().await;
    std::fs::write(world.path("wrong.token"), "wrong").unwrap();
    let mut all = String::new();
    let refused = said(&world, &["runs", "list", "--token-file", "wrong.token"]).await;
    world.stop().await;
    for (what, (code, out, wrong)) in [
        ("the wrong token", refused),
        ("nobody there", said(&world, &["runs", "list"]).await),
        ("no such command", said(&world, &["deploy"]).await),
        ("no id", said(&world, &["runs", "show", "12"]).await),
        ("no address", said(&world, &["runs", "list", "--server", "ftp://x"]).await),
    ] {
        assert_eq!(code, Some(2), "{what}: {out}{wrong}");
        assert_eq!(out, "", "{what}");
        all += &format!("--- {what}\n{wrong}\n\n");
    }
    insta::assert_snapshot!("cli_could_not", all);
}

#[tokio::test(flavor = "multi_thread")]
async fn help_of_every_command() {
    let world = Plan::default().prepare().await;
    let mut all = String::new();
    for command in [
        "",
        "up",
        "ingress",
        "dispatcher",
        "worker",
        "init",
        "check",
        "test",
        "backtest",
        "doctor",
        "deliveries",
        "deliveries list",
        "deliveries show",
        "deliveries explain",
        "runs",
        "runs list",
        "runs show",
        "runs logs",
        "runs approve",
        "runs cancel",
        "budgets",
        "automations",
        "automations list",
        "automations show",
        "schedules",
        "schedules next",
        "workers",
        "workers list",
        "workers enrol",
        "workers drain",
        "workers revoke",
    ] {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let out = fine(&world, &args).await;
        all += &format!("$ pullwright {}\n{out}\n\n", args.join(" "));
    }
    insta::assert_snapshot!("cli_help", all);
}

/// State and name of every check of the doctor.
fn checks(json: &str) -> Vec<(String, String)> {
    let json: Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("{json}"));
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    json.as_array().unwrap().iter().map(|check| (text(check, "state"), text(check, "name"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_with_the_forge() {
    needs_sandbox!();
    let plan = || {
        Plan::default().automation(crate::support::automation(
            "fix",
            &["true"],
            "    repos: [\"github/acme/api\"]\n",
        ))
    };
    let well = plan().prepare().await;
    let (code, out, wrong) = said(&well, &["doctor", "--json"]).await;
    assert_eq!(code, Some(0), "{out}{wrong}");
    let found = checks(&out);
    assert!(found.iter().any(|(_, name)| name == "repository github/acme/api"), "{found:?}");
    assert!(found.iter().any(|(state, name)| state == "ok" && name == "sandbox"), "{found:?}");

    let refused = plan().forge_token("not-the-token").prepare().await;
    let (code, out, _) = said(&refused, &["doctor"]).await;
    assert_eq!(code, Some(1), "{out}");
    let said_of_it = out.lines().find(|line| line.starts_with("FAIL")).unwrap_or_default().to_owned();
    assert!(said_of_it.contains("connection github") && said_of_it.contains("make a new token"), "{out}");

    let weak = plan().forge_token("of-a-reader").prepare().await;
    weak.sim.add_token("reader", "of-a-reader");
    weak.sim.add_user("reader", "acme", "api", Permission::Read).unwrap();
    let (code, out, _) = said(&weak, &["doctor"]).await;
    assert_eq!(code, Some(1), "{out}");
    let said_of_it = out.lines().find(|line| line.starts_with("FAIL")).unwrap_or_default().to_owned();
    assert!(said_of_it.contains("may not push"), "{out}");
}
