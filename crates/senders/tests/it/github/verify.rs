//! GitHub's signature: the published vectors, and everything that must not pass.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};
use senders::{BodyFormat, EmptySecret, GitHub, Sender, UnsupportedContent, Unverified};

use crate::recorded;
use crate::requests::{headers, hub_signature as sign};

const SIGNATURE: &str = "x-hub-signature-256";
const SECRET: &[u8] = b"It's a Secret to Everybody";
/// GitHub signs no time: any will do.
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn sender(secrets: &[&[u8]]) -> Sender {
    Sender::GitHub(GitHub::new(secrets.iter().map(|secret| secret.to_vec()).collect()).unwrap())
}

#[test]
fn the_published_vectors() {
    let Some(folder) = recorded::folder() else { return };
    let vectors = std::fs::read(folder.join("vectors.json")).unwrap();
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(&vectors).unwrap();
    let mut checked = 0;
    for vector in &vectors {
        let source = vector["source"].as_str().unwrap();
        if !source.starts_with("github") {
            continue;
        }
        let sender = sender(&[vector["key_utf8"].as_str().unwrap().as_bytes()]);
        let body = vector["signed_utf8"].as_str().unwrap().as_bytes();
        let pairs: Vec<_> = vector["header"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
            .collect();
        let result = sender.verify(&headers(&pairs), body, NOW);
        match vector["algorithm"].as_str().unwrap() {
            "HMAC-SHA256" => assert_eq!(result, Ok(()), "{vector}"),
            // Right by the older scheme, and not looked at.
            "HMAC-SHA1" => assert_eq!(result, Err(Unverified::Missing(SIGNATURE)), "{vector}"),
            other => panic!("{other}"),
        }
        checked += 1;
    }
    assert!(checked >= 3, "{checked}");
}

#[test]
fn what_is_not_the_signature() {
    let sender = sender(&[SECRET]);
    let right = sign(SECRET, b"body");
    let digits = right.strip_prefix("sha256=").unwrap();
    let sha1 = "sha1=3374ef144403e8035423b23b02e2c9d7a4c50368";
    let malformed = Err(Unverified::Malformed(SIGNATURE));
    let one = |value: &str| headers(&[(SIGNATURE, value)]);
    let table = [
        ("none", headers(&[]), Err(Unverified::Missing(SIGNATURE))),
        (
            "the SHA-1 header alone",
            headers(&[("x-hub-signature", sha1)]),
            Err(Unverified::Missing(SIGNATURE)),
        ),
        (
            "SHA-256 in the SHA-1 header",
            headers(&[("x-hub-signature", &right)]),
            Err(Unverified::Missing(SIGNATURE)),
        ),
        ("empty", one(""), malformed),
        ("prefix alone", one("sha256="), malformed),
        ("no prefix", one(digits), malformed),
        ("another prefix", one(&format!("sha1={digits}")), malformed),
        ("upper-case prefix", one(&format!("SHA256={digits}")), malformed),
        ("upper-case digits", one(&format!("sha256={}", digits.to_uppercase())), malformed),
        ("too short", one(&right[..right.len() - 2]), malformed),
        ("odd", one(&right[..right.len() - 1]), malformed),
        ("too long", one(&format!("{right}00")), malformed),
        ("two in one header", one(&format!("{right},{right}")), malformed),
        ("space inside", one(&format!("sha256= {digits}")), malformed),
        (
            "twice",
            headers(&[(SIGNATURE, &right), (SIGNATURE, &right)]),
            Err(Unverified::Duplicated(SIGNATURE)),
        ),
        ("another body's", one(&sign(SECRET, b"other")), Err(Unverified::Mismatch)),
        ("another secret's", one(&sign(b"guess", b"body")), Err(Unverified::Mismatch)),
        ("zeros", one(&format!("sha256={}", "0".repeat(64))), Err(Unverified::Mismatch)),
        ("right", one(&right), Ok(())),
    ];
    for (case, headers, expected) in table {
        assert_eq!(sender.verify(&headers, b"body", NOW), expected, "{case}");
    }
    let mut not_text = HeaderMap::new();
    not_text.insert(SIGNATURE, HeaderValue::from_bytes(b"sha256=\xd9\xa1").unwrap());
    assert_eq!(sender.verify(&not_text, b"body", NOW), malformed);
}

#[test]
fn both_secrets_sign_while_one_replaces_the_other() {
    let sender = sender(&[b"old", b"new"]);
    for secret in [b"old".as_slice(), b"new"] {
        assert_eq!(sender.verify(&headers(&[(SIGNATURE, &sign(secret, b"x"))]), b"x", NOW), Ok(()));
    }
    let oldest = headers(&[(SIGNATURE, &sign(b"oldest", b"x"))]);
    assert_eq!(sender.verify(&oldest, b"x", NOW), Err(Unverified::Mismatch));
}

#[test]
fn an_empty_secret_is_refused_and_none_is_printed() {
    for secrets in [vec![], vec![vec![]], vec![b"good".to_vec(), vec![]], vec![b" \n".to_vec()]] {
        assert_eq!(GitHub::new(secrets).err(), Some(EmptySecret));
    }
    assert_eq!(format!("{:?}", sender(&[b"hunter2"])), "GitHub(GitHub(1 secrets))");
}

#[test]
fn content_types() {
    let sender = sender(&[SECRET]);
    let json = ("content-type", "application/json");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let table: [(&[(&str, &str)], _); 8] = [
        (&[json], Ok(BodyFormat::Json)),
        (&[form], Ok(BodyFormat::Form)),
        (&[json, ("content-encoding", "identity")], Ok(BodyFormat::Json)),
        (&[], Err(UnsupportedContent::NotOneType)),
        (&[json, form], Err(UnsupportedContent::NotOneType)),
        (&[("content-type", "text/plain")], Err(UnsupportedContent::Type)),
        (&[json, ("content-encoding", "gzip")], Err(UnsupportedContent::Encoding)),
        (
            &[json, ("content-encoding", "identity"), ("content-encoding", "gzip")],
            Err(UnsupportedContent::Encoding),
        ),
    ];
    for (pairs, expected) in table {
        assert_eq!(sender.check_content_type(&headers(pairs)), expected, "{pairs:?}");
    }
}
