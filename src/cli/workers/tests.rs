//! `workers` against a server that answers as the API does.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::skew;
use crate::cli::args::Args;
use crate::cli::output::Output;
use crate::cli::{CliError, Ending, dispatch_to};

const RUN: &str = "01900000-0000-7000-8000-000000000001";

fn row(name: &str, state: &str) -> Value {
    json!({ "name": name, "pool": "gpu", "state": state, "draining": false,
        "last_seen_at": "2026-01-02T03:04:05Z", "slots": 4, "holds": [RUN], "software": "pullwright 0.1.0", "skew_ms": 312, "invited_at": "2026-01-01T00:00:00Z",
        "enrolled_at": "2026-01-01T00:00:10Z", "credential_expires_at": "2026-01-31T00:00:10Z", "revoked_at": null })
}

async fn serve() -> String {
    let invited = json!({ "name": "new", "state": "invited", "draining": false, "last_seen_at": null, "slots": 0,
        "holds": [], "software": "", "skew_ms": null, "invited_at": "2026-01-02T00:00:00Z", "enrolled_at": null,
        "credential_expires_at": null, "revoked_at": null });
    let list = json!({ "items": [row("build-1", "online"), row("gpu-e\u{1b}[2J", "draining"), invited] });
    let enrol = async |Json(body): Json<Value>| {
        assert_eq!(body, json!({ "name": "build-2", "pool": "gpu" }));
        let token =
            json!({ "name": "build-2", "token": "build-2.abc", "expires_at": "2026-01-02T04:04:05Z" });
        (StatusCode::CREATED, Json(token))
    };
    let router = Router::new()
        .route("/api/v1/workers", get(async || Json(list)))
        .route("/api/v1/workers/build-1", get(async || Json(row("build-1", "online"))))
        .route("/api/v1/workers/enrolments", post(enrol))
        .route("/api/v1/workers/build-1/drain", post(async || Json(row("build-1", "draining"))))
        .route("/api/v1/workers/build-1/resume", post(async || Json(row("build-1", "online"))))
        .route("/api/v1/workers/build-1/revoke", post(async || Json(row("build-1", "revoked"))))
        .fallback(async || (StatusCode::NOT_FOUND, Json(json!({ "error": "there is no worker `build-9`" }))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn call(line: &str, terminal: bool) -> (Result<Ending, CliError>, String) {
    let Args { global, command } = Args::try_parse_from(format!("pullwright {line}").split(' ')).unwrap();
    let env = BTreeMap::from([
        ("PULLWRIGHT_SERVER".to_owned(), serve().await),
        ("PULLWRIGHT_TOKEN".to_owned(), "right".to_owned()),
    ]);
    let mut text = Vec::new();
    let result = {
        let mut out = Output::to(&mut text, global.json, terminal);
        dispatch_to(command, &global, &env, &mut out).await
    };
    (result, String::from_utf8(text).unwrap())
}

async fn shown(line: &str) -> String {
    let (result, text) = call(line, true).await;
    assert_eq!(result.unwrap(), Ending::Fine);
    text
}

#[tokio::test]
async fn workers_in_a_table_and_in_a_pipe() {
    assert_snapshot!(shown("workers list").await, @r"
    NAME            POOL     STATE     LAST SEEN             BUSY    CLOCK  SOFTWARE
    build-1         gpu      online    2026-01-02 03:04:05Z  1 of 4  +0.3s  pullwright 0.1.0
    gpu-e\u{1b}[2J  gpu      draining  2026-01-02 03:04:05Z  1 of 4  +0.3s  pullwright 0.1.0
    new             default  invited                         0 of 0
    ");
    let (result, text) = call("workers list", false).await;
    assert_eq!(result.unwrap(), Ending::Fine);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "build-1\tgpu\tonline\t2026-01-02 03:04:05Z\t1 of 4\t+0.3s\tpullwright 0.1.0");
    assert_eq!(lines[2], "new\tdefault\tinvited\t\t0 of 0\t\t");
    let list: Value = serde_json::from_str(&shown("workers list --json").await).unwrap();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn one_worker() {
    assert_snapshot!(shown("workers show build-1").await, @r"
    name              build-1
    pool              gpu
    state             online
    last seen         2026-01-02 03:04:05Z
    slots             4
    clock             +0.3s
    software          pullwright 0.1.0
    asked in          2026-01-01 00:00:00Z
    enrolled          2026-01-01 00:00:10Z
    credential until  2026-01-31 00:00:10Z

    holds
     RUN
     01900000-0000-7000-8000-000000000001
    ");
}

#[tokio::test]
async fn a_token_stands_alone_on_standard_output() {
    assert_eq!(shown("workers enrol build-2 --pool gpu").await, "build-2.abc\n");
}

#[tokio::test]
async fn drained_resumed_revoked() {
    let mut said = String::new();
    for verb in ["drain", "resume", "revoke"] {
        said += &shown(&format!("workers {verb} build-1")).await;
    }
    assert_snapshot!(said, @r"
    It gets no more runs; those that it holds it finishes.
    It gets runs again.
    It is shut out; its runs go to others.
    ");
    let (result, _) = call("workers revoke build-9", true).await;
    let error = result.unwrap_err();
    assert_eq!(error.ending(), Ending::Problems);
    assert_eq!(error.to_string(), "there is no worker `build-9`");
}

#[test]
fn a_name_never_leaves_its_place_in_an_address() {
    for name in ["", "../runs", "a/b", "A", "9a", "a?b", "a%2f"] {
        Args::try_parse_from(["pullwright", "workers", "show", name]).unwrap_err();
    }
}

#[test]
fn a_clock_that_is_ahead_and_one_that_is_behind() {
    assert_eq!([skew(0), skew(312), skew(-12_040)], ["+0.0s", "+0.3s", "-12.0s"]);
}
