//! A whole process's telemetry: log lines on standard error, OTLP to a collector, Prometheus text.
//!
//! Telemetry is process-wide, so each test starts this test binary again with another environment
//! and the one ignored test as the process under test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::mpsc;
use std::time::Duration;

use schemas::WebhookName;
use schemas::run::{Outcome, Step};
use telemetry::{Format, Options};
use tracing::field::Empty;

/// What the process under test does: two spans, some log lines, some metrics.
#[test]
#[ignore = "started by the other tests, in a process of its own"]
fn process_under_test() {
    let format = match std::env::var("TEST_FORMAT").as_deref() {
        Ok("human") => Format::Human,
        Ok("json") => Format::Json,
        _ => Format::Auto,
    };
    let telemetry = match telemetry::init(Options { service: "pullwright", version: "1.2.3", format }) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("refused: {error}");
            return;
        }
    };
    let delivery = tracing::info_span!("delivery", attempt = 1, delivery.id = Empty, state = Empty);
    delivery.record("delivery.id", "d1");
    delivery.record("state", "a}{\"b").record("attempt", 2);
    let trace = delivery.in_scope(|| {
        tracing::info_span!("decide", automation = "fix").in_scope(|| {
            let source = std::io::Error::other("disk full");
            let hostile = "x\u{1b}[2J";
            tracing::warn!(error = &source as &dyn std::error::Error, count = 3, target = hostile, %hostile, "odd\nline");
        });
        telemetry::trace::current()
    });
    drop(delivery);
    eprintln!("trace: {}", trace.0);
    tracing::debug!("too quiet to be seen");
    let meters = telemetry.meters();
    meters.webhook_answered(Some(&WebhookName::from("github")), 202, Duration::from_millis(3));
    meters.webhook_answered(None, 404, Duration::from_millis(1));
    meters.queue_depth(7);
    meters.runs_active(2);
    meters.run_ended(Outcome::Succeeded, Some(Duration::from_secs(40)));
    meters.run_ended(Outcome::Cancelled, None);
    meters.step_ended(Step::Workspace, Duration::from_millis(70));
    meters.forge_called("create_comment", "ok", Duration::from_millis(300));
    telemetry::Meters::global().queue_depth(8);
    for line in telemetry.metrics_text().lines() {
        eprintln!("metric: {line}");
    }
    telemetry.shutdown();
}

fn process(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_") || name == "RUST_LOG") {
        command.env_remove(name);
    }
    command.args(["--exact", "process_under_test", "--ignored", "--nocapture"]);
    command.envs(variables.iter().copied()).output().unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
}

fn marked<'a>(lines: &'a [String], mark: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.strip_prefix(mark)).collect()
}

#[test]
fn json_lines_name_their_trace() {
    for format in ["json", "auto"] {
        let lines = lines(&process(&[("TEST_FORMAT", format)]));
        let trace = marked(&lines, "trace: ")[0].split('-').nth(1).unwrap().to_owned();
        let events: Vec<serde_json::Value> =
            lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert_eq!(events.len(), 1, "{lines:#?}");
        let event = &events[0];
        assert_eq!(event["trace_id"], trace);
        assert_eq!(event["span_id"].as_str().unwrap().len(), 16);
        assert_eq!(event["message"], "odd\nline");
        assert_eq!(event["error"], "disk full");
        assert_eq!(event["count"], 3);
        assert_eq!(event["level"], "WARN");
        assert_eq!(event["target"], "process");
        assert_eq!(event["hostile"], "x\u{1b}[2J");
        assert_eq!(
            event["span"],
            serde_json::json!({
                "name": "decide", "automation": "fix", "attempt": 2, "delivery.id": "d1", "state": "a}{\"b"
            })
        );
    }
}

#[test]
fn human_lines_cannot_steer_the_terminal() {
    let lines = lines(&process(&[("TEST_FORMAT", "human")]));
    let line = lines.iter().find(|line| line.contains("WARN")).unwrap();
    assert!(line.contains("delivery.id=\"d1\"") && line.contains("disk full"), "{line}");
    assert!(!line.contains('\u{1b}') && line.contains("odd\\nline"), "{line:?}");
}

