//! Real bodies: each is signed, taken and read, and says what it should. And bodies that are
//! nobody's: whatever JSON comes, reading it ends in an event or an error.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use schemas::event::SourceKind;
use senders::{Sender, parse};
use serde_json::{Value, json};

use crate::payloads;
use crate::schemes::{BITBUCKET, GITEA, SENTRY, SLACK, Scheme};
use crate::world::{SECRET, delivery, headers, line, linear, mac, now, read_raw};

/// Signs, verifies and reads one body under `event`.
fn taken(scheme: Scheme, name: &'static str, event: &str, raw: &[u8]) -> String {
    let signature = scheme.sign(SECRET, raw);
    let pairs = [(name, event), ("content-type", "application/json"), (scheme.header, &signature)];
    let sender: Sender = (scheme.sender)();
    assert_eq!(sender.verify(&headers(&pairs), raw, now()), Ok(()));
    assert!(sender.kept_headers().contains(&name));
    let mut event =
        read_raw(sender.kind(), &pairs[..2], raw).unwrap_or_else(|error| panic!("{event}: {error}"));
    if let Some(actor) = &mut event.actor {
        assert!(!std::mem::take(&mut actor.login).is_empty());
    }
    line(&event)
}

/// Checks each file of `folder` against the table; a file that the table lacks fails too.
fn check(scheme: Scheme, name: &'static str, folder: &str, table: &str) {
    let Some(root) = payloads::folder() else { return };
    let rows = table.trim().lines().map(|row| {
        let (file, rest) = row.trim().split_once(" | ").unwrap();
        let (event, expected) = rest.split_once(" | ").unwrap();
        (file, (event, expected))
    });
    let mut rows: BTreeMap<&str, (&str, &str)> = rows.collect();
    let mut wrong = Vec::new();
    for path in files(&root.join(folder)) {
        let file = path.strip_prefix(root.join(folder)).unwrap().with_extension("");
        let file = file.to_str().unwrap().to_owned();
        let (event, expected) = rows.remove(file.as_str()).unwrap_or(("?", "?"));
        let got = taken(scheme, name, event, &std::fs::read(&path).unwrap());
        if got != expected {
            wrong.push(format!("{file} | {event} | {got}"));
        }
    }
    assert!(
        wrong.is_empty() && rows.is_empty(),
        "not as expected:\n{}\nno such file: {rows:?}",
        wrong.join("\n")
    );
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn sentry_bodies() {
    check(SENTRY, "sentry-hook-resource", "sentry", include_str!("expected/sentry.txt"));
}

#[test]
fn gitea_bodies() {
    check(GITEA, "x-gitea-event", "gitea", include_str!("expected/gitea.txt"));
}

#[test]
fn bitbucket_cloud_bodies() {
    check(BITBUCKET, "x-event-key", "bitbucket-cloud", include_str!("expected/bitbucket-cloud.txt"));
}

#[test]
fn bitbucket_data_center_bodies() {
    check(
        BITBUCKET,
        "x-event-key",
        "bitbucket-data-center",
        include_str!("expected/bitbucket-data-center.txt"),
    );
}

/// The published body lacks the time that is put in as it is sent.
#[test]
fn linear_bodies() {
    let Some(folder) = payloads::folder() else { return };
    let raw = std::fs::read(folder.join("linear/Comment.create.json")).unwrap();
    let mut body: Value = serde_json::from_slice(&raw).unwrap();
    body["webhookTimestamp"] = json!(now().timestamp_millis());
    let raw = body.to_string().into_bytes();
    let signed = headers(&[("linear-signature", mac(SECRET, &[&raw]))]);
    assert_eq!(linear().verify(&signed, &raw, now()), Ok(()));
    assert_eq!(
        line(&read_raw(SourceKind::Linear, &[], &raw).unwrap()),
        "comment.created work=linear:LIN-1778 by=aacdca22-6266-4c0a-ab3c-8fa70a26765c/Human key=LIN-1778 \
         comment=2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9 project=LIN at=2020-01-23T12:53:18 same=key"
    );
}

#[test]
fn slack_bodies() {
    let Some(folder) = payloads::folder() else { return };
    let raw = std::fs::read(folder.join("slack/slash_command.form")).unwrap();
    let signed = SLACK.headers(&[SLACK.sign(SECRET, &raw).as_bytes()]);
    assert_eq!(SLACK.verify(&signed, &raw, now()), Ok(()));
    let event = read_raw(SourceKind::Slack, &[("content-type", SLACK.content_type)], &raw).unwrap();
    assert_eq!(
        line(&event),
        "dispatch.received by=roadrunner/Human comment=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c \
         dispatch=/webhook-collect"
    );
}

/// JSON made of the words that the parsers look for, so that it gets past the first field.
fn json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "action",
        "data",
        "event",
        "issue",
        "error",
        "metric_alert",
        "comment",
        "comment_id",
        "id",
        "issue_id",
        "project",
        "slug",
        "number",
        "pull_request",
        "review",
        "type",
        "title",
        "labels",
        "name",
        "changes",
        "added_labels",
        "head",
        "base",
        "repo",
        "repository",
        "full_name",
        "sender",
        "login",
        "updated_at",
        "run",
        "workflow_run",
        "release",
        "pullrequest",
        "pullRequest",
        "eventKey",
        "fromRef",
        "toRef",
        "push",
        "new",
        "old",
        "target",
        "hash",
        "actor",
        "status",
        "commit_status",
        "content",
        "raw",
        "updatedFrom",
        "labelIds",
        "url",
        "identifier",
        "state",
        "text",
        "ts",
        "channel",
        "user",
        "message",
        "actions",
        "view",
        "payload",
        "command",
        "exception",
        "values",
        "stacktrace",
        "frames",
        "tags",
        "level",
        "approval",
        "participant",
        "inline",
        "ref",
        "before",
        "after",
        "date",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "created",
            "triggered",
            "opened",
            "update",
            "Issue",
            "Comment",
            "event_callback",
            "message",
            "label_updated",
            "0001-01-01T00:00:00Z",
            "2026-01-02T03:04:05Z",
            "acme/api",
            "https://x/projects/a/b/issues/1/",
            "WIP: é",
            "\u{0}",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        let key = prop_oneof![4 => word.clone().prop_map(str::to_owned), 1 => ".{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

const EVENTS: [(SourceKind, &str, &[&str]); 5] = [
    (
        SourceKind::Sentry,
        "sentry-hook-resource",
        &["event_alert", "issue", "metric_alert", "error", "comment", "x"],
    ),
    (
        SourceKind::Gitea,
        "x-gitea-event",
        &[
            "issues",
            "pull_request",
            "issue_comment",
            "pull_request_comment",
            "push",
            "release",
            "workflow_run",
            "action_run_failure",
            "x",
        ],
    ),
    (
        SourceKind::Bitbucket,
        "x-event-key",
        &[
            "repo:push",
            "pullrequest:created",
            "pullrequest:approved",
            "issue:updated",
            "repo:commit_status_updated",
            "pr:opened",
            "repo:refs_changed",
            "pr:comment:added",
        ],
    ),
    (SourceKind::Linear, "linear-delivery", &["1"]),
    (SourceKind::Slack, "content-type", &["application/json", "application/x-www-form-urlencoded", "x"]),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_json_makes_a_parser_fall_over(body in json(), form: bool) {
        let raw = if form {
            body.to_string().bytes().fold("payload=".to_owned(), |form, byte| form + &format!("%{byte:02x}"))
        } else {
            body.to_string()
        };
        for (kind, header, values) in EVENTS {
            for value in values {
                if let Ok(event) = parse(kind, &"hook".into(), &delivery(&[(header, value)]), raw.as_bytes()) {
                    let stored = serde_json::to_string(&event).unwrap();
                    prop_assert!(!stored.contains("\\u0000"), "{stored}");
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_a_parser_fall_over(raw: Vec<u8>, name in ".{0,20}") {
        for (kind, header, values) in EVENTS {
            for value in values.iter().copied().chain([name.as_str()]) {
                let _ = parse(kind, &"hook".into(), &delivery(&[(header, value)]), &raw);
            }
        }
    }
}
