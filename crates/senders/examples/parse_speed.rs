//! How long a delivery of about 12 kB takes to be read as an event, next to the floor: going over
//! its JSON once and keeping nothing.
//!
//! `cargo run --release -p senders --example parse_speed [rounds]`
//!
//! The bodies are our samples, padded with what real ones are large by: addresses that nothing is
//! taken from. With `PULLWRIGHT_PAYLOADS`, each tool's recorded bodies are read as well.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use schemas::delivery::Body;
use schemas::event::SourceKind;
use schemas::trace::TraceContext;
use schemas::{Delivery, DeliveryId};
use senders::samples::{self, Aim, Fresh};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use uuid::Uuid;

const BODY: usize = 12_000;

const KINDS: [SourceKind; 4] = [SourceKind::Github, SourceKind::Gitlab, SourceKind::Jira, SourceKind::Sentry];

type Failure = Box<dyn std::error::Error>;

struct Case {
    name: String,
    kind: SourceKind,
    delivery: Delivery,
    raw: Vec<u8>,
}

fn case(name: String, kind: SourceKind, event: &str, raw: Vec<u8>) -> Case {
    let header = match kind {
        SourceKind::Github => "x-github-event",
        SourceKind::Sentry => "sentry-hook-resource",
        _ => "x-none",
    };
    let delivery = Delivery {
        id: DeliveryId(Uuid::nil()),
        webhook: "hook".into(),
        received_at: chrono::DateTime::UNIX_EPOCH,
        headers: [(header.to_owned(), event.to_owned())].into(),
        body: Body::compress(b""),
        trace: TraceContext::default(),
        replay_of: None,
    };
    Case { name, kind, delivery, raw }
}

/// Puts addresses into a body's larger objects until it is as large as real ones are.
fn padded(mut body: Value) -> Vec<u8> {
    let places =
        ["/repository", "/project", "/issue/fields", "/data/event", "/data/issue", "/data/error", ""];
    let places: Vec<_> =
        places.into_iter().filter(|place| body.pointer(place).is_some_and(Value::is_object)).collect();
    for number in 0.. {
        let missing = BODY.saturating_sub(body.to_string().len());
        let address = format!("https://api.example.com/repos/acme/api/things{number}{{/thing}}");
        let place = places.get(number % places.len()).copied().unwrap_or_default();
        let Some(Value::Object(object)) = body.pointer_mut(place) else { break };
        if missing == 0 {
            break;
        }
        object.insert(format!("things{number}_url"), json!(address));
    }
    body.to_string().into_bytes()
}

fn sampled() -> Result<Vec<Case>, Failure> {
    let now = chrono::DateTime::from_timestamp(1_767_322_800, 0).ok_or("no time")?;
    let all = KINDS.into_iter().flat_map(samples::of).map(|sample| {
        let body = sample.body(&Aim::default(), Fresh { now, id: Uuid::nil() })?;
        let event = samples::own_name(sample.kind, sample.event).unwrap_or_default();
        Ok(case(sample.event.to_owned(), sample.kind, event, padded(body)))
    });
    all.collect()
}

/// The recorded bodies of a kind, of those whose file's name begins with the event.
fn recorded(kind: SourceKind) -> Result<Vec<Case>, Failure> {
    let Some(folder) = std::env::var_os("PULLWRIGHT_PAYLOADS") else { return Ok(Vec::new()) };
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(Path::new(&folder).join(kind.as_str()))? {
        let path = entry?.path();
        let Some(file) =
            path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".json"))
        else {
            continue;
        };
        let event = file.split('.').next().unwrap_or_default();
        cases.push(case(file.to_owned(), kind, event, std::fs::read(&path)?));
    }
    Ok(cases)
}

/// The median of `rounds` single readings.
#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn median(rounds: usize, mut read: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            read();
            began.elapsed()
        })
        .collect();
    times.sort();
    times.get(rounds / 2).copied().unwrap_or_default()
}

/// Microseconds to read a case, and for the floor.
fn measure(case: &Case, rounds: usize) -> (f64, f64) {
    let connection = "here".into();
    let event = median(rounds, || {
        let event = senders::parse(case.kind, &connection, &case.delivery, black_box(&case.raw));
        drop(black_box(event));
    });
    let floor = median(rounds, || {
        drop(black_box(serde_json::from_slice::<IgnoredAny>(black_box(&case.raw))));
    });
    (event.as_secs_f64() * 1e6, floor.as_secs_f64() * 1e6)
}

fn main() -> Result<(), Failure> {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2_000);
    println!(
        "{:<9} {:<28} {:>8} {:>10} {:>10} {:>14}",
        "", "", "bytes", "event µs", "floor µs", "µs per 12 kB"
    );
    let per_12_kb = |case: &Case, event: f64| event * BODY as f64 / case.raw.len() as f64;
    for case in sampled()? {
        senders::parse(case.kind, &"here".into(), &case.delivery, &case.raw)?;
        let (event, floor) = measure(&case, rounds);
        let each = per_12_kb(&case, event);
        println!(
            "{:<9} {:<28} {:>8} {event:>10.1} {floor:>10.1} {each:>14.1}",
            case.kind.to_string(),
            case.name,
            case.raw.len(),
        );
    }
    for kind in KINDS {
        let cases = recorded(kind)?;
        let figures: Vec<(f64, f64)> = cases.iter().map(|case| measure(case, rounds / 20 + 1)).collect();
        let bytes: usize = cases.iter().map(|case| case.raw.len()).sum();
        let [event, floor] =
            [0, 1].map(|at| figures.iter().map(|it| if at == 0 { it.0 } else { it.1 }).sum::<f64>());
        if bytes > 0 {
            println!(
                "{:<9} {:<28} {bytes:>8} {event:>10.1} {floor:>10.1} {:>14.1}",
                kind.to_string(),
                format!("{} recorded bodies", cases.len()),
                event * BODY as f64 / bytes as f64
            );
        }
    }
    Ok(())
}
