//! Each signature scheme as a table: what is one, and what only looks like one.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use senders::{Bitbucket, EmptySecret, Gitea, Linear, Sender, Sentry, Slack, UnsupportedContent, Unverified};

use crate::recorded;
use crate::world::{SECRET, bitbucket, gitea, headers, linear, mac, now, sentry, slack};

/// One way a request may be signed.
#[derive(Clone, Copy)]
pub struct Scheme {
    pub name: &'static str,
    pub sender: fn() -> Sender,
    pub header: &'static str,
    pub prefix: &'static str,
    pub content_type: &'static str,
    /// How far the clocks may be apart, where a time is signed.
    pub window: Option<i64>,
}

pub const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

pub const SENTRY: Scheme = Scheme {
    name: "sentry",
    sender: sentry,
    header: "sentry-hook-signature",
    prefix: "",
    content_type: JSON,
    window: None,
};
pub const SENTRY_COMPONENT: Scheme =
    Scheme { name: "sentry component", header: "sentry-app-signature", ..SENTRY };
pub const GITEA: Scheme = Scheme { name: "gitea", sender: gitea, header: "x-gitea-signature", ..SENTRY };
pub const FORGEJO: Scheme = Scheme { name: "forgejo", header: "x-forgejo-signature", ..GITEA };
pub const GITEA_FORM: Scheme = Scheme { name: "gitea form", content_type: FORM, ..GITEA };
pub const BITBUCKET: Scheme =
    Scheme { name: "bitbucket", sender: bitbucket, header: "x-hub-signature", prefix: "sha256=", ..SENTRY };
pub const LINEAR: Scheme =
    Scheme { name: "linear", sender: linear, header: "linear-signature", window: Some(60), ..SENTRY };
pub const SLACK: Scheme = Scheme {
    name: "slack",
    sender: slack,
    header: "x-slack-signature",
    prefix: "v0=",
    window: Some(300),
    content_type: FORM,
};
pub const ALL: [Scheme; 8] = [SENTRY, SENTRY_COMPONENT, GITEA, FORGEJO, GITEA_FORM, BITBUCKET, LINEAR, SLACK];

impl Scheme {
    /// A body with `text` in it as this sender writes it.
    pub fn body(&self, text: &str) -> Vec<u8> {
        let json =
            serde_json::json!({ "text": text, "webhookTimestamp": now().timestamp_millis() }).to_string();
        match self.name {
            "gitea form" => {
                let escaped: String = json.bytes().map(|byte| format!("%{byte:02X}")).collect();
                format!("payload={escaped}").into_bytes()
            }
            "slack" => format!("command=%2Ffix&text={}", text.len()).into_bytes(),
            _ => json.into_bytes(),
        }
    }

    /// The right value of the signature header, by hand.
    pub fn sign(&self, secret: &[u8], body: &[u8]) -> String {
        let time = now().timestamp().to_string();
        let payload = (self.sender)().json_of(senders::BodyFormat::Form, body);
        let digits = match self.name {
            "slack" => mac(secret, &[b"v0:", time.as_bytes(), b":", body]),
            "gitea form" => mac(secret, &[&payload.unwrap()]),
            _ => mac(secret, &[body]),
        };
        format!("{}{digits}", self.prefix)
    }

    pub fn headers(&self, signatures: &[&[u8]]) -> HeaderMap {
        let time = now().timestamp().to_string();
        let mut pairs: Vec<(&str, &[u8])> = vec![("content-type", self.content_type.as_bytes())];
        if self.name == "slack" {
            pairs.push(("x-slack-request-timestamp", time.as_bytes()));
        }
        pairs.extend(signatures.iter().map(|signature| (self.header, *signature)));
        headers(&pairs)
    }

    pub fn verify(&self, headers: &HeaderMap, body: &[u8], at: DateTime<Utc>) -> Result<(), Unverified> {
        (self.sender)().verify(headers, body, at)
    }
}

