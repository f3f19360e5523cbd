//! Standard Webhooks, an HMAC in any header, and bearer tokens.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use schemas::mapping::Encoding;
use senders::generic::Scheme;
use senders::{EmptySecret, Generic, InvalidSecret, Sender, Unverified};

use crate::mutations::{Covers, Genuine, mutation};
use crate::requests::{headers, hmac, hub_signature, standard_signature};
use crate::schemes::JSON;

const TOKEN: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const BODY: &[u8] = br#"{"type":"invoice.paid"}"#;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn generic(scheme: Scheme) -> Sender {
    Sender::Generic(Generic::new(scheme, None).unwrap())
}

fn standard(token: &str) -> Sender {
    generic(Scheme::StandardWebhooks { tokens: vec![token.to_owned()] })
}

fn in_header(header: &str, prefix: &str, encoding: Encoding) -> Scheme {
    let (header, prefix) = (header.to_owned(), prefix.to_owned());
    Scheme::Hmac { header, prefix, encoding, secrets: vec![b"secret".to_vec()] }
}

fn bearer(token: &str) -> Sender {
    generic(Scheme::Bearer { tokens: vec![token.as_bytes().to_vec()] })
}

#[test]
fn the_published_vectors() {
    let Some(folder) = crate::recorded::folder() else { return };
    let vectors = std::fs::read(folder.join("vectors.json")).unwrap();
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(&vectors).unwrap();
    let mut checked = 0;
    for vector in vectors.iter().filter(|vector| vector["source"] == "standard-webhooks") {
        let header = |name: &str| vector["header"][name].as_str().unwrap();
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        let body = vector["signed_utf8"].as_str().unwrap();
        let body = body.strip_prefix(&format!("{id}.{timestamp}.")).unwrap().as_bytes();
        let pairs = [
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", header("webhook-signature")),
        ];
        let at = DateTime::from_timestamp(timestamp.parse().unwrap(), 0).unwrap();
        let token = vector["secret"].as_str().unwrap();
        assert_eq!(standard(token).verify(&headers(&pairs), body, at), Ok(()), "{vector}");
        assert_eq!(
            standard(token).verify(&headers(&pairs), body, now()),
            Err(Unverified::Stale("webhook-timestamp")),
            "{vector}"
        );
        // GitLab's signing tokens are the same scheme.
        let gitlab = Sender::GitLab(senders::GitLab::new(vec![token.to_owned()], vec![]).unwrap());
        assert_eq!(gitlab.verify(&headers(&pairs), body, at), Ok(()), "{vector}");
        checked += 1;
    }
    assert!(checked >= 2, "{checked}");

    // A tool without a folder of its own, by an HMAC in its header.
    let vector = vectors.iter().find(|vector| vector["source"] == "pagerduty-v3").unwrap();
    let text = |place: &str| vector.pointer(place).unwrap().as_str().unwrap();
    let (header, prefix) = ("X-PagerDuty-Signature", "v1=");
    let sender = generic(Scheme::Hmac {
        header: header.to_owned(),
        prefix: prefix.to_owned(),
        encoding: Encoding::Hex,
        secrets: vec![text("/key_utf8").as_bytes().to_vec()],
    });
    let body = std::fs::read(folder.join(text("/signed_file"))).unwrap();
    let signed = headers(&[(header, text("/header/X-PagerDuty-Signature"))]);
    assert_eq!(sender.verify(&signed, &body, now()), Ok(()));
}

#[test]
fn an_hmac_in_any_header() {
    let mac = hmac(b"secret", BODY);
    let hex = hex::encode(&mac);
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &mac);
    let (malformed, missing) = (Err(Unverified::Malformed("x-sig")), Err(Unverified::Missing("x-sig")));
    let table = [
        ("X-Sig", "", Encoding::Hex, "x-sig", hex.clone(), Ok(())),
        ("x-sig", "sha256=", Encoding::Hex, "x-sig", format!("sha256={hex}"), Ok(())),
        ("x-sig", "", Encoding::Base64, "x-sig", base64.clone(), Ok(())),
        ("x-sig", "v0 ", Encoding::Base64, "x-sig", format!("v0 {base64}"), Ok(())),
        ("x-sig", "", Encoding::Hex, "x-sig", hex.to_uppercase(), malformed),
        ("x-sig", "", Encoding::Hex, "x-sig", format!("sha256={hex}"), malformed),
        ("x-sig", "sha256=", Encoding::Hex, "x-sig", hex.clone(), malformed),
        ("x-sig", "", Encoding::Hex, "x-sig", base64.clone(), malformed),
        ("x-sig", "", Encoding::Base64, "x-sig", hex.clone(), malformed),
        ("x-sig", "", Encoding::Base64, "x-sig", base64.trim_end_matches('=').to_owned(), malformed),
        ("x-sig", "", Encoding::Hex, "x-sig", String::new(), malformed),
        ("x-sig", "", Encoding::Hex, "x-other", hex, missing),
        ("x-sig", "", Encoding::Hex, "x-sig", hex::encode(hmac(b"guess", BODY)), Err(Unverified::Mismatch)),
    ];
    for (name, prefix, encoding, header, value, expected) in table {
        let result =
            generic(in_header(name, prefix, encoding)).verify(&headers(&[(header, &value)]), BODY, now());
        assert_eq!(result, expected, "{name} {prefix} {value}");
    }
}

