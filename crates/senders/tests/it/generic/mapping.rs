//! Bodies of any shape by a mapping.

use schemas::Event;
use schemas::event::{Identity, SourceKind};
use schemas::mapping::Mapping;
use senders::{ParseError, generic, parse};
use serde_json::{Value, json};

use crate::requests::{delivery, summary};

fn mapping(text: Value) -> Mapping {
    serde_json::from_value(text).unwrap()
}

fn full() -> Value {
    json!({
        "type": "dispatch.received", "work_item": "/incident/id", "repository": "/repo", "actor": "/by/login",
        "title": "/incident/title", "body": "/incident/text", "labels": "/incident/tags", "url": "/incident/link",
        "time": "/at", "id": "/uuid"
    })
}

fn body() -> Value {
    json!({
        "incident": {"id": "INC-7", "title": "It breaks", "text": "Steps\u{0}", "tags": ["bug", {"name": "p1"}, {"title": "x"}, 5],
            "link": "https://status.example/7"},
        "repo": "acme/api", "by": {"login": "maintainer"}, "at": "2026-01-02T03:04:05Z", "uuid": "u-1"
    })
}

fn try_read(mapping: &Mapping, headers: &[(&str, &str)], body: &Value) -> Result<Event, ParseError> {
    generic::parse(mapping, &"tool".into(), &delivery(headers), body.to_string().as_bytes())
}

fn read(mapping: &Mapping, body: &Value) -> Event {
    try_read(mapping, &[], body).unwrap()
}

#[test]
fn a_body_in_full() {
    let event = read(&mapping(full()), &body());
    assert_eq!(
        summary(&event),
        "dispatch.received repo=acme/api about=tool:INC-7 by=maintainer:Human labels=bug,p1,x keyed"
    );
    assert_eq!(event.source, SourceKind::Generic);
    assert_eq!(event.time, Some("2026-01-02T03:04:05Z".parse().unwrap()));
    let item = event.item.unwrap();
    assert_eq!(
        (item.key.as_str(), item.title.expose(), item.body.expose()),
        ("INC-7", "It breaks", "Steps\u{fffd}")
    );
    assert_eq!(item.url.as_deref(), Some("https://status.example/7"));
}

