//! Signatures, and the tokens of OAuth apps.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use senders::{EmptySecret, Jira, Sender, Unverified};

use crate::mutations::{Covers, Genuine, mutation};
use crate::requests::{delivery, headers, hub_signature, jwt};
use crate::schemes::JSON;

const SIGNATURE: &str = "x-hub-signature";
const SECRET: &[u8] = b"It's a Secret to Everybody";
const BODY: &[u8] = br#"{"webhookEvent":"jira:issue_updated"}"#;
const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn signed(secrets: &[&[u8]]) -> Sender {
    let secrets: Vec<_> = secrets.iter().map(|secret| secret.to_vec()).collect();
    Sender::Jira(Jira::signed(&secrets).unwrap())
}

fn oauth() -> Sender {
    Sender::Jira(Jira::oauth(&[b"client secret".to_vec()]).unwrap())
}

#[test]
fn the_published_vector() {
    let Some(folder) = crate::recorded::folder() else { return };
    let vectors = std::fs::read(folder.join("vectors.json")).unwrap();
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(&vectors).unwrap();
    let vector = vectors.iter().find(|vector| vector["source"] == "jira-cloud").unwrap();
    let sender = signed(&[vector["key_utf8"].as_str().unwrap().as_bytes()]);
    let signature = vector["header"]["X-Hub-Signature"].as_str().unwrap();
    let body = vector["signed_utf8"].as_str().unwrap().as_bytes();
    assert_eq!(sender.verify(&headers(&[(SIGNATURE, signature)]), body, now()), Ok(()));
}

