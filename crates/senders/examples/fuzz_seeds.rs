//! What fuzzing starts from: our samples, and recorded bodies where `PULLWRIGHT_PAYLOADS` names
//! their folder. And three bodies of 25 MB, as large as any sender's.
//!
//! `cargo run -p senders --example fuzz_seeds FOLDER` writes `FOLDER/<target>/…` and `FOLDER/large/…`;
//! `scripts/fuzz` asks for it.

use std::path::Path;

use chrono::DateTime;
use schemas::event::SourceKind;
use senders::BodyFormat;
use senders::samples::{self, Aim, Fresh};
use uuid::Uuid;

type Failure = Box<dyn std::error::Error>;

const KINDS: [SourceKind; 8] = [
    SourceKind::Bitbucket,
    SourceKind::Gitea,
    SourceKind::Github,
    SourceKind::Gitlab,
    SourceKind::Jira,
    SourceKind::Linear,
    SourceKind::Sentry,
    SourceKind::Slack,
];

/// Folders of recorded bodies; of those whose header is not their file's name, the tables have it.
const RECORDED: [(&str, SourceKind, Option<&str>); 9] = [
    ("github", SourceKind::Github, None),
    ("github/edge", SourceKind::Github, None),
    ("gitlab", SourceKind::Gitlab, None),
    ("jira", SourceKind::Jira, None),
    ("linear", SourceKind::Linear, None),
    ("sentry", SourceKind::Sentry, Some(include_str!("../tests/it/expected/sentry.txt"))),
    ("gitea", SourceKind::Gitea, Some(include_str!("../tests/it/expected/gitea.txt"))),
    (
        "bitbucket-cloud",
        SourceKind::Bitbucket,
        Some(include_str!("../tests/it/expected/bitbucket-cloud.txt")),
    ),
    (
        "bitbucket-data-center",
        SourceKind::Bitbucket,
        Some(include_str!("../tests/it/expected/bitbucket-data-center.txt")),
    ),
];

const LARGE: usize = 25 << 20;

fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let folder = Path::new(&folder);
    for kind in KINDS {
        sampled(folder, kind)?;
    }
    if let Some(payloads) = std::env::var_os("PULLWRIGHT_PAYLOADS") {
        for (name, kind, table) in RECORDED {
            recorded(folder, &Path::new(&payloads).join(name), kind, table)?;
        }
    }
    let verified: [(&str, &str); 4] = [
        ("verify_signature", "sha256=0000000000000000000000000000000000000000000000000000000000000000"),
        ("verify_signing_token", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= v2,AAAA"),
        ("verify_token", "8bf1d1b94c1a4f0e9d3a6c7e2b5f80ab"),
        (
            "verify_jwt",
            "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjk5OTk5OTk5OTl9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
    ];
    for (target, value) in verified {
        write(&folder.join(target), "seed", &input(value, b"{}"))?;
    }
    for place in ["/a/b", "/a/0/name", "push"] {
        let body = br#"{"a":{"b":"x","0":{"name":1}}}"#;
        write(&folder.join("parse_generic"), &place.replace('/', "-"), &input(place, body))?;
    }
    for (name, body) in large() {
        write(&folder.join("large"), name, &input("issues", body.as_bytes()))?;
    }
    Ok(())
}

/// The first line is the header that names the event.
fn input(name: &str, body: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"\n", body].concat()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    Ok(std::fs::write(folder.join(name), bytes)?)
}

fn target(kind: SourceKind) -> String {
    format!("parse_{kind}")
}

fn sampled(folder: &Path, kind: SourceKind) -> Result<(), Failure> {
    let fresh = Fresh { now: DateTime::from_timestamp(1_767_322_800, 0).ok_or("no time")?, id: Uuid::nil() };
    for sample in samples::of(kind) {
        let name = match (kind, sample.format()) {
            (SourceKind::Slack, BodyFormat::Form) => "application/x-www-form-urlencoded",
            (SourceKind::Slack, BodyFormat::Json) => "application/json",
            _ => samples::own_name(kind, sample.event).unwrap_or_default(),
        };
        let body = sample.bytes(&sample.body(&Aim::default(), fresh)?);
        write(&folder.join(target(kind)), sample.event, &input(name, &body))?;
    }
    Ok(())
}

fn recorded(folder: &Path, from: &Path, kind: SourceKind, table: Option<&str>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let Some(file) =
            path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".json"))
        else {
            continue;
        };
        let stem = file.trim_end_matches(".json");
        let of_table = |table: &str| {
            let row = table.lines().find(|row| row.starts_with(&format!("{stem} | ")))?;
            Some(row.split(" | ").nth(1)?.to_owned())
        };
        let name = match table {
            Some(table) => of_table(table).unwrap_or_default(),
            None => stem.split('.').next().unwrap_or_default().to_owned(),
        };
        write(&folder.join(target(kind)), file, &input(&name, &std::fs::read(&path)?))?;
    }
    Ok(())
}

/// Many values, as many as are built, and few of them.
fn large() -> [(&'static str, String); 3] {
    let filled = |start: &str, one: &str, count: usize, text: &str, end: &str| {
        let list = vec![one; count].join(",");
        let rest = LARGE.saturating_sub(start.len() + list.len() + text.len() + end.len());
        format!("{start}{list}{text}{}{end}", "x".repeat(rest))
    };
    [
        ("values", filled("{\"issue\":[", "0", LARGE / 2 - 20, "],\"x\":\"", "\"}")),
        (
            "objects",
            filled(
                "{\"issue\":{\"number\":1,\"labels\":[",
                "{\"name\":\"\\n\"}",
                240_000,
                "],\"body\":\"",
                "\"}}",
            ),
        ),
        ("text", filled("{\"issue\":{\"number\":1,\"x\":[", "0", 1, "],\"body\":\"", "\"}}")),
    ]
}