#[test]
fn types() {
    let of = |place: &str, body: Value| read(&mapping(json!({"type": place})), &body).r#type.to_string();
    let table = [
        ("dispatch.received", json!({}), "dispatch.received"),
        ("/type", json!({"type": "issue.labeled"}), "issue.labeled"),
        ("/type", json!({"type": "invoice.paid"}), "unmapped.generic.invoice.paid"),
        ("/type", json!({"type": "Invoice:Paid"}), "unmapped.generic.Invoice:Paid"),
        ("/type", json!({"type": "any text"}), "unmapped.generic"),
        ("/type", json!({"type": 7}), "unmapped.generic.7"),
        ("/a~1b/0/~0", json!({"a/b": [{"~": "push"}]}), "push"),
        // Nobody outside is a schedule or a person at the console.
        ("/type", json!({"type": "schedule.fired"}), "unmapped.generic.schedule.fired"),
        ("/type", json!({"type": "manual.requested"}), "unmapped.generic.manual.requested"),
        ("/type", json!({"type": "unmapped.github.ping"}), "unmapped.generic.unmapped.github.ping"),
    ];
    for (place, body, expected) in table {
        assert_eq!(of(place, body.clone()), expected, "{place} {body}");
    }
    let by_pointer = mapping(json!({"type": "/type"}));
    for body in [json!({}), json!({"type": null}), json!({"type": ""}), json!({"type": {}})] {
        assert!(matches!(try_read(&by_pointer, &[], &body), Err(ParseError::Nameless("type"))), "{body}");
    }
    let ping = read(&mapping(json!({"type": "dispatch.received"})), &json!({"pullwright_ping": "x"}));
    assert_eq!(ping.r#type.to_string(), "unmapped.generic.ping", "a sample starts nothing");
}

#[test]
fn times_urls_and_keys() {
    let time = |at: Value| {
        read(&mapping(json!({"type": "push", "time": "/at"})), &json!({"at": at}))
            .time
            .map(|time| time.timestamp())
    };
    assert_eq!(time(json!("2026-01-02T03:04:05+01:00")), Some(1_767_319_445));
    assert_eq!(time(json!(1_767_319_445)), Some(1_767_319_445));
    assert_eq!(time(json!(1_767_319_445_999_i64)), Some(1_767_319_445));
    for none in [json!("yesterday"), json!(i64::MAX), json!(1.5), json!([]), Value::Null] {
        assert_eq!(time(none.clone()), None, "{none}");
    }
    let item = |body: Value| read(&mapping(json!({"type": "push", "url": "/u", "work_item": "/w"})), &body);
    assert!(item(json!({"u": "javascript:alert(1)", "w": "a b"})).item.is_none());
    assert_eq!(item(json!({"w": 7})).work_item.unwrap().as_str(), "tool:7");
    assert!(item(json!({"w": "x".repeat(201)})).work_item.is_none());
    let repository = |path: &str| {
        read(&mapping(json!({"type": "push", "repository": "/r"})), &json!({"r": path})).repository
    };
    assert_eq!(repository("acme/tools/api").unwrap().name.to_string(), "tool/acme/tools/api");
    assert!(repository("../etc").is_none() && repository("api").is_none());
    let constant = mapping(json!({"type": "push", "repository": "acme/api", "labels": "nightly"}));
    let event = read(&constant, &json!({}));
    assert_eq!(summary(&event), "push repo=acme/api labels=nightly");
}

#[test]
fn identity() {
    let of = |dedupe: Value, headers: &[(&str, &str)]| {
        let event =
            try_read(&mapping(json!({"type": "push", "dedupe": dedupe})), headers, &json!({})).unwrap();
        (event.sender_id, event.identity)
    };
    let headers = [("x-request-id", "r1"), ("webhook-id", "m1")];
    let some = |id: &str| Some(id.to_owned());
    assert_eq!(of(json!({"header": "X-Request-Id"}), &headers), (some("r1"), Identity::SenderId));
    assert_eq!(of(json!({"header": "X-Request-Id"}), &[]), (None, Identity::Body));
    assert_eq!(of(json!("body"), &headers), (some("m1"), Identity::Body));
    assert_eq!(of(json!("none"), &headers), (None, Identity::None));
    assert_eq!(of(Value::Null, &headers), (some("m1"), Identity::SenderId));
    let plain = read(&mapping(json!({"type": "push"})), &json!({}));
    assert_eq!((plain.identity, plain.semantic_key), (Identity::Body, None));

    let key = |id: &str, kind: &str| {
        read(&mapping(json!({"type": "/t", "id": "/id"})), &json!({"t": kind, "id": id}))
            .semantic_key
            .unwrap()
    };
    assert_eq!(key("1", "push"), key("1", "push"));
    assert_ne!(key("1", "push"), key("2", "push"));
    assert_ne!(key("1", "push"), key("1", "issue.opened"));
}

#[test]
fn configuration() {
    let wrong = [
        json!({}),
        json!({"type": 5}),
        json!({"type": "/a~2"}),
        json!({"type": "/a~"}),
        json!({"type": "push", "titel": "/x"}),
        json!({"type": "push", "dedupe": "sometimes"}),
        json!({"type": "push", "dedupe": {"header": 5}}),
    ];
    for text in wrong {
        assert!(serde_json::from_value::<Mapping>(text.clone()).is_err(), "{text}");
    }
    let unmapped = parse(SourceKind::Generic, &"tool".into(), &delivery(&[]), b"{}");
    assert!(matches!(unmapped, Err(ParseError::NoMapping)));
}
