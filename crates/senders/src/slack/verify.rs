//! `X-Slack-Signature`: HMAC-SHA256 over `v0:{time}:{raw body}`, `v0=` and lower-case hex, at most
//! five minutes away from the time (docs.slack.dev, "Verifying requests from Slack").

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::content;
use crate::error::{EmptySecret, Unverified};
use crate::handshake::Handshake;
use crate::node::Node;
use crate::signature::{Keys, fresh, sha256_hex, single, unix_seconds};
use crate::tree::Tree;

use super::{FORMATS, json_of};

const SIGNATURE: &str = "x-slack-signature";
const TIME: &str = "x-slack-request-timestamp";
/// No handshake is larger: nothing above this is looked into before it is stored.
const SMALL: usize = 16 << 10;

/// The signing secrets of one Slack app; several while one replaces another.
#[derive(Debug)]
pub struct Slack {
    keys: Keys,
}

impl Slack {
    /// An app that any of `secrets` may sign for.
    ///
    /// # Errors
    /// When there is no secret, or one is empty or blank.
    pub fn new(secrets: &[Vec<u8>]) -> Result<Self, EmptySecret> {
        Ok(Self { keys: Keys::new(secrets)? })
    }

    pub(crate) fn sign(&self, raw_body: &[u8], now: DateTime<Utc>) -> Vec<(&'static str, String)> {
        let time = now.timestamp().to_string();
        let Some(mac) = self.keys.sign(&[b"v0:", time.as_bytes(), b":", raw_body]) else { return Vec::new() };
        vec![(SIGNATURE, format!("v0={}", hex::encode(mac))), (TIME, time)]
    }

    pub(crate) fn verify(
        &self,
        headers: &HeaderMap,
        raw_body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Unverified> {
        let malformed = Unverified::Malformed(SIGNATURE);
        let digits = single(headers, SIGNATURE)?.strip_prefix(b"v0=").ok_or(malformed)?;
        let signature = sha256_hex(digits).ok_or(malformed)?;
        let time = single(headers, TIME)?;
        let seconds = unix_seconds(time).ok_or(Unverified::Malformed(TIME))?;
        self.keys.verify(&[b"v0:", time, b":", raw_body], &[signature])?;
        fresh(seconds, now, TIME)
    }
}

/// The check of an address for events, which wants its `challenge` back, and of one for commands,
/// which wants any answer. Both are signed.
pub(crate) fn handshake(
    slack: &Slack,
    headers: &HeaderMap,
    raw_body: &[u8],
    now: DateTime<Utc>,
) -> Option<Handshake> {
    // Nothing but a cheap look at most deliveries, which are hashed soon enough.
    let says = |word: &[u8]| raw_body.windows(word.len()).any(|bytes| bytes == word);
    if raw_body.len() > SMALL || !(says(b"url_verification") || says(b"ssl_check")) {
        return None;
    }
    let format = content::check(headers, FORMATS).ok()?;
    slack.verify(headers, raw_body, now).ok()?;
    let json = json_of(format, raw_body).ok()?;
    let body = Tree::object(&json, &[]).ok()?;
    let body = Node::of(&body);
    if body.at("ssl_check").text().as_deref() == Some("1") {
        return Some(Handshake::ok());
    }
    let challenge =
        body.at("challenge").text().filter(|_| body.at("type").word() == Some("url_verification"))?;
    Some(Handshake { status: 200, body: serde_json::json!({ "challenge": challenge }).to_string() })
}
