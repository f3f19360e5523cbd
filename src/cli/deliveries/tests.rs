//! Tail, replay and send against a server that answers as Pullwright does, and as it does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::{CommandFactory, Parser};
use insta::assert_snapshot;
use miette::Diagnostic;
use schemas::{Clock, SystemClock};
use senders::{GitHub, Sender};
use serde_json::{Value, json};

use crate::cli::args::Args;
use crate::cli::output::Output;
use crate::cli::{CliError, Ending, dispatch_to};

const ONE: &str = "01900000-0000-7000-8000-000000000001";
const TWO: &str = "01900000-0000-7000-8000-000000000002";
const THREE: &str = "01900000-0000-7000-8000-000000000003";
const SECRET: &str = "a secret of the tests";

fn row(id: &str, actor: &str) -> Value {
    json!({ "id": id, "webhook": "github", "received_at": "2026-01-02T03:04:05Z", "status": "decided",
        "event": "issue.labeled", "work_item": "github:acme/api#12", "actor": actor, "decisions": { "matched": 1 } })
}

fn event(id: &str, actor: &str) -> String {
    format!("event: delivery\nid: {id}\ndata: {}\n\n", row(id, actor))
}

/// A server that goes away twice, sends something again after that, and then refuses the token.
async fn tail(State(asked): State<Arc<AtomicUsize>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let stream = match asked.fetch_add(1, Ordering::SeqCst) {
        0 => {
            assert_eq!(query, "webhook=github");
            format!("event: start\nid: {ONE}\ndata: {{}}\n\n:\n\n{}", event(TWO, "e\u{9b}2Jve"))
        }
        1 => {
            assert_eq!(query, format!("after={TWO}&webhook=github"));
            format!(
                "event: later\ndata: x\n\n{}{}{}",
                event(ONE, "old"),
                event(TWO, "again"),
                event(THREE, "ann")
            )
        }
        _ => return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "no" }))).into_response(),
    };
    ([("content-type", "text/event-stream")], stream).into_response()
}

async fn one(Path(id): Path<String>, State(asked): State<Arc<AtomicUsize>>) -> Response {
    // Twice it is not decided yet.
    if asked.fetch_add(1, Ordering::SeqCst) < 2 {
        return (StatusCode::NOT_FOUND, Json(json!({ "error": "there is no such delivery" })))
            .into_response();
    }
    let event = json!({ "type": "issue.labeled", "work_item": "github:acme/api#12",
        "actor": { "id": "1", "login": "ann", "kind": "human" } });
    let quarantined = id == THREE;
    Json(json!({
        "id": id, "webhook": "github", "received_at": "2026-01-02T03:04:05Z",
        "status": if quarantined { "quarantined" } else { "decided" },
        "duplicate_of": null, "replay_of": ONE, "rule_set": "abc", "size": 812, "headers": {},
        "error": if quarantined { json!("the body is no JSON object") } else { Value::Null },
        "event": if quarantined { Value::Null } else { event }, "decisions": [], "runs": [],
    }))
    .into_response()
}

async fn explain(Path(id): Path<String>) -> Json<Value> {
    let fix = json!({ "automation": "fix", "verdict": "matched", "sentence": "every clause held" });
    Json(json!({ "decisions": if id == THREE { vec![] } else { vec![fix] } }))
}

async fn replay(Path(id): Path<String>, RawQuery(query): RawQuery) -> Response {
    match id.as_str() {
        ONE => {
            assert_eq!(query.as_deref(), Some("observe=true"));
            (StatusCode::ACCEPTED, Json(json!({ "delivery": TWO, "replay_of": ONE, "observe": true })))
                .into_response()
        }
        TWO => {
            assert_eq!(query.as_deref(), Some("observe=false"));
            (StatusCode::ACCEPTED, Json(json!({ "delivery": THREE, "replay_of": ONE, "observe": false })))
                .into_response()
        }
        _ => (StatusCode::GONE, Json(json!({ "error": "the body is no longer stored" }))).into_response(),
    }
}

