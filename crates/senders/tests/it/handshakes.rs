//! Requests that are answered at once, and what must not be taken for one.

use chrono::TimeDelta;
use http::HeaderMap;
use senders::Unverified;
use serde_json::{Value, json};

use crate::schemes::{ALL, BITBUCKET, SENTRY_COMPONENT};
use crate::world::{SECRET, bitbucket, headers, mac, now, sentry, slack};

fn signed_by_slack(content_type: &str, body: &[u8]) -> HeaderMap {
    let time = now().timestamp().to_string();
    let signature = format!("v0={}", mac(SECRET, &[b"v0:", time.as_bytes(), b":", body]));
    headers(&[
        ("content-type", content_type),
        ("x-slack-signature", &signature),
        ("x-slack-request-timestamp", &time),
    ])
}

#[test]
fn slack_gets_its_challenge_back_when_it_signed() {
    let body = json!({"token": "t", "challenge": "3eZb\"rz", "type": "url_verification"}).to_string();
    let signed = signed_by_slack("application/json", body.as_bytes());
    let answer = slack().handshake(&signed, body.as_bytes(), now()).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), json!({"challenge": "3eZb\"rz"}));

    let stale = slack().handshake(&signed, body.as_bytes(), now() + TimeDelta::seconds(301));
    assert_eq!(stale, None);
    let unsigned = headers(&[("content-type", "application/json")]);
    assert_eq!(slack().handshake(&unsigned, body.as_bytes(), now()), None);
    assert!(slack().verify(&unsigned, body.as_bytes(), now()).is_err());

    let others = [
        json!({"type": "event_callback", "challenge": "x"}),
        json!({"type": "url_verification"}),
        json!({"type": "url_verification", "challenge": 5}),
        json!([]),
    ];
    for other in others {
        let body = other.to_string();
        let signed = signed_by_slack("application/json", body.as_bytes());
        assert_eq!(slack().handshake(&signed, body.as_bytes(), now()), None, "{body}");
    }
}

#[test]
fn slack_may_look_at_the_certificate() {
    let form = "application/x-www-form-urlencoded";
    for (body, taken) in [("token=t&ssl_check=1", true), ("ssl_check=0", false), ("command=%2Ffix", false)] {
        let signed = signed_by_slack(form, body.as_bytes());
        assert_eq!(slack().handshake(&signed, body.as_bytes(), now()).is_some(), taken, "{body}");
    }
    let unsigned = headers(&[("content-type", form)]);
    assert_eq!(slack().handshake(&unsigned, b"ssl_check=1", now()), None);
}

#[test]
fn data_center_tests_a_connection_unsigned() {
    let body = b"{\"test\":true}";
    let ping = ("x-event-key", "diagnostics:ping");
    let answer = bitbucket().handshake(&headers(&[ping]), body, now()).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    let (right, wrong) = (BITBUCKET.sign(SECRET, body), BITBUCKET.sign(b"guess", body));
    assert!(bitbucket().handshake(&headers(&[ping, (BITBUCKET.header, &right)]), body, now()).is_some());

    let refused = headers(&[ping, (BITBUCKET.header, &wrong)]);
    assert_eq!(bitbucket().handshake(&refused, body, now()), None);
    assert_eq!(bitbucket().verify(&refused, body, now()), Err(Unverified::Mismatch));
    for key in ["pr:opened", "diagnostics:ping2", "DIAGNOSTICS:PING", ""] {
        assert_eq!(bitbucket().handshake(&headers(&[("x-event-key", key)]), body, now()), None, "{key}");
    }
    assert_eq!(bitbucket().handshake(&headers(&[ping, ping]), body, now()), None);
}

#[test]
fn a_sentry_component_may_say_nothing() {
    let empty = mac(SECRET, &[b""]);
    let signed = headers(&[(SENTRY_COMPONENT.header, &empty)]);
    assert_eq!(sentry().handshake(&signed, b"", now()).unwrap().status, 200);
    assert_eq!(sentry().verify(&signed, b"", now()), Ok(()));
    assert_eq!(sentry().handshake(&signed, b"{}", now()), None);
    let guessed = headers(&[(SENTRY_COMPONENT.header, &mac(b"guess", &[b""]))]);
    assert_eq!(sentry().handshake(&guessed, b"", now()), None);
    let hook = headers(&[(SENTRY_COMPONENT.header, empty.as_str()), ("sentry-hook-resource", "issue")]);
    assert_eq!(sentry().handshake(&hook, b"", now()), None);
}

#[test]
fn statuses() {
    for scheme in ALL {
        let expected = if scheme.name == "linear" { 200 } else { 202 };
        assert_eq!((scheme.sender)().accepted_status(), expected, "{}", scheme.name);
    }
}
