//! Requests as senders make them, signed here by other code than the one under test.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use schemas::delivery::Body;
use schemas::event::Event;
use schemas::trace::TraceContext;
use schemas::{Delivery, DeliveryId};
use sha2::Sha256;

pub fn hmac(key: &[u8], signed: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(signed).finalize().into_bytes().to_vec()
}

/// `sha256=` and hex, as GitHub, Jira and Bitbucket write it.
pub fn hub_signature(secret: &[u8], body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac(secret, body)))
}

/// `v1,` and base64 of Standard Webhooks; `token` is `whsec_...`.
pub fn standard_signature(token: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(token.strip_prefix("whsec_").unwrap()).unwrap();
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    format!("v1,{}", STANDARD.encode(hmac(&key, &signed)))
}

/// A compact JWS over any header and claims.
pub fn jwt(secret: &[u8], header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac(secret, signed.as_bytes())))
}

pub fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    crate::world::headers(pairs)
}

pub fn delivery(headers: &[(&str, &str)]) -> Delivery {
    Delivery {
        id: DeliveryId(uuid::Uuid::from_u128(1)),
        webhook: "here".into(),
        received_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Body::compress(b""),
        trace: TraceContext::default(),
        replay_of: None,
    }
}

/// What of an event a rule can see, in one line; what is absent is left out.
pub fn summary(event: &Event) -> String {
    let mut words = vec![event.r#type.to_string()];
    let mut say = |name: &str, value: Option<String>| {
        words.extend(value.filter(|value| !value.is_empty()).map(|value| format!("{name}={value}")));
    };
    let list = |texts: &[schemas::Untrusted]| {
        let texts: Vec<&str> = texts.iter().map(schemas::Untrusted::expose).collect();
        (!texts.is_empty()).then(|| texts.join(","))
    };
    let (item, comment, change) = (event.item.as_ref(), event.comment.as_ref(), event.change.as_ref());
    let text = |text: &schemas::Untrusted| text.expose().to_owned();
    say("repo", event.repository.as_ref().map(|repository| repository.name.path.clone()));
    say("about", event.work_item.as_ref().map(|item| item.0.clone()));
    say("project", event.project.clone());
    say("by", event.actor.as_ref().map(|actor| format!("{}:{:?}", actor.login, actor.kind)));
    say("labels", item.and_then(|item| list(&item.labels)));
    say("added", list(&event.added_labels));
    say("label", event.label.as_ref().map(text));
    say("status", event.status.as_ref().map(text));
    say("comment", comment.map(|comment| comment.id.clone()));
    say("verdict", comment.and_then(|comment| comment.state.clone()));
    say("path", comment.and_then(|comment| comment.path.as_ref().map(text)));
    say("line", comment.and_then(|comment| comment.line).map(|line| line.to_string()));
    let short = |oid: &schemas::Oid| oid.as_str().chars().take(7).collect::<String>();
    say("head", change.and_then(|change| change.head_ref.as_ref().map(text)));
    say("at", change.and_then(|change| change.head.as_ref().map(short)));
    say("base", change.and_then(|change| change.base_ref.as_ref().map(text)));
    say("from", change.and_then(|change| change.base.as_ref().map(short)));
    say("ended", event.conclusion.clone());
    let flags = [
        ("fork", change.is_some_and(|change| change.fork)),
        ("draft", item.is_some_and(|item| item.draft)),
        ("confidential", event.confidential),
        ("keyed", event.semantic_key.is_some()),
    ];
    words.extend(flags.iter().filter(|(_, is)| *is).map(|(name, _)| (*name).to_owned()));
    words.join(" ")
}