#[test]
fn rust_log_is_honoured_and_traces_go_on_without_log_lines() {
    let quiet = lines(&process(&[("RUST_LOG", "error"), ("TEST_FORMAT", "json")]));
    assert!(!quiet.iter().any(|line| line.starts_with('{')), "{quiet:#?}");
    assert_eq!(marked(&quiet, "trace: ")[0].len(), 55);
    let loud = lines(&process(&[("RUST_LOG", "process=debug"), ("TEST_FORMAT", "json")]));
    assert!(loud.iter().any(|line| line.contains("too quiet to be seen")), "{loud:#?}");
    let wrong = lines(&process(&[("RUST_LOG", "loud=please")]));
    assert_eq!(
        marked(&wrong, "refused: "),
        ["RUST_LOG is `loud=please`, which is no filter; write it like `info` or `info,worker=debug`"]
    );
}

#[test]
fn metrics_follow_the_conventions() {
    let lines = lines(&process(&[("TEST_FORMAT", "json")]));
    let metrics = marked(&lines, "metric: ");
    for expected in [
        "pullwright_webhook_requests_total{status=\"202\",webhook=\"github\"} 1",
        "pullwright_webhook_requests_total{status=\"404\",webhook=\"\"} 1",
        "pullwright_webhook_duration_seconds_count{webhook=\"github\"} 1",
        "pullwright_queue_deliveries 8",
        "pullwright_runs_active 2",
        "pullwright_runs_total{outcome=\"succeeded\"} 1",
        "pullwright_runs_total{outcome=\"cancelled\"} 1",
        "pullwright_run_duration_seconds_bucket{outcome=\"succeeded\",le=\"60\"} 1",
        "pullwright_run_duration_seconds_bucket{outcome=\"succeeded\",le=\"30\"} 0",
        "pullwright_step_duration_seconds_count{step=\"workspace\"} 1",
        "pullwright_forge_calls_total{op=\"create_comment\",result=\"ok\"} 1",
        "pullwright_forge_duration_seconds_count{op=\"create_comment\"} 1",
    ] {
        assert!(metrics.contains(&expected), "{expected} is not in\n{}", metrics.join("\n"));
    }
    assert!(metrics.iter().all(|line| !line.contains("_total_total")));
    let info = metrics.iter().find(|line| line.starts_with("target_info{")).unwrap();
    assert!(
        info.contains("service_name=\"pullwright\"") && info.contains("service_version=\"1.2.3\""),
        "{info}"
    );
}

/// Answers every request with 200 and hands on its path and body.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, send) = (stream.unwrap(), send.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                    let mut length = 0;
                    line.clear();
                    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap();
                        }
                        line.clear();
                    }
                    line.clear();
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    send.send((path, body)).unwrap();
                    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                }
            });
        }
    });
    (address, receive)
}

#[test]
fn a_collector_receives_the_trace_that_the_logs_name() {
    let (address, received) = collector();
    let lines = lines(&process(&[("TEST_FORMAT", "json"), ("OTEL_EXPORTER_OTLP_ENDPOINT", &address)]));
    let posts: Vec<(String, Vec<u8>)> = received.try_iter().collect();
    let body_of = |path: &str| {
        let post = posts.iter().find(|(to, _)| to == path);
        post.unwrap_or_else(|| panic!("no POST to {path}: {lines:#?}")).1.clone()
    };
    let holds = |body: &[u8], part: &[u8]| body.windows(part.len()).any(|window| window == part);
    let traces = body_of("/v1/traces");
    let id = marked(&lines, "trace: ")[0].split('-').nth(1).unwrap();
    let id: Vec<u8> = (0..16).map(|i| u8::from_str_radix(&id[i * 2..i * 2 + 2], 16).unwrap()).collect();
    assert!(holds(&traces, &id), "the trace id of the logs is not in the export");
    assert!(holds(&traces, b"decide") && holds(&traces, b"delivery.id"));
    assert!(holds(&body_of("/v1/metrics"), b"pullwright.queue.deliveries"));
}

#[test]
fn one_signal_alone_can_be_exported() {
    let (address, received) = collector();
    let endpoint = format!("{address}/v1/traces");
    process(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint)]);
    let paths: Vec<String> = received.try_iter().map(|(path, _)| path).collect();
    assert!(!paths.is_empty() && paths.iter().all(|path| path == "/v1/traces"), "{paths:?}");
}

#[test]
fn a_dead_collector_does_not_hold_up_the_end() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = process(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{closed}"))]);
    assert!(output.status.success());
}