/// The door, which says no as ingress does.
async fn receive(Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let no = |status: StatusCode, error: &str| (status, Json(json!({ "error": error }))).into_response();
    if headers.contains_key("authorization") {
        return no(StatusCode::BAD_REQUEST, "the API's token is none of a webhook's business");
    }
    let sender = Sender::GitHub(GitHub::new(vec![SECRET.into()]).unwrap());
    if name != "github" {
        return no(StatusCode::NOT_FOUND, "there is no webhook of this name");
    }
    if sender.verify(&headers, &body, SystemClock::new().now()).is_err() {
        return no(StatusCode::UNAUTHORIZED, "the signature is missing or wrong");
    }
    if body.starts_with(b"[") {
        return no(StatusCode::BAD_REQUEST, "nested\u{1b} too deep");
    }
    assert_eq!(
        headers["x-github-event"],
        if body.starts_with(b"{\"own") { "issues" } else { "issue_comment" }
    );
    assert!(headers.contains_key("x-github-delivery") && headers["content-type"] == "application/json");
    (StatusCode::ACCEPTED, Json(json!({ "delivery": TWO }))).into_response()
}

async fn serve() -> String {
    let router = Router::new()
        .route("/api/v1/deliveries/tail", get(tail))
        .route("/api/v1/deliveries/{id}", get(one))
        .route("/api/v1/deliveries/{id}/explain", get(explain))
        .route("/api/v1/deliveries/{id}/replay", post(replay))
        .route("/webhooks/{name}", post(receive))
        .with_state(Arc::new(AtomicUsize::new(0)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A folder with a configuration; its secret is in `SECRET`.
fn configured() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = "webhooks:
  github: { kind: github, secret: \"${env:SECRET}\" }
  former: { kind: github, secret: \"${env:SECRET}\", connection: github }
  tool: { kind: generic, scheme: { bearer: \"${env:SECRET}\" }, mapping: { type: dispatch.received } }
  shop: { kind: jira, secret: \"${env:SECRET}\" }
connections:
  github: { kind: github, auth: { token: \"${env:NOT_NEEDED_HERE}\" } }
";
    std::fs::write(folder.path().join("pullwright.yaml"), config).unwrap();
    folder
}

async fn call_with(args: &[&str], secret: &str, terminal: bool) -> (Result<Ending, CliError>, String) {
    let server = serve().await;
    let folder = configured();
    std::fs::write(folder.path().join("own.json"), "{\"own\": 1}").unwrap();
    std::fs::write(folder.path().join("deep.json"), "[[[]]]").unwrap();
    let Args { global, command } =
        Args::try_parse_from(["pullwright", "deliveries"].iter().chain(args)).unwrap();
    let env = BTreeMap::from(
        [
            ("PWD", folder.path().to_str().unwrap()),
            ("PULLWRIGHT_SERVER", &server),
            ("PULLWRIGHT_TOKEN", "right"),
            ("SECRET", secret),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let mut text = Vec::new();
    let result = dispatch_to(command, &global, &env, &mut Output::to(&mut text, global.json, terminal)).await;
    (result, String::from_utf8(text).unwrap().replace(&server, "<server>"))
}

async fn call(args: &[&str], terminal: bool) -> (Result<Ending, CliError>, String) {
    call_with(args, SECRET, terminal).await
}

#[tokio::test]
async fn a_tail_goes_on_after_a_restart_and_repeats_nothing() {
    let (result, text) = call(&["tail", "--webhook", "github"], true).await;
    assert!(result.unwrap_err().to_string().contains("refuses the token"));
    assert_snapshot!(text, @r"
    01900000-0000-7000-8000-000000000002  2026-01-02 03:04:05Z  github    issue.labeled         github:acme/api#12        e\u{9b}2Jve     1 matched
    01900000-0000-7000-8000-000000000003  2026-01-02 03:04:05Z  github    issue.labeled         github:acme/api#12        ann             1 matched
    ");
    let (_, json) = call(&["tail", "--webhook", "github", "--json"], false).await;
    let rows: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows, [row(TWO, "e\u{9b}2Jve"), row(THREE, "ann")]);
}

#[tokio::test]
async fn a_replay_prints_its_id_and_what_was_decided() {
    let (result, text) = call(&["replay", ONE, "--observe"], true).await;
    assert_eq!(result.unwrap(), Ending::Fine);
    assert_snapshot!(text, @r"
    delivery 01900000-0000-7000-8000-000000000002

    status        decided
    replay of     01900000-0000-7000-8000-000000000001
    event         issue.labeled
    work item     github:acme/api#12
    actor         ann (human)

    decisions
     AUTOMATION  VERDICT  BECAUSE
     fix         matched  every clause held
    ");
    let (result, text) = call(&["replay", TWO], true).await;
    assert_eq!(result.unwrap(), Ending::Problems);
    assert_snapshot!(text, @r"
    delivery 01900000-0000-7000-8000-000000000003

    status        quarantined
    replay of     01900000-0000-7000-8000-000000000001
    error         the body is no JSON object
    ");
    let (result, text) = call(&["replay", TWO, "--json"], false).await;
    assert_eq!(result.unwrap(), Ending::Problems);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["id"], THREE);
    let (result, _) = call(&["replay", THREE], true).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.ending()),
        ("the body is no longer stored", Ending::Problems)
    );
}

#[tokio::test]
async fn a_sample_is_signed_with_the_configured_secret() {
    for args in [
        &["send", "github", "comment.created", "--text", "/agent", "--set", "/issue/title=x"][..],
        // The same event by our word and by the sender's, with a body of one's own.
        &["send", "github", "issue.labeled", "--payload", "own.json"],
        &["send", "github", "issues", "--payload", "own.json"],
    ] {
        let (result, text) = call(args, true).await;
        assert_eq!(result.unwrap(), Ending::Fine, "{args:?}");
        assert!(text.starts_with(&format!("delivery {TWO}\n\nstatus")), "{text}");
        assert!(text.contains("every clause held"), "{text}");
    }
}

#[tokio::test]
async fn without_an_event_the_samples_are_listed() {
    let (result, text) = call(&["send", "github"], true).await;
    assert_eq!(result.unwrap(), Ending::Fine);
    assert_snapshot!(text);
    let (_, text) = call(&["send", "shop", "--json"], false).await;
    assert_eq!(text, "[\"issue.opened\",\"issue.transitioned\",\"issue.labeled\",\"comment.created\"]\n");
}

#[tokio::test]
async fn what_was_not_delivered_is_said_with_what_to_do() {
    let mut all = String::new();
    for (secret, args) in [
        (SECRET, &["githup", "issue.opened"][..]),
        (SECRET, &["nowhere", "issue.opened"]),
        (SECRET, &["github", "issue.labelled"]),
        (SECRET, &["github", "rocket.launched"]),
        (SECRET, &["shop", "push"]),
        (SECRET, &["tool"]),
        (SECRET, &["tool", "dispatch.received"]),
        (SECRET, &["github", "push", "--label", "bug"]),
        (SECRET, &["github", "issue.opened", "--item", "PAY-31"]),
        (SECRET, &["github", "issue.opened", "--set", "/issues/0/title=x"]),
        (SECRET, &["github", "--payload", "own.json"]),
        (SECRET, &["github", "alert.triggered", "--payload", "own.json"]),
        (SECRET, &["github", "issues", "--payload", "missing.json"]),
        (SECRET, &["github", "issues", "--payload", "deep.json"]),
        (SECRET, &["former", "issue.opened"]),
        ("another secret", &["github", "comment.created"]),
    ] {
        let args: Vec<&str> = ["send"].iter().chain(args).copied().collect();
        let (result, text) = call_with(&args, secret, true).await;
        assert_eq!(text, "", "{args:?}");
        let error = result.unwrap_err();
        assert_eq!(error.ending(), Ending::CouldNotRun, "{args:?}");
        let said = error.to_string();
        let said = said
            .split("http://")
            .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || ".:".contains(c)));
        let help = error.help().map(|help| help.to_string()).unwrap_or_default();
        all += &format!(
            "$ {}\n{}\n  help: {help}\n\n",
            args.join(" "),
            said.collect::<Vec<_>>().join("<server>")
        );
    }
    assert_snapshot!(all);
}

#[test]
fn the_help_teaches() {
    let mut all = String::new();
    for name in ["tail", "replay", "send"] {
        let mut command = Args::command().term_width(100);
        command.build();
        let deliveries = command.find_subcommand_mut("deliveries").unwrap();
        let help = deliveries.find_subcommand_mut(name).unwrap().render_help().to_string();
        all += &format!("{help}\n--------\n");
    }
    assert_snapshot!(all);
}
