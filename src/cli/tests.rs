//! The commands against a server that answers as the API does, and as it does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::args::{Args, CheckArgs};
use super::*;

const ONE: &str = "01900000-0000-7000-8000-000000000001";
const TWO: &str = "01900000-0000-7000-8000-000000000002";

fn run_row() -> Value {
    json!({
        "id": ONE, "automation": "fix", "work_item": "github:acme/api#12", "repository": "github/acme/api",
        "delivery": TWO, "state": "done", "gate": null, "step": null, "outcome": "failed",
        "reason": { "reason": "command_failed", "command": "make", "exit_code": 2 },
        "sentence": "The command `make` failed with exit code 2.", "cancel_requested": false,
        "created_at": "2026-01-02T03:04:05Z", "started_at": "2026-01-02T03:04:06Z",
        "finished_at": "2026-01-02T03:06:11.500Z", "url": null
    })
}

fn with(mut base: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}

async fn deliveries() -> Json<Value> {
    Json(json!({ "next": ONE, "items": [
        { "id": TWO, "webhook": "github", "received_at": "2026-01-02T03:04:05Z", "status": "decided",
          "event": "issue.labeled", "work_item": "github:acme/api#12", "actor": "ann",
          "decisions": { "matched": 1, "not_matched": 2 } },
        { "id": ONE, "webhook": "github", "received_at": "2026-01-02T03:04:04Z", "status": "quarantined",
          "event": null, "work_item": null, "actor": "e\u{1b}]0;evil\u{7}ve", "decisions": {} },
    ] }))
}

async fn delivery() -> Json<Value> {
    Json(json!({
        "id": TWO, "webhook": "github", "received_at": "2026-01-02T03:04:05Z", "status": "decided",
        "duplicate_of": null, "error": null, "rule_set": "abc", "size": 812,
        "headers": { "x-github-event": "issues", "user-agent": "GitHub-Hookshot/1\u{9b}2J" },
        "event": { "type": "issue.labeled", "work_item": "github:acme/api#12",
                   "actor": { "id": "1", "login": "ann", "kind": "human" } },
        "decisions": [{ "automation": "fix", "verdict": "matched", "run": ONE,
                        "sentence": format!("every clause held; run {ONE}") }],
        "runs": [ONE]
    }))
}

async fn explain() -> Json<Value> {
    Json(json!({ "rule_set": "abc", "rule_set_changed": false, "decisions": [
        { "automation": "fix", "verdict": "matched", "sentence": "every clause held" },
        { "automation": "other", "verdict": "not_matched", "clause": "label_command", "wants": "`a`", "value": "`b`",
          "sentence": "`label_command` wants `a`, the event has `b`" },
    ] }))
}

async fn runs(Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    assert_eq!(query["limit"], "50");
    let state = query.get("state").map_or("done", String::as_str);
    let row = match state {
        "active" => with(
            run_row(),
            json!({ "state": "active", "step": "commands", "outcome": null, "sentence": null, "cancel_requested": true }),
        ),
        _ => run_row(),
    };
    Json(json!({ "next": null, "items": [row] }))
}

async fn one_run() -> Json<Value> {
    Json(with(
        run_row(),
        json!({
            "branch": "pullwright/fix-12", "base_branch": "main", "base": null, "head": null, "epoch": 1, "worker": "local",
            "workers_lost": 0, "trace": "", "diff": null, "pull_request": null,
            "steps": [{ "step": "workspace", "micros": 71_234 }, { "step": "commands", "micros": 125_000_000 }],
            "commands": [{ "phase": "commands", "command": "make", "exit_code": 2, "duration_ms": 1520 }],
            "intents": [{ "kind": "create_comment", "state": "done", "attempts": 1, "result": "https://github.com/c/1" }],
        }),
    ))
}

async fn backtest(Json(question): Json<Value>) -> Json<Value> {
    assert!(question["since"].is_string() && question["files"].is_null());
    let example = |change: &str, because: &str| {
        json!({ "change": change, "delivery": ONE, "event": "issue.labeled", "work_item": "github:acme/api#12",
                "because": because })
    };
    Json(json!({ "rule_set": "abc", "events": 1204, "cut_at": null, "automations": [
        { "automation": "fix", "events": 40, "before": 12, "after": 13, "gained": 3, "lost": 2, "changed": 1, "unknown": 4,
          "cost_before": 14.4, "cost_after": 15.6,
          "examples": [
              example("gained", "`labels.none` wants none of wontfix, the event has `@ana` wontfix\u{1b}[2J"),
              example("lost", "it does not listen to this any more"),
          ] },
        { "automation": "other", "events": 2, "before": 0, "after": 0, "gained": 0, "lost": 0, "changed": 0, "unknown": 0,
          "cost_before": null, "cost_after": null, "examples": [] },
    ] }))
}

