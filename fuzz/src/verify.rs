//! Nothing that an input holds is a signature: the secrets are none that it could know.
//!
//! An input is as likely to be a genuine signature as to guess 256 bits, so each that passes is a
//! way around one.

use chrono::DateTime;
use http::{HeaderMap, HeaderValue};
use senders::{Bitbucket, GitHub, GitLab, Gitea, Jira, Linear, Sender, Sentry, Slack};

const SECRET: &[u8] = b"8bf1d1b94c1a4f0e9d3a6c7e2b5f80aa";
const SIGNING_TOKEN: &str = "whsec_OGJmMWQxYjk0YzFhNGYwZTlkM2E2YzdlMmI1ZjgwYWE=";
const NOW: i64 = 1_767_322_800;

fn refused(sender: &Sender, headers: &[(&'static str, &[u8])], body: &[u8]) {
    let mut map = HeaderMap::new();
    map.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        // What HTTP does not carry cannot be sent.
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        map.append(*name, value);
    }
    let now = DateTime::from_timestamp(NOW, 0).expect("a time");
    assert!(sender.verify(&map, body, now).is_err(), "{sender:?} believed {headers:?}");
}

fn secrets() -> Vec<Vec<u8>> {
    vec![SECRET.to_vec()]
}

/// HMACs in hex.
///
/// # Panics
/// When one passes.
pub fn signature(input: &[u8]) {
    let (value, body) = super::split(input);
    let time = NOW.to_string();
    let all: [(Sender, &'static str); 7] = [
        (Sender::GitHub(GitHub::new(secrets()).expect("a secret")), "x-hub-signature-256"),
        (Sender::Jira(Jira::signed(&secrets()).expect("a secret")), "x-hub-signature"),
        (Sender::Bitbucket(Bitbucket::new(&secrets()).expect("a secret")), "x-hub-signature"),
        (Sender::Sentry(Sentry::new(&secrets()).expect("a secret")), "sentry-hook-signature"),
        (Sender::Gitea(Gitea::new(&secrets()).expect("a secret")), "x-gitea-signature"),
        (Sender::Linear(Linear::new(&secrets()).expect("a secret")), "linear-signature"),
        (Sender::Slack(Slack::new(&secrets()).expect("a secret")), "x-slack-signature"),
    ];
    for (sender, name) in &all {
        refused(sender, &[(name, value), ("x-slack-request-timestamp", time.as_bytes())], body);
        refused(sender, &[(name, value), ("x-slack-request-timestamp", value)], body);
    }
}

/// Standard Webhooks: a list of signatures, an id, a time.
///
/// # Panics
/// When one passes.
pub fn signing_token(input: &[u8]) {
    let (value, body) = super::split(input);
    let gitlab = GitLab::new(vec![SIGNING_TOKEN.to_owned()], secrets()).expect("a token");
    let sender = Sender::GitLab(gitlab);
    let time = NOW.to_string();
    let all = [("webhook-signature", value), ("webhook-id", value), ("webhook-timestamp", value)];
    refused(&sender, &all, body);
    refused(&sender, &[all[0], ("webhook-id", b"msg_1"), ("webhook-timestamp", time.as_bytes())], body);
    // The weaker proof does not stand in for the stronger.
    refused(&sender, &[all[0], ("x-gitlab-token", SECRET)], body);
}

/// Secrets in clear.
///
/// # Panics
/// When one passes that is not the secret.
pub fn token(input: &[u8]) {
    let (value, body) = super::split(input);
    if value.trim_ascii() == SECRET {
        return;
    }
    let sender = Sender::GitLab(GitLab::new(Vec::new(), secrets()).expect("a secret"));
    refused(&sender, &[("x-gitlab-token", value)], body);
}

/// Tokens that an app signs.
///
/// # Panics
/// When one passes.
pub fn jwt(input: &[u8]) {
    let (value, body) = super::split(input);
    let sender = Sender::Jira(Jira::oauth(&secrets()).expect("a secret"));
    refused(&sender, &[("authorization", value)], body);
    refused(&sender, &[("authorization", &[b"Bearer ", value].concat())], body);
}