#[test]
fn what_is_not_the_signature() {
    for scheme in ALL {
        let body = scheme.body("hello");
        let right = scheme.sign(SECRET, &body);
        let digits = right.strip_prefix(scheme.prefix).unwrap();
        let (missing, malformed) =
            (Err(Unverified::Missing(scheme.header)), Err(Unverified::Malformed(scheme.header)));
        let swapped = if scheme.prefix.is_empty() { format!("sha256={digits}") } else { digits.to_owned() };
        let arabic = digits.replace(|c: char| c.is_ascii_digit(), "\u{661}");
        let table: Vec<(&str, Vec<&[u8]>, _)> = vec![
            ("right", vec![right.as_bytes()], Ok(())),
            // Without its own header a component's request is one that lacks a hook's.
            (
                "none",
                vec![],
                if scheme.name.contains("component") {
                    Err(Unverified::Missing(SENTRY.header))
                } else if scheme.name == "forgejo" {
                    Err(Unverified::Missing(GITEA.header))
                } else {
                    missing
                },
            ),
            ("empty", vec![b""], malformed),
            ("no or another prefix", vec![swapped.as_bytes()], malformed),
            ("prefix alone", vec![scheme.prefix.as_bytes()], malformed),
            ("one digit less", vec![&right.as_bytes()[..right.len() - 1]], malformed),
            ("one byte less", vec![&right.as_bytes()[..right.len() - 2]], malformed),
            ("digits of another script", vec![arabic.as_bytes()], malformed),
            ("twice", vec![right.as_bytes(), right.as_bytes()], Err(Unverified::Duplicated(scheme.header))),
        ];
        for (case, signatures, expected) in table {
            let headers = scheme.headers(&signatures);
            assert_eq!(scheme.verify(&headers, &body, now()), expected, "{}: {case}", scheme.name);
        }
        for (case, signature, expected) in [
            ("upper case", right.to_uppercase(), malformed),
            ("another prefix", format!("sha1={digits}"), malformed),
            ("two in one", format!("{right},{right}"), malformed),
            ("a byte more", format!("{right}00"), malformed),
            ("another secret's", scheme.sign(b"guess", &body), Err(Unverified::Mismatch)),
            ("another body's", scheme.sign(SECRET, &scheme.body("another")), Err(Unverified::Mismatch)),
            ("zeros", format!("{}{}", scheme.prefix, "0".repeat(64)), Err(Unverified::Mismatch)),
        ] {
            let headers = scheme.headers(&[signature.as_bytes()]);
            assert_eq!(scheme.verify(&headers, &body, now()), expected, "{}: {case}", scheme.name);
        }
    }
}

#[test]
fn the_window_of_a_signed_time() {
    for scheme in ALL {
        let body = scheme.body("hello");
        let headers = scheme.headers(&[scheme.sign(SECRET, &body).as_bytes()]);
        let at = |seconds| scheme.verify(&headers, &body, now() + TimeDelta::seconds(seconds)).is_ok();
        let Some(window) = scheme.window else {
            assert!(at(1_000_000) && at(-1_000_000), "{}", scheme.name);
            continue;
        };
        assert!(at(window) && at(-window), "{}", scheme.name);
        for off in [window + 1, 1_000, 86_400, 1_000_000_000] {
            assert!(!at(off) && !at(-off), "{}: {off}", scheme.name);
        }
    }
}