/// Three parts: lines, nothing yet, lines; then the end.
async fn logs(State(asked): State<Arc<AtomicUsize>>) -> Json<Value> {
    let line = |stream: &str, text: &str| json!({ "at": "2026-01-02T03:04:05.678Z", "stream": stream, "text": text });
    Json(match asked.fetch_add(1, Ordering::SeqCst) {
        0 => {
            json!({ "lines": [line("worker", "make"), line("stdout", "\u{1b}[32mok\u{1b}[0m\tfine")], "next": 1, "gap": false, "end": false })
        }
        1 => json!({ "lines": [line("stderr", "\u{1b}[2Jbad")], "next": 3, "gap": true, "end": false }),
        _ => json!({ "lines": [], "next": 3, "gap": false, "end": true }),
    })
}

fn automation() -> Value {
    json!({
        "id": TWO, "source": "github/acme/ops@0a1b2c3d4e5f:automations", "name": "weekly", "file": "a.yaml",
        "mode": "live", "on": ["schedule 0 6 * * MON"], "repos": ["github/acme/*"],
        "next_tick": "2026-01-05T05:00:00Z",
        "last_run": { "id": ONE, "standing": "succeeded", "created_at": "2026-01-02T03:04:05Z" },
        "automation": {
            "name": "weekly", "mode": "live",
            "on": [{ "schedule": "0 6 * * MON", "timezone": "Europe/Berlin" }],
            "repos": ["github/acme/*"], "run": { "commands": ["make update"] }, "output": { "pull_request": {} },
        },
    })
}

async fn schedules(Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let next = json!([{ "at": "2026-03-29T04:00:00Z", "local": "Sun 2026-03-29 06:00 CEST", "utc": "Sun 2026-03-29 04:00 UTC" }]);
    let row = json!({
        "automation": "weekly", "mode": "live", "schedule": "0 6 * * SUN", "timezone": "Europe/Berlin",
        "catch_up": "latest", "jitter_seconds": 600, "repositories": ["github/acme/*"],
        "since": "2026-01-01T00:00:00Z", "next": next,
        "last": { "tick": "2026-03-22T05:00:00Z", "state": "fired", "at": "2026-03-22T05:00:01Z",
                  "deliveries": [ONE, TWO], "runs": { "failed": 1, "succeeded": 1 } },
    });
    let other = with(
        row.clone(),
        json!({
            "automation": "nightly", "jitter_seconds": 0, "repositories": [], "next": [],
            "last": { "tick": "2026-03-22T05:00:00Z", "state": "skipped", "at": "2026-03-22T05:00:01Z", "deliveries": [], "runs": {} },
        }),
    );
    assert_eq!(query["count"], "1");
    let items = if query.contains_key("automation") { vec![row] } else { vec![row, other] };
    Json(json!({ "problem": null, "items": items }))
}

