//! Real bodies: each is signed, taken and read, and says what it should.

use std::collections::BTreeMap;
use std::path::Path;

use schemas::event::SourceKind;
use senders::Sender;
use serde_json::{Value, json};

use crate::recorded;
use crate::schemes::{BITBUCKET, GITEA, SENTRY, SLACK, Scheme};
use crate::world::{SECRET, headers, line, linear, mac, now, read_raw};

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
    let Some(root) = recorded::folder() else { return };
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
    let Some(folder) = recorded::folder() else { return };
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
    let Some(folder) = recorded::folder() else { return };
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