#[test]
fn bearer_tokens() {
    let name = "authorization";
    let table = [
        (Some("Bearer tok-7"), Ok(())),
        (Some("Bearer tok-8"), Err(Unverified::WrongToken(name))),
        (Some("Bearer tok-7 "), Err(Unverified::WrongToken(name))),
        (Some("Bearer  tok-7"), Err(Unverified::WrongToken(name))),
        (Some("Bearer "), Err(Unverified::WrongToken(name))),
        (Some("bearer tok-7"), Err(Unverified::Malformed(name))),
        (Some("Basic tok-7"), Err(Unverified::Malformed(name))),
        (Some("tok-7"), Err(Unverified::Malformed(name))),
        (None, Err(Unverified::Missing(name))),
    ];
    for (value, expected) in table {
        let pairs: Vec<_> = value.iter().map(|value| (name, *value)).collect();
        assert_eq!(bearer("tok-7").verify(&headers(&pairs), BODY, now()), expected, "{value:?}");
    }
}

#[test]
fn secrets_headers_and_samples() {
    let empty = Some(InvalidSecret::Empty(EmptySecret));
    let no_secret = |header: &str, secrets| Scheme::Hmac {
        header: header.to_owned(),
        prefix: String::new(),
        encoding: Encoding::Hex,
        secrets,
    };
    assert_eq!(Generic::new(Scheme::StandardWebhooks { tokens: vec![] }, None).err(), empty);
    assert_eq!(Generic::new(Scheme::Bearer { tokens: vec![b"\n".to_vec()] }, None).err(), empty);
    assert_eq!(Generic::new(no_secret("x-sig", vec![vec![]]), None).err(), empty);
    for wrong in ["", "x sig", "x-sig:", "sïg"] {
        let expected = Some(InvalidSecret::HeaderName);
        assert_eq!(Generic::new(no_secret(wrong, vec![b"s".to_vec()]), None).err(), expected, "{wrong}");
        let scheme = Scheme::Bearer { tokens: vec![b"t".to_vec()] };
        assert_eq!(Generic::new(scheme, Some(wrong)).err(), expected, "{wrong}");
    }
    let kept =
        |scheme, header| Generic::new(scheme, header).map(|it| Sender::Generic(it).kept_headers().to_vec());
    let tokens = || Scheme::StandardWebhooks { tokens: vec![TOKEN.to_owned()] };
    assert_eq!(kept(tokens(), None).unwrap(), ["webhook-id"]);
    assert_eq!(kept(tokens(), Some("Webhook-Id")).unwrap(), ["webhook-id"]);
    assert_eq!(kept(in_header("x-sig", "", Encoding::Hex), Some("X-Request-Id")).unwrap(), ["x-request-id"]);
    assert_eq!(kept(in_header("x-sig", "", Encoding::Hex), None).unwrap(), Vec::<&str>::new());

    for sender in [standard(TOKEN), generic(in_header("x-sig", "sha256=", Encoding::Base64)), bearer("tok-7")]
    {
        let (pairs, body) = sender.ping("17", now());
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(sender.verify(&headers(&pairs), &body, now()), Ok(()));
        let shown = format!("{sender:?}");
        assert!(!shown.contains("tok-7") && !shown.contains("MDEy"), "{shown}");
    }
}

fn genuine_standard() -> Genuine {
    let proof = |token: &str| {
        let signature = standard_signature(token, "msg_1", "1700000000", BODY);
        let (id, timestamp) = ("msg_1".to_owned(), "1700000000".to_owned());
        vec![("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
    };
    Genuine {
        sender: standard(TOKEN),
        proof: proof(TOKEN),
        by_another: proof(OTHER),
        body: BODY.to_vec(),
        now: now(),
        content_type: JSON,
        covers: Covers::Body,
        window: Some((301, 301)),
    }
}

fn genuine_hmac(encoding: Encoding) -> Genuine {
    let proof = |secret: &[u8]| {
        let value = match encoding {
            Encoding::Hex => hub_signature(secret, BODY),
            Encoding::Base64 => {
                let engine = &base64::engine::general_purpose::STANDARD;
                format!("sha256={}", base64::Engine::encode(engine, hmac(secret, BODY)))
            }
        };
        vec![("x-sig", value)]
    };
    Genuine {
        sender: generic(in_header("x-sig", "sha256=", encoding)),
        proof: proof(b"secret"),
        by_another: proof(b"another"),
        body: BODY.to_vec(),
        now: now(),
        content_type: JSON,
        covers: Covers::Body,
        window: None,
    }
}

fn genuine_bearer() -> Genuine {
    Genuine {
        sender: bearer("tok-7Xy"),
        proof: vec![("authorization", "Bearer tok-7Xy".to_owned())],
        by_another: vec![("authorization", "Bearer tok-8Xy".to_owned())],
        body: BODY.to_vec(),
        now: now(),
        content_type: JSON,
        covers: Covers::Nothing,
        window: None,
    }
}

#[test]
fn the_genuine_pass() {
    assert!(genuine_standard().passes() && genuine_bearer().passes());
    assert!(genuine_hmac(Encoding::Hex).passes() && genuine_hmac(Encoding::Base64).passes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn nothing_like_standard_webhooks_passes(mutation in mutation()) {
        prop_assert_ne!(genuine_standard().passes_after(&mutation), Some(true));
    }

    #[test]
    fn nothing_like_hex_passes(mutation in mutation()) {
        prop_assert_ne!(genuine_hmac(Encoding::Hex).passes_after(&mutation), Some(true));
    }

    #[test]
    fn nothing_like_base64_passes(mutation in mutation()) {
        prop_assert_ne!(genuine_hmac(Encoding::Base64).passes_after(&mutation), Some(true));
    }

    #[test]
    fn nothing_like_a_bearer_token_passes(mutation in mutation()) {
        prop_assert_ne!(genuine_bearer().passes_after(&mutation), Some(true));
    }
}