async fn guarded(
    headers: HeaderMap,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    if headers.get("authorization").is_some_and(|value| value == "Bearer right") {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": "a bearer token is needed" }))).into_response()
}

async fn serve() -> String {
    let refuse = |status: StatusCode, sentence: &'static str| {
        move || async move { (status, Json(json!({ "error": sentence }))) }
    };
    let router = Router::new()
        .route("/api/v1/deliveries", get(deliveries))
        .route(&format!("/api/v1/deliveries/{TWO}"), get(delivery))
        .route(&format!("/api/v1/deliveries/{TWO}/explain"), get(explain))
        .route("/api/v1/runs", get(runs))
        .route(&format!("/api/v1/runs/{ONE}"), get(one_run))
        .route(&format!("/api/v1/runs/{ONE}/logs"), get(logs))
        .route(&format!("/api/v1/runs/{ONE}/cancel"), post(async || Json(json!({ "cancel": "requested" }))))
        .route(&format!("/api/v1/runs/{TWO}/cancel"), post(refuse(StatusCode::CONFLICT, "too late: the run is over")))
        .route(&format!("/api/v1/deliveries/{ONE}"), get(refuse(StatusCode::NOT_FOUND, "there is no delivery\u{1b}[2J")))
        .route(&format!("/api/v1/deliveries/{ONE}/explain"), get(refuse(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")))
        .route(&format!("/api/v1/runs/{TWO}"), get(async || "<html>hello</html>"))
        .route("/api/v1/backtest", post(backtest))
        .route("/api/v1/automations", get(async || Json(json!({ "rule_set": "abc", "problem": "a.yaml:1:1: no\n", "items": [
            { "name": "fix", "file": "a.yaml", "mode": "live", "on": ["github issue.labeled"], "repos": ["github/acme/*"] },
        ] }))))
        .route("/api/v1/automations/weekly", get(async || Json(automation())))
        .route("/api/v1/schedules", get(schedules))
        .layer(axum::middleware::from_fn(guarded))
        .with_state(Arc::new(AtomicUsize::new(0)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn call(line: &str, server: &str, token: &str, terminal: bool) -> (Result<Ending, CliError>, String) {
    let Args { global, command } = Args::try_parse_from(format!("pullwright {line}").split(' ')).unwrap();
    let env = BTreeMap::from([
        ("PULLWRIGHT_SERVER".to_owned(), server.to_owned()),
        ("PULLWRIGHT_TOKEN".to_owned(), token.to_owned()),
    ]);
    let mut text = Vec::new();
    let result = {
        let mut out = Output::to(&mut text, global.json, terminal);
        dispatch_to(command, &global, &env, &mut out).await
    };
    (result, String::from_utf8(text).unwrap())
}

/// What a command prints on a terminal.
async fn shown(line: &str) -> String {
    let (result, text) = call(line, &serve().await, "right", true).await;
    assert_eq!(result.unwrap(), Ending::Fine);
    text
}

/// What it prints into a pipe.
async fn piped(line: &str) -> String {
    let (result, text) = call(line, &serve().await, "right", false).await;
    assert_eq!(result.unwrap(), Ending::Fine);
    text
}

#[tokio::test]
async fn deliveries_in_a_table_and_in_a_pipe() {
    assert_snapshot!(shown("deliveries list").await, @r"
    ID                                    RECEIVED       WEBHOOK  EVENT          WORK ITEM      ACTOR         DECISIONS
    01900000-0000-7000-8000-000000000002  2026-01-02     github   issue.labeled  github:acme/a  ann           1 matched, 2
                                          03:04:05Z                              pi#12                        not_matched
    01900000-0000-7000-8000-000000000001  2026-01-02     github                                 e\u{1b}]0;ev  quarantined
                                          03:04:04Z                                             il\u{7}ve
    ");
    assert_snapshot!(piped("deliveries list").await, @r"
    01900000-0000-7000-8000-000000000002	2026-01-02 03:04:05Z	github	issue.labeled	github:acme/api#12	ann	1 matched, 2 not_matched
    01900000-0000-7000-8000-000000000001	2026-01-02 03:04:04Z	github			e\u{1b}]0;evil\u{7}ve	quarantined
    ");
}

#[tokio::test]
async fn one_delivery() {
    assert_snapshot!(shown(&format!("deliveries show {TWO}")).await, @r"
    id            01900000-0000-7000-8000-000000000002
    webhook       github
    received      2026-01-02 03:04:05Z
    status        decided
    event         issue.labeled
    work item     github:acme/api#12
    actor         ann (human)
    size          812 bytes
    rule set      abc

    headers
    user-agent      GitHub-Hookshot/1\u{9b}2J
    x-github-event  issues

    decisions
     AUTOMATION  VERDICT  BECAUSE
     fix         matched  every clause held; run 01900000-0000-7000-8000-000000000001

    runs
     ID
     01900000-0000-7000-8000-000000000001
    ");
    assert_snapshot!(shown(&format!("deliveries explain {TWO}")).await, @r"
    AUTOMATION  VERDICT      BECAUSE
    fix         matched      every clause held
    other       not_matched  `label_command` wants `a`, the event has `b`
    ");
}

#[tokio::test]
async fn runs_in_a_table_and_in_a_pipe() {
    assert_snapshot!(shown("runs list").await, @r"
    ID                                    CREATED     STATE   AUTOMATION  WORK ITEM           RESULT
    01900000-0000-7000-8000-000000000001  2026-01-02  failed  fix         github:acme/api#12  The command `make` failed
                                          03:04:05Z                                           with exit code 2.
    ");
    assert_snapshot!(piped("runs list --state active").await, @r"
    01900000-0000-7000-8000-000000000001	2026-01-02 03:04:05Z	active: commands (cancelling)	fix	github:acme/api#12
    ");
}

#[tokio::test]
async fn one_run_and_its_log() {
    assert_snapshot!(shown(&format!("runs show {ONE}")).await, @r"
    id            01900000-0000-7000-8000-000000000001
    automation    fix
    work item     github:acme/api#12
    repository    github/acme/api
    delivery      01900000-0000-7000-8000-000000000002
    state         failed
    because       The command `make` failed with exit code 2.
    branch        pullwright/fix-12
    from          main
    created       2026-01-02 03:04:05Z
    started       2026-01-02 03:04:06Z
    finished      2026-01-02 03:06:11Z
    took          2m05s
    worker        local

    steps
     STEP       TOOK
     workspace  71ms
     commands   2m05s

    commands
     PHASE     EXIT  TOOK  COMMAND
     commands  2     1.5s  make

    writes to the forge
     WRITE           STATE  RESULT
     create_comment  done   https://github.com/c/1
    ");
    assert_snapshot!(shown(&format!("runs logs {ONE}")).await, @r"
    03:04:05 # make
    03:04:05   ok	fine
    … lines were dropped here: the log grew too long …
    03:04:05 ! \u{1b}[2Jbad
    ");
    assert_snapshot!(shown(&format!("runs cancel {ONE}")).await, @r"
    Requested: its worker ends it within seconds.
    ");
}

#[tokio::test]
async fn json_is_what_the_server_said() {
    let text = shown("deliveries list --json").await;
    assert!(!text.trim_end().chars().any(char::is_control), "{text:?}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), deliveries().await.0);
    let lines = shown(&format!("runs logs {ONE} --json")).await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["text"], "\u{1b}[2Jbad");
}

#[tokio::test]
async fn files_that_are_not_in_force_are_a_problem_found() {
    let (result, text) = call("automations list", &serve().await, "right", false).await;
    assert_eq!(result.unwrap(), Ending::Problems);
    assert_eq!(text, "fix\tlive\tgithub issue.labeled\tgithub/acme/*\ta.yaml\t\t\n");
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_a_sentence() {
    let server = serve().await;
    for (line, token, says, ending) in [
        ("runs list".to_owned(), "wrong", "refuses the token", Ending::CouldNotRun),
        (format!("deliveries show {ONE}"), "right", "there is no delivery\\u{1b}[2J", Ending::Problems),
        (
            format!("deliveries explain {ONE}"),
            "right",
            "answers 503: the database does not answer",
            Ending::CouldNotRun,
        ),
        (format!("runs cancel {TWO}"), "right", "too late: the run is over", Ending::Problems),
        (
            format!("runs show {TWO}"),
            "right",
            "answers, but not as Pullwright of this version does",
            Ending::CouldNotRun,
        ),
    ] {
        let error = call(&line, &server, token, true).await.0.unwrap_err();
        assert!(error.to_string().contains(says), "{line}: {error}");
        assert_eq!(error.ending(), ending, "{line}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = call("runs list", &format!("http://{free}"), "right", true).await.0.unwrap_err();
    assert_eq!(error.to_string(), format!("Pullwright is not running at http://{free}"));
    assert!(error.help().unwrap().to_string().contains("pullwright up"));
    for wrong in ["127.0.0.1:8080", "ftp://host", "nonsense", "http://host/?x=1"] {
        let error = call("runs list", wrong, "right", true).await.0.unwrap_err();
        assert!(error.to_string().ends_with("is no address of a server"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_breaks_off() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let error = call("runs list", &format!("http://{address}"), "right", true).await.0.unwrap_err();
    assert!(error.to_string().contains("the connection broke"), "{error}");
}

/// The time it begins at is the clock's of now.
fn without_times(text: &str) -> String {
    let times = text.split(' ').map(|word| match word {
        word if word.starts_with("20") && word.len() == 10 => "DAY",
        word if word.len() == 5 && word.find(':') == Some(2) => "TIME",
        word => word,
    });
    times.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_backtest_in_a_table_and_as_markdown() {
    assert_snapshot!(without_times(&piped("backtest --since 2d").await));
    assert_snapshot!(without_times(&shown("backtest --markdown").await));
    let (result, _) = call("backtest --fail-on lost,unknown", &serve().await, "right", true).await;
    assert_eq!(result.unwrap(), Ending::Problems);
}

#[tokio::test]
async fn address_and_token_come_from_the_configuration() {
    let server = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let address = server.strip_prefix("http://").unwrap();
    std::fs::write(folder.path().join("pullwright.yaml"), format!("listen: {{ webhooks: {address} }}\n"))
        .unwrap();
    let env = BTreeMap::from([("PWD".to_owned(), folder.path().display().to_string())]);
    let Args { global, command } = Args::parse_from(["pullwright", "runs", "list"]);
    let mut text = Vec::new();
    let error =
        dispatch_to(command, &global, &env, &mut Output::to(&mut text, false, false)).await.unwrap_err();
    assert!(error.to_string().ends_with("data/admin.token cannot be read"), "{error}");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/admin.token"), "right\n").unwrap();
    let Args { command, .. } = Args::parse_from(["pullwright", "runs", "list"]);
    let ending = dispatch_to(command, &global, &env, &mut Output::to(&mut text, false, false)).await;
    assert_eq!(ending.unwrap(), Ending::Fine);
    assert!(String::from_utf8(text).unwrap().starts_with(ONE));
}

#[tokio::test]
async fn schedules_with_their_next_times() {
    assert_snapshot!(shown("schedules --count 1").await);
    assert_snapshot!("schedules_piped", piped("schedules --count 1 --automation weekly").await);
}

#[tokio::test]
async fn an_automation_as_it_is_in_force() {
    assert_snapshot!(shown("automations show weekly").await);
}

#[test]
fn when_a_schedule_would_fire() {
    let clock = schemas::clock::FakeClock::new("2026-03-22T12:00:00Z".parse().unwrap(), 1);
    let next = |schedule: &str, zone: &str| {
        let mut text = Vec::new();
        let ending = schedules::next(schedule, zone, 3, &clock, &mut Output::to(&mut text, false, true));
        ending.map(|_| String::from_utf8(text).unwrap())
    };
    assert_snapshot!(next("30 2 * * SUN", "Europe/Berlin").unwrap(), @r"
    NEXT                       IN UTC
    Sun 2026-03-29 03:00 CEST  Sun 2026-03-29 01:00 UTC
    Sun 2026-04-05 02:30 CEST  Sun 2026-04-05 00:30 UTC
    Sun 2026-04-12 02:30 CEST  Sun 2026-04-12 00:30 UTC
    ");
    let help = |schedule: &str, zone: &str| {
        let error = next(schedule, zone).unwrap_err();
        format!("{error}: {}", error.help().unwrap())
    };
    assert_snapshot!(help("0 0 6 * * MON", "UTC"), @"the schedule has 6 fields: this is standard cron, without seconds or years: did you mean `0 6 * * MON`?");
    assert_snapshot!(help("@daily", "Europe/Belrin"), @"there is no time zone `Europe/Belrin`: did you mean `Europe/Berlin`?");
}

#[test]
fn check_shows_every_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let check = |json: bool| {
        let global = Global { json, ..Global::default() };
        let env = BTreeMap::from([("PWD".to_owned(), folder.path().display().to_string())]);
        let mut text = Vec::new();
        let ending =
            check::run(&CheckArgs::default(), &global, &env, &mut Output::to(&mut text, json, false));
        (ending.map_err(|error| error.to_string()), String::from_utf8(text).unwrap())
    };
    assert!(check(false).0.unwrap_err().starts_with("there is no configuration"));
    std::fs::write(folder.path().join("pullwright.yaml"), "webhoks: {}\n").unwrap();
    assert_eq!(check(false).0, Ok(Ending::Problems));
    std::fs::write(folder.path().join("pullwright.yaml"), "{}\n").unwrap();
    std::fs::create_dir(folder.path().join("automations")).unwrap();
    std::fs::write(folder.path().join("automations/a.yaml"), "version: 1\nautomation: []\n").unwrap();
    assert_eq!(check(false).0, Ok(Ending::Problems));
    let (ending, text) = check(true);
    assert_eq!(ending, Ok(Ending::Problems));
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["mistakes"],
        json!([{
            "file": "a.yaml", "line": 2, "column": 1,
            "message": "unknown key `automation`", "remedy": "did you mean `automations`?",
        }])
    );
    std::fs::write(folder.path().join("automations/a.yaml"), "version: 1\nautomations: []\n").unwrap();
    let (ending, text) = check(true);
    assert_eq!(ending, Ok(Ending::Fine));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["automations"], json!([]));
}
