//! Signed webhook requests with bodies of 12 kB, no two alike.
//!
//! Equal bodies would be duplicates, which are cheaper to decide. What differs stands at a body's
//! end, so that signing one costs the sender next to nothing: the hash of all before is kept.
//! Only GitLab signs an id before the body, and costs the whole hash.

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use forge_sim::payload::{LabeledIssue, issues_labeled};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::scheme::{SECRET, Scheme};

/// The repository's owner and name.
pub const REPOSITORY: (&str, &str) = ("acme", "demo");

/// How long each body is.
pub const BODY_BYTES: usize = 12_000;
const WORDS: [&str; 16] = [
    "request", "the", "fails", "when", "queue", "a", "worker", "after", "timeout", "is", "empty", "and",
    "retries", "of", "session", "number",
];

/// `issues.labeled` deliveries of one label.
#[derive(Clone)]
pub struct Deliveries {
    /// All of a body but its end.
    beginning: String,
    signed: Hmac<Sha256>,
    at: String,
    seconds: i64,
    scheme: Scheme,
    path: String,
}

impl Deliveries {
    /// Deliveries of `label`, put on at `at`.
    pub fn new(label: &str, at: DateTime<Utc>) -> anyhow::Result<Self> {
        let (owner, name) = (REPOSITORY.0.to_owned(), REPOSITORY.1.to_owned());
        let payload = issues_labeled(&LabeledIssue {
            owner,
            name,
            number: 1,
            title: "It fails without a name".to_owned(),
            body: String::new(),
            labels: vec!["bug".to_owned()],
            label: label.to_owned(),
            author: "reporter".to_owned(),
            sender: "reporter".to_owned(),
            at,
        });
        let Value::Object(mut payload) = payload else { anyhow::bail!("the payload is no object") };
        payload.remove("sender");
        let issue = payload.remove("issue").and_then(|issue| issue.as_object().cloned());
        let mut issue = issue.context("the payload has no issue")?;
        for varying in ["id", "number", "html_url", "updated_at", "body"] {
            issue.remove(varying);
        }
        // The issue comes last and stays open; a body's end closes both.
        let (outer, issue) = (open(payload)?, open(issue)?);
        let mut deliveries = Self {
            beginning: format!("{outer},\"issue\":{issue},\"body\":\""),
            signed: Hmac::new_from_slice(SECRET.as_bytes())?,
            at: at.to_rfc3339_opts(SecondsFormat::Secs, true),
            seconds: at.timestamp(),
            scheme: Scheme::GitHub,
            path: "/webhooks/github".to_owned(),
        };
        let rest = deliveries.beginning.len() + deliveries.end(FIRST, "reporter").len();
        let room = BODY_BYTES.checked_sub(rest).context("the payload is larger than 12 kB")?;
        deliveries.beginning.push_str(&prose(room));
        deliveries.signed.update(deliveries.beginning.as_bytes());
        Ok(deliveries)
    }

    /// The same bodies, signed and sent as another tool would, to `path`.
    pub fn signed_by(&self, scheme: Scheme, path: &str) -> Self {
        Self { scheme, path: path.to_owned(), ..self.clone() }
    }

    /// The request about issue `number` by `login`, in place of what `request` holds.
    pub fn write(&self, number: u64, login: &str, request: &mut Vec<u8>) {
        let end = self.end(number, login);
        let headers = match self.scheme.signs_before_body() {
            None => {
                let mut signed = self.signed.clone();
                signed.update(end.as_bytes());
                self.scheme.headers(number, self.seconds, &signed.finalize().into_bytes())
            }
            Some(key) => {
                let mut signed = key;
                signed.update(Scheme::signed_beginning(number, self.seconds).as_bytes());
                signed.update(self.beginning.as_bytes());
                signed.update(end.as_bytes());
                self.scheme.headers(number, self.seconds, &signed.finalize().into_bytes())
            }
        };
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\ncontent-type: application/json\r\n\
             {headers}content-length: {}\r\n\r\n",
            self.path,
            self.beginning.len() + end.len(),
        );
        request.clear();
        for part in [head.as_str(), &self.beginning, &end] {
            request.extend_from_slice(part.as_bytes());
        }
    }

    /// The body alone.
    pub fn body(&self, number: u64, login: &str) -> Vec<u8> {
        [self.beginning.as_bytes(), self.end(number, login).as_bytes()].concat()
    }

    fn end(&self, number: u64, login: &str) -> String {
        let ((owner, name), at) = (REPOSITORY, &self.at);
        format!(
            "\",\"id\":{number},\"number\":{number},\"updated_at\":\"{at}\",\
             \"html_url\":\"https://forge.example/{owner}/{name}/issues/{number}\"}},\
             \"sender\":{{\"login\":\"{login}\",\"id\":{},\"type\":\"User\",\"site_admin\":false}}}}",
            login.len()
        )
    }
}

/// An object's text without its end.
fn open(object: Map<String, Value>) -> anyhow::Result<String> {
    let text = Value::Object(object).to_string();
    Ok(text.strip_suffix('}').context("it is no object")?.to_owned())
}

/// Numbers from here on have all the same length.
pub const FIRST: u64 = 1_000_000_000;

/// Words in an order that repeats late, so that it compresses about as well as text does.
fn prose(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 16);
    let mut state: u32 = 1;
    while text.len() < bytes {
        // The constants are those of Numerical Recipes; the high bits are the good ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(WORDS[(state >> 28) as usize]);
        text.push(' ');
    }
    text.truncate(bytes);
    text
}
