//! Signing tokens and secret tokens, alone and together.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use senders::{EmptySecret, GitLab, InvalidSecret, Sender, UnsupportedContent, Unverified};

use crate::mutations::{Covers, Genuine, mutation};
use crate::requests::{headers, standard_signature};
use crate::schemes::JSON;

const SIGNING: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER_SIGNING: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const SECRET: &str = "correct horse battery";
const ID: &str = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f";
const BODY: &[u8] = br#"{"object_kind":"push"}"#;
const SIGNATURE: &str = "webhook-signature";
const TOKEN: &str = "x-gitlab-token";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 500_000_000).unwrap()
}

fn gitlab(signing: &[&str], secret: &[&str]) -> Sender {
    let signing = signing.iter().map(|token| (*token).to_owned()).collect();
    let secret = secret.iter().map(|token| token.as_bytes().to_vec()).collect();
    Sender::GitLab(GitLab::new(signing, secret).unwrap())
}

fn signed(token: &str, at: i64) -> Vec<(&'static str, String)> {
    let timestamp = at.to_string();
    let signature = standard_signature(token, ID, &timestamp, BODY);
    vec![("webhook-id", ID.to_owned()), ("webhook-timestamp", timestamp), (SIGNATURE, signature)]
}

fn borrowed<'a>(pairs: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[test]
fn the_stronger_proof_decides() {
    let right = signed(SIGNING, 1_700_000_000);
    let wrong = signed(OTHER_SIGNING, 1_700_000_000);
    let token = |pairs: &[(&'static str, String)], token: &str| {
        let mut pairs = pairs.to_vec();
        pairs.push((TOKEN, token.to_owned()));
        pairs
    };
    let (signing, secret) = (gitlab(&[SIGNING], &[]), gitlab(&[], &[SECRET]));
    let both = gitlab(&[SIGNING], &[SECRET]);
    let table = [
        ("signed", &signing, right.clone(), Ok(())),
        ("another key", &signing, wrong.clone(), Err(Unverified::Mismatch)),
        (
            "a token where a signature is due",
            &signing,
            token(&[], SECRET),
            Err(Unverified::Missing(SIGNATURE)),
        ),
        ("token", &secret, token(&[], SECRET), Ok(())),
        ("another token", &secret, token(&[], "correct horse"), Err(Unverified::WrongToken(TOKEN))),
        ("longer", &secret, token(&[], "correct horse battery "), Err(Unverified::WrongToken(TOKEN))),
        ("empty", &secret, token(&[], ""), Err(Unverified::Malformed(TOKEN))),
        ("nothing", &secret, vec![], Err(Unverified::Missing(TOKEN))),
        ("twice", &secret, token(&token(&[], SECRET), SECRET), Err(Unverified::Duplicated(TOKEN))),
        (
            "a signature nobody can check",
            &secret,
            token(&right, SECRET),
            Err(Unverified::NoKeyFor(SIGNATURE)),
        ),
        ("both, signed", &both, token(&right, SECRET), Ok(())),
        ("both, signature alone", &both, right, Ok(())),
        ("both, token alone", &both, token(&[], SECRET), Err(Unverified::Missing(SIGNATURE))),
        ("both, bad signature and good token", &both, token(&wrong, SECRET), Err(Unverified::Mismatch)),
    ];
    for (case, sender, pairs, expected) in table {
        assert_eq!(sender.verify(&headers(&borrowed(&pairs)), BODY, now()), expected, "{case}");
    }
}

#[test]
fn the_window_is_five_minutes_both_ways() {
    let sender = gitlab(&[SIGNING], &[]);
    let stale = Err(Unverified::Stale("webhook-timestamp"));
    for (off, expected) in
        [(0, Ok(())), (300, Ok(())), (-300, Ok(())), (301, stale), (-301, stale), (1 << 36, stale)]
    {
        let pairs = signed(SIGNING, 1_700_000_000 + off);
        assert_eq!(sender.verify(&headers(&borrowed(&pairs)), BODY, now()), expected, "{off}");
    }
}

#[test]
fn what_is_no_signature() {
    let sender = gitlab(&[SIGNING, OTHER_SIGNING], &[]);
    let timestamp = "1700000000";
    let right = standard_signature(SIGNING, ID, timestamp, BODY);
    let base64 = right.strip_prefix("v1,").unwrap();
    let zeros = format!("v1,{}=", "A".repeat(43));
    let malformed = Err(Unverified::Malformed(SIGNATURE));
    let table = [
        (right.clone(), Ok(())),
        (standard_signature(OTHER_SIGNING, ID, timestamp, BODY), Ok(())),
        // A sender that changes its key signs with both; one of another version is passed over.
        (format!("{zeros} {right}"), Ok(())),
        (format!("v1a,{base64} {right}"), Ok(())),
        (zeros.clone(), Err(Unverified::Mismatch)),
        (String::new(), malformed),
        (base64.to_owned(), malformed),
        (format!("v1a,{base64}"), malformed),
        (format!("v2,{base64}"), malformed),
        (format!("V1,{base64}"), malformed),
        (format!("v1={base64}"), malformed),
        (format!("v1,{base64} "), malformed),
        (format!("v1,{base64},"), malformed),
        (format!("v1,{}", base64.trim_end_matches('=')), malformed),
        (format!("{right} {right},"), malformed),
        (format!("{right} junk"), malformed),
        (format!("v1,{}", hex::encode([0; 32])), malformed),
    ];
    for (signature, expected) in table {
        let pairs = [("webhook-id", ID), ("webhook-timestamp", timestamp), (SIGNATURE, &signature)];
        assert_eq!(sender.verify(&headers(&pairs), BODY, now()), expected, "{signature}");
    }
}

#[test]
fn ids_and_times_have_one_form() {
    let sender = gitlab(&[SIGNING], &[]);
    let malformed = |name| Err(Unverified::Malformed(name));
    let table = [
        (ID, "1700000000", Ok(())),
        ("", "1700000000", malformed("webhook-id")),
        ("a.b", "1700000000", malformed("webhook-id")),
        ("a b", "1700000000", malformed("webhook-id")),
        (ID, "", malformed("webhook-timestamp")),
        (ID, "+1700000000", malformed("webhook-timestamp")),
        (ID, "1700000000.0", malformed("webhook-timestamp")),
        (ID, "1700000000 ", malformed("webhook-timestamp")),
        (ID, "9999999999999999999", malformed("webhook-timestamp")),
        (ID, "2023-11-14T22:13:20Z", malformed("webhook-timestamp")),
    ];
    for (id, timestamp, expected) in table {
        // Genuine but for its form.
        let signature = standard_signature(SIGNING, id, timestamp, BODY);
        let pairs = [("webhook-id", id), ("webhook-timestamp", timestamp), (SIGNATURE, &signature)];
        assert_eq!(sender.verify(&headers(&pairs), BODY, now()), expected, "{id} {timestamp}");
    }
}

#[test]
fn the_key_is_what_the_base64_stands_for() {
    let sender = gitlab(&[SIGNING], &[]);
    let signed = format!("{ID}.1700000000.{}", std::str::from_utf8(BODY).unwrap());
    for literal in [SIGNING, SIGNING.strip_prefix("whsec_").unwrap()] {
        use base64::Engine;
        let mac = crate::requests::hmac(literal.as_bytes(), signed.as_bytes());
        let signature = format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(mac));
        let pairs = [("webhook-id", ID), ("webhook-timestamp", "1700000000"), (SIGNATURE, &signature)];
        assert_eq!(sender.verify(&headers(&pairs), BODY, now()), Err(Unverified::Mismatch));
    }
}

