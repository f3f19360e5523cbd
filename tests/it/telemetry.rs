//! One trace from the webhook to the pull request, metrics, and health.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use tokio::net::TcpListener;

use crate::needs_sandbox;
use crate::support::{Plan, automation};

/// Span names by trace id, as a collector got them.
pub type Traces = Arc<Mutex<BTreeMap<Vec<u8>, BTreeSet<String>>>>;

/// A collector of OTLP over HTTP with protobuf bodies; its address.
pub async fn collector(traces: Traces) -> String {
    let take = async |State(traces): State<Traces>, body: Bytes| {
        for span in spans(&body) {
            let id = fields(span).into_iter().find(|(number, _)| *number == 1);
            let name = fields(span).into_iter().find(|(number, _)| *number == 5);
            if let (Some((_, id)), Some((_, name))) = (id, name) {
                let name = String::from_utf8_lossy(name).into_owned();
                traces.lock().unwrap().entry(id.to_vec()).or_default().insert(name);
            }
        }
    };
    let app = Router::new()
        .route("/v1/traces", post(take))
        .route("/v1/metrics", post(async || ()))
        .with_state(traces);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// `ExportTraceServiceRequest.resource_spans[].scope_spans[].spans[]`: field numbers 1, 2, 2
/// (opentelemetry-proto, `collector/trace/v1` and `trace/v1/trace.proto`).
fn spans(request: &[u8]) -> Vec<&[u8]> {
    let mut found = vec![request];
    for wanted in [1, 2, 2] {
        found = found
            .into_iter()
            .flat_map(fields)
            .filter(|(number, _)| *number == wanted)
            .map(|(_, value)| value)
            .collect();
    }
    found
}

/// The length-delimited fields of a protobuf message; others are skipped.
fn fields(message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < message.len() {
        let key = varint(message, &mut at);
        match key & 7 {
            0 => drop(varint(message, &mut at)),
            1 => at += 8,
            2 => {
                let length = usize::try_from(varint(message, &mut at)).unwrap();
                found.push((key >> 3, &message[at..at + length]));
                at += length;
            }
            5 => at += 4,
            other => panic!("wire type {other}"),
        }
    }
    found
}

fn varint(message: &[u8], at: &mut usize) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = message[*at];
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_from_the_webhook_to_the_pull_request() {
    needs_sandbox!();
    let traces = Traces::default();
    let endpoint = collector(Arc::clone(&traces)).await;
    let mut world = Plan::running(&["echo x > x"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .start()
        .await;
    let issue = world.labelled_issue();
    let run = world.finished(issue).await;
    assert_eq!(run["outcome"], "succeeded");
    world.stop().await;
    assert_whole(&run, &traces);
}

/// Everything from the webhook on that became this run is in its trace.
pub fn assert_whole(run: &serde_json::Value, traces: &Traces) {
    let id = run["trace"].as_str().unwrap().split('-').nth(1).unwrap();
    let traces = traces.lock().unwrap();
    let names = traces.get(&hex::decode(id).unwrap());
    let names = names.unwrap_or_else(|| panic!("no such trace among {:?}", traces.keys()));
    for name in
        ["webhook.receive", "dispatcher.decide", "dispatcher.claim", "worker.job", "dispatcher.publish"]
    {
        assert!(names.contains(name), "{name} is not among {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_health() {
    needs_sandbox!();
    let world = Plan::running(&["echo x > x"])
        .automation(automation("watch", &["true"], "    mode: observe\n"))
        .start()
        .await;
    let issue = world.labelled_issue();
    world.finished(issue).await;
    world.deliver_raw("/webhooks/github", &[("content-type", "application/json")], "{}").await;
    assert_eq!(world.get("/healthz").await, (200, "ok\n".to_owned()));
    let (status, ready) = world.get("/readyz").await;
    assert_eq!(status, 200, "{ready}");
    let (status, metrics) = world.get("/metrics").await;
    assert_eq!(status, 200);
    for (name, labels) in [
        ("pullwright_webhook_requests_total", &["webhook=\"github\"", "status=\"202\""][..]),
        ("pullwright_webhook_requests_total", &["webhook=\"github\"", "status=\"401\""]),
        ("pullwright_webhook_duration_seconds_count", &["webhook=\"github\""]),
        ("pullwright_decisions_total", &["verdict=\"matched\""]),
        ("pullwright_runs_total", &["outcome=\"succeeded\""]),
        ("pullwright_run_duration_seconds_count", &["outcome=\"succeeded\""]),
        ("pullwright_step_duration_seconds_count", &["step=\"commands\""]),
        ("pullwright_forge_calls_total", &["op=\"open_pull_request\"", "result=\"ok\""]),
    ] {
        let line = metrics
            .lines()
            .find(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)));
        let line = line.unwrap_or_else(|| panic!("no {name} with {labels:?} in\n{metrics}"));
        let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(value >= 1.0, "{line}");
    }
    for secret in [crate::support::SECRET, crate::support::TOKEN, &world.admin_token()] {
        assert!(!metrics.contains(secret) && !ready.contains(secret) && !world.logs().contains(secret));
    }
    // Without a token the API says nothing.
    let (status, _) = world.get("/api/v1/runs").await;
    assert_eq!(status, 401);
}