#[test]
fn what_is_not_the_signature() {
    let sender = signed(&[SECRET]);
    let right = hub_signature(SECRET, BODY);
    let digits = right.strip_prefix("sha256=").unwrap();
    let malformed = Err(Unverified::Malformed(SIGNATURE));
    let table = [
        (vec![(SIGNATURE, right.clone())], Ok(())),
        (vec![], Err(Unverified::Missing(SIGNATURE))),
        // GitHub's header, and the token of the other scheme.
        (vec![("x-hub-signature-256", right.clone())], Err(Unverified::Missing(SIGNATURE))),
        (
            vec![("authorization", format!("Bearer {}", jwt(SECRET, HS256, r#"{"exp":1700000060}"#)))],
            Err(Unverified::Missing(SIGNATURE)),
        ),
        (
            vec![(SIGNATURE, right.clone()), (SIGNATURE, right.clone())],
            Err(Unverified::Duplicated(SIGNATURE)),
        ),
        (vec![(SIGNATURE, String::new())], malformed),
        (vec![(SIGNATURE, digits.to_owned())], malformed),
        (vec![(SIGNATURE, format!("sha1={digits}"))], malformed),
        (vec![(SIGNATURE, format!("sha512={digits}{digits}"))], malformed),
        (vec![(SIGNATURE, format!("SHA256={digits}"))], malformed),
        (vec![(SIGNATURE, format!("sha256={}", digits.to_uppercase()))], malformed),
        (vec![(SIGNATURE, format!("sha256={digits},sha256={digits}"))], malformed),
        (vec![(SIGNATURE, hub_signature(b"another", BODY))], Err(Unverified::Mismatch)),
        (vec![(SIGNATURE, hub_signature(SECRET, b"{}"))], Err(Unverified::Mismatch)),
    ];
    for (pairs, expected) in table {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(sender.verify(&headers(&pairs), BODY, now()), expected, "{pairs:?}");
    }
    let both = signed(&[b"old", b"new"]);
    for secret in [b"old", b"new"] {
        assert_eq!(both.verify(&headers(&[(SIGNATURE, &hub_signature(secret, BODY))]), BODY, now()), Ok(()));
    }
}

#[test]
fn tokens_of_oauth_apps() {
    let good = r#"{"iss":"app","exp":1700000060}"#;
    let by = |header: &str, claims: &str| format!("Bearer {}", jwt(b"client secret", header, claims));
    let unsigned = jwt(b"x", r#"{"alg":"none"}"#, good);
    let unsigned = unsigned.rsplit_once('.').unwrap().0;
    let (malformed, stale) =
        (Err(Unverified::Malformed("authorization")), Err(Unverified::Stale("authorization")));
    let right = by(HS256, good);
    let table = [
        (right.clone(), Ok(())),
        (by(HS256, r#"{"exp":1700000000.5,"nbf":1700000060}"#), Ok(())),
        (by(HS256, r#"{"exp":1700000000}"#), stale),
        (by(HS256, r#"{"exp":1}"#), stale),
        (by(HS256, r#"{"exp":1700000900,"nbf":1700000061}"#), stale),
        (by(HS256, r#"{"iss":"app"}"#), malformed),
        (by(HS256, r#"{"exp":null}"#), malformed),
        (by(HS256, r#"{"exp":"1700000060"}"#), malformed),
        (by(HS256, "[]"), malformed),
        (by(HS256, "no json"), malformed),
        // Signed by us, and yet not what we take.
        (by(r#"{"alg":"none"}"#, good), malformed),
        (by(r#"{"alg":"hs256"}"#, good), malformed),
        (by(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#, good), malformed),
        (by("{}", good), malformed),
        (format!("Bearer {}", jwt(b"another", HS256, good)), Err(Unverified::Mismatch)),
        (format!("Bearer {unsigned}."), malformed),
        (format!("Bearer {unsigned}"), malformed),
        (right.replace("Bearer", "bearer"), malformed),
        (right.replace("Bearer", "JWT"), malformed),
        (right.replace("Bearer ", ""), malformed),
        (format!("{right}="), malformed),
        (format!("{right}.{right}"), malformed),
        ("Bearer ".to_owned(), malformed),
        ("Bearer ..".to_owned(), malformed),
    ];
    for (authorization, expected) in table {
        let result = oauth().verify(&headers(&[("authorization", &authorization)]), BODY, now());
        assert_eq!(result, expected, "{authorization}");
    }
    let signature = hub_signature(b"client secret", BODY);
    let result = oauth().verify(&headers(&[(SIGNATURE, &signature)]), BODY, now());
    assert_eq!(result, Err(Unverified::Missing("authorization")), "one scheme a webhook");
}

#[test]
fn secrets_and_samples() {
    for secrets in [vec![], vec![vec![]], vec![b"good".to_vec(), b" ".to_vec()]] {
        assert_eq!(Jira::signed(&secrets).err(), Some(EmptySecret));
        assert_eq!(Jira::oauth(&secrets).err(), Some(EmptySecret));
    }
    assert!(!format!("{:?}", oauth()).contains("client"));
    for sender in [signed(&[SECRET]), oauth()] {
        let (pairs, body) = sender.ping("17", now());
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(sender.verify(&headers(&pairs), &body, now()), Ok(()));
        let event = senders::parse(sender.kind(), &"jira".into(), &delivery(&pairs), &body).unwrap();
        assert_eq!(event.r#type.to_string(), "unmapped.jira.pullwright_ping");
    }
}

fn genuine_signed() -> Genuine {
    Genuine {
        sender: signed(&[SECRET]),
        proof: vec![(SIGNATURE, hub_signature(SECRET, BODY))],
        by_another: vec![(SIGNATURE, hub_signature(b"another webhook's", BODY))],
        body: BODY.to_vec(),
        now: now(),
        content_type: JSON,
        covers: Covers::Body,
        window: None,
    }
}

fn genuine_token() -> Genuine {
    let token = |secret: &[u8]| {
        let claims = r#"{"exp":1700000060,"nbf":1700000000}"#;
        vec![("authorization", format!("Bearer {}", jwt(secret, HS256, claims)))]
    };
    Genuine {
        sender: oauth(),
        proof: token(b"client secret"),
        by_another: token(b"another app's"),
        body: BODY.to_vec(),
        now: now(),
        content_type: JSON,
        covers: Covers::Nothing,
        window: Some((61, 60)),
    }
}

#[test]
fn the_genuine_pass() {
    assert!(genuine_signed().passes() && genuine_token().passes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn nothing_like_a_signed_request_passes(mutation in mutation()) {
        prop_assert_ne!(genuine_signed().passes_after(&mutation), Some(true));
    }

    #[test]
    fn nothing_like_a_token_passes(mutation in mutation()) {
        prop_assert_ne!(genuine_token().passes_after(&mutation), Some(true));
    }
}