/// Signed rightly, and still without a time that could be believed.
#[test]
fn times_that_are_none() {
    for body in
        ["{}", "{\"webhookTimestamp\":null}", "{\"webhookTimestamp\":\"1767322800000\"}", "[]", "", "x"]
    {
        let headers = LINEAR.headers(&[mac(SECRET, &[body.as_bytes()]).as_bytes()]);
        let stale = Err(Unverified::Stale("webhookTimestamp"));
        assert_eq!(LINEAR.verify(&headers, body.as_bytes(), now()), stale, "{body}");
    }
    let seconds = format!("{{\"webhookTimestamp\":{}}}", now().timestamp());
    let in_seconds = LINEAR.headers(&[mac(SECRET, &[seconds.as_bytes()]).as_bytes()]);
    assert!(LINEAR.verify(&in_seconds, seconds.as_bytes(), now()).is_err());

    let time = now().timestamp().to_string();
    let arabic: String =
        time.bytes().map(|digit| char::from_u32(0x660 + u32::from(digit - b'0')).unwrap()).collect();
    let name = "x-slack-request-timestamp";
    for bad in
        [format!("+{time}"), format!(" {time}x"), format!("{time}.0"), arabic, String::new(), "9".repeat(30)]
    {
        let signature = format!("v0={}", mac(SECRET, &[b"v0:", bad.as_bytes(), b":a=b"]));
        let pairs = [("x-slack-signature", signature.as_bytes()), (name, bad.as_bytes())];
        let result = slack().verify(&headers(&pairs), b"a=b", now());
        assert_eq!(result, Err(Unverified::Malformed(name)), "{bad}");
    }
    let signature = format!("v0={}", mac(SECRET, &[b"v0:", time.as_bytes(), b":a=b"]));
    let once = headers(&[("x-slack-signature", &signature)]);
    assert_eq!(slack().verify(&once, b"a=b", now()), Err(Unverified::Missing(name)));
    let twice = headers(&[("x-slack-signature", &signature), (name, &time), (name, &time)]);
    assert_eq!(slack().verify(&twice, b"a=b", now()), Err(Unverified::Duplicated(name)));
}

#[test]
fn another_tools_headers_do_not_help() {
    let body = b"{}";
    let digits = mac(SECRET, &[body]);
    let hub = format!("sha256={digits}");
    let table: [(Sender, &str, &str); 5] = [
        (gitea(), "x-hub-signature-256", &hub),
        (gitea(), "x-gogs-signature", &digits),
        (bitbucket(), "x-hub-signature-256", &hub),
        (sentry(), "x-servicehook-signature", &digits),
        (linear(), "x-gitea-signature", &digits),
    ];
    for (sender, header, value) in table {
        let headers = headers(&[("content-type", JSON), (header, value)]);
        let result = sender.verify(&headers, body, now());
        assert!(matches!(result, Err(Unverified::Missing(_))), "{sender:?} {header}: {result:?}");
    }
}

#[test]
fn a_second_header_cannot_soften_the_first() {
    let right = mac(SECRET, &[b"{}"]);
    let wrong = mac(b"guess", &[b"{}"]);
    let pairs = |one: &str, two: &str| {
        headers(&[("content-type", JSON), ("x-gitea-signature", one), ("x-forgejo-signature", two)])
    };
    assert_eq!(gitea().verify(&pairs(&right, &right), b"{}", now()), Ok(()));
    assert_eq!(gitea().verify(&pairs(&right, &wrong), b"{}", now()), Err(Unverified::Mismatch));
    assert_eq!(gitea().verify(&pairs(&wrong, &right), b"{}", now()), Err(Unverified::Mismatch));
    assert_eq!(
        gitea().verify(&pairs(&right, ""), b"{}", now()),
        Err(Unverified::Malformed("x-forgejo-signature"))
    );
    let both = headers(&[("sentry-hook-signature", &wrong), ("sentry-app-signature", &right)]);
    assert_eq!(sentry().verify(&both, b"{}", now()), Err(Unverified::Mismatch));
}

#[test]
fn a_form_is_signed_by_its_payload() {
    let payload = mac(SECRET, &[b"{\"a\":1}"]);
    let form = b"payload=%7B%22a%22%3A1%7D";
    let of = |content_type: &str, signature: &str| {
        headers(&[("content-type", content_type), ("x-gitea-signature", signature)])
    };
    assert_eq!(gitea().verify(&of(FORM, &payload), form, now()), Ok(()));
    assert_eq!(gitea().verify(&of(FORM, &mac(SECRET, &[form])), form, now()), Err(Unverified::Mismatch));
    assert_eq!(gitea().verify(&of(JSON, &payload), form, now()), Err(Unverified::Mismatch));
    assert_eq!(gitea().verify(&of("text/plain", &payload), form, now()), Err(Unverified::Mismatch));
    for broken in ["", "payload=%7", "other=1", "payload=1&payload=2"] {
        let result = gitea().verify(&of(FORM, &mac(SECRET, &[b""])), broken.as_bytes(), now());
        assert_eq!(result, Err(Unverified::Mismatch), "{broken}");
    }
}