#[test]
fn what_is_no_secret() {
    let new = |signing: &[&str], secret: &[&str]| {
        let signing = signing.iter().map(|token| (*token).to_owned()).collect();
        GitLab::new(signing, secret.iter().map(|token| token.as_bytes().to_vec()).collect())
    };
    let empty = Some(InvalidSecret::Empty(EmptySecret));
    let wrong = Some(InvalidSecret::NoSigningToken);
    let table: [(&[&str], &[&str], _); 10] = [
        (&[], &[], empty),
        (&[""], &[], empty),
        (&[" \n"], &["good"], empty),
        (&[], &[""], empty),
        (&[], &["good", "\r\n"], empty),
        (&["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="], &[], wrong),
        (&["whsec_"], &[], wrong),
        (&["whsec_c2hvcnQ="], &[], wrong),
        (&["whsec_not base64 at all, but long enough"], &[], wrong),
        (&[SIGNING, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n"], &["good\n"], None),
    ];
    for (signing, secret, expected) in table {
        assert_eq!(new(signing, secret).err(), expected, "{signing:?} {secret:?}");
    }
    // GitLab strips line breaks from a secret token before it sends it.
    let sender = gitlab(&[], &["correct horse\n battery\n"]);
    assert_eq!(sender.verify(&headers(&[(TOKEN, SECRET)]), BODY, now()), Ok(()));
    let shown = format!("{:?}", gitlab(&[SIGNING], &[SECRET]));
    assert!(!shown.contains("horse") && !shown.contains("MDEy"), "{shown}");
}

#[test]
fn it_takes_json_and_its_own_sample() {
    let json = headers(&[("content-type", "application/json")]);
    let form = headers(&[("content-type", "application/x-www-form-urlencoded")]);
    for sender in [gitlab(&[SIGNING], &[]), gitlab(&[], &[SECRET]), gitlab(&[SIGNING], &[SECRET])] {
        assert!(sender.check_content_type(&json).is_ok());
        assert_eq!(sender.check_content_type(&form), Err(UnsupportedContent::Type));
        let (pairs, body) = sender.ping(ID, now());
        assert_eq!(sender.verify(&headers(&borrowed(&pairs)), &body, now()), Ok(()));
        let event =
            senders::parse(sender.kind(), &"gitlab".into(), &crate::requests::delivery(&[]), &body).unwrap();
        assert_eq!(event.r#type.to_string(), "unmapped.gitlab.pullwright_ping");
    }
}

fn genuine_signed() -> Genuine {
    Genuine {
        sender: gitlab(&[SIGNING], &[SECRET]),
        proof: signed(SIGNING, 1_700_000_000),
        by_another: signed(OTHER_SIGNING, 1_700_000_000),
        body: BODY.to_vec(),
        now: now() + TimeDelta::seconds(7),
        content_type: JSON,
        covers: Covers::Body,
        window: Some((308, 294)),
    }
}

fn genuine_token() -> Genuine {
    Genuine {
        sender: gitlab(&[], &["Glpat-9x8Y7z"]),
        proof: vec![(TOKEN, "Glpat-9x8Y7z".to_owned())],
        by_another: vec![(TOKEN, "Glpat-1a2B3c".to_owned())],
        body: BODY.to_vec(),
        now: now(),
        content_type: JSON,
        covers: Covers::Nothing,
        window: None,
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