#[test]
fn both_secrets_sign_while_one_replaces_the_other() {
    let sender = Sender::Bitbucket(Bitbucket::new(&[b"old".to_vec(), b"new".to_vec()]).unwrap());
    for (secret, ok) in [(b"old".as_slice(), true), (b"new", true), (b"oldest", false)] {
        let headers = BITBUCKET.headers(&[BITBUCKET.sign(secret, b"x").as_bytes()]);
        assert_eq!(sender.verify(&headers, b"x", now()).is_ok(), ok);
    }
}

#[test]
fn an_empty_secret_is_refused_and_none_is_printed() {
    for secrets in [vec![], vec![vec![]], vec![b"good".to_vec(), vec![]], vec![b" \n".to_vec()]] {
        assert_eq!(Sentry::new(&secrets).err(), Some(EmptySecret));
        assert_eq!(Gitea::new(&secrets).err(), Some(EmptySecret));
        assert_eq!(Bitbucket::new(&secrets).err(), Some(EmptySecret));
        assert_eq!(Linear::new(&secrets).err(), Some(EmptySecret));
        assert_eq!(Slack::new(&secrets).err(), Some(EmptySecret));
    }
    for scheme in ALL {
        assert!(!format!("{:?}", (scheme.sender)()).contains("horse"));
    }
}

#[test]
fn content_types() {
    for scheme in ALL {
        let sender = (scheme.sender)();
        let of = |value: &str| sender.check_content_type(&headers(&[("content-type", value)]));
        let form = matches!(scheme.name, "slack" | "gitea" | "forgejo" | "gitea form");
        assert!(of("application/json; charset=utf-8").is_ok(), "{}", scheme.name);
        assert_eq!(of(FORM).is_ok(), form, "{}", scheme.name);
        assert_eq!(of("text/plain"), Err(UnsupportedContent::Type), "{}", scheme.name);
    }
}

#[test]
fn samples_are_taken_and_start_nothing() {
    for scheme in ALL {
        let sender = (scheme.sender)();
        let (pairs, body) = sender.ping("2ac8fbd4", now());
        let headers = headers(&pairs);
        assert_eq!(sender.handshake(&headers, &body, now()), None, "{}", scheme.name);
        assert_eq!(sender.verify(&headers, &body, now()), Ok(()), "{}", scheme.name);
        sender.check_content_type(&headers).unwrap();
        let kept: Vec<(&str, &str)> = pairs
            .iter()
            .filter(|(name, _)| sender.kept_headers().contains(name))
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let event = crate::world::read_raw(sender.kind(), &kept, &body).unwrap();
        assert!(event.r#type.to_string().starts_with("unmapped."), "{event:?}");
    }
}

#[test]
fn the_published_vectors() {
    let Some(folder) = recorded::folder() else { return };
    let vectors = std::fs::read(folder.join("vectors.json")).unwrap();
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(&vectors).unwrap();
    let mut checked = 0;
    for vector in &vectors {
        let text = |key: &str| vector[key].as_str().unwrap_or_default();
        let secret = vec![text("key_utf8").as_bytes().to_vec()];
        let pairs: Vec<_> =
            vector["header"].as_object().unwrap().iter().map(|(k, v)| (k, v.as_str().unwrap())).collect();
        let (sender, body, at) = match text("source") {
            "bitbucket-cloud" => {
                let sender = Sender::Bitbucket(Bitbucket::new(&secret).unwrap());
                (sender, text("signed_utf8").as_bytes().to_vec(), now())
            }
            "slack" => {
                let sender = Sender::Slack(Slack::new(&secret).unwrap());
                let body = std::fs::read(folder.join(text("signed_file"))).unwrap();
                (sender, body, DateTime::from_timestamp(1_531_420_618, 0).unwrap())
            }
            _ => continue,
        };
        assert_eq!(sender.verify(&headers(&pairs), &body, at), Ok(()), "{vector}");
        let mut other = body.clone();
        other.push(b'.');
        assert_eq!(sender.verify(&headers(&pairs), &other, at), Err(Unverified::Mismatch), "{vector}");
        checked += 1;
    }
    assert_eq!(checked, 2);
}
