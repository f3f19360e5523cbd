//! Sentry's bodies as events: our own small bodies for each trap.

use schemas::Event;
use schemas::event::{ActorKind, SourceKind};
use senders::ParseError;
use serde_json::{Value, json};

use crate::world::{line, read, read_raw, with};

fn hook(resource: &str, body: &Value) -> Result<Event, ParseError> {
    read(SourceKind::Sentry, &[("sentry-hook-resource", resource)], body)
}

fn alert() -> Value {
    json!({
        "action": "triggered",
        "data": {
            "event": {
                "event_id": "ab12", "issue_id": "4711", "project": 7, "level": "error",
                "title": "KeyError: tax", "culprit": "orders.total", "platform": "python",
                "datetime": "2026-01-02T03:04:05.678000Z",
                "url": "https://sentry.example/api/0/projects/acme/api/events/ab12/",
                "web_url": "https://sentry.example/organizations/acme/issues/4711/events/ab12/",
                "issue_url": "https://sentry.example/api/0/organizations/acme/issues/4711/",
                "exception": {"values": [{"type": "KeyError", "value": "tax", "stacktrace": {"frames": [
                    {"filename": "wsgi.py", "lineno": 8, "function": "call"},
                    {"filename": "orders.py", "lineno": 31, "function": "total", "context_line": "  rates['tax']"}
                ]}}]}
            },
            "triggered_rule": "Every error"
        },
        "installation": {"uuid": "a8e5d37a"},
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"}
    })
}

fn issue(action: &str, status: &str) -> Value {
    json!({
        "action": action,
        "data": {"issue": {
            "id": "4711", "shortId": "API-9", "title": "KeyError: tax", "culprit": "orders.total", "level": "error",
            "status": status, "substatus": "regressed", "project": {"id": "7", "slug": "api", "name": "API"},
            "permalink": "https://sentry.example/organizations/acme/issues/4711/",
            "firstSeen": "2026-01-02T03:04:05Z", "lastSeen": "2026-01-02T03:04:05Z"
        }},
        "actor": {"type": "user", "id": 662, "name": "Ada"}
    })
}

fn metric(action: &str) -> Value {
    json!({
        "action": action,
        "data": {
            "metric_alert": {
                "id": "55", "identifier": "3", "status": 20, "title": "Too many errors", "projects": ["api"],
                "date_closed": "2026-01-02T04:00:00Z", "alert_rule": {"name": "errors"}
            },
            "description_title": "Critical: Too many errors", "description_text": "5 events",
            "web_url": "https://sentry.example/organizations/acme/alerts/3/"
        },
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"}
    })
}

fn comment(action: &str, text: &str) -> Value {
    json!({
        "action": action,
        "data": {
            "comment": text, "comment_id": 8, "issue_id": 4711, "project_slug": "api",
            "timestamp": "2026-01-02T03:04:05Z"
        },
        "actor": {"type": "user", "id": 662, "name": "Ada"}
    })
}

#[test]
fn each_resource() {
    let error = json!({"action": "created", "data": {"error": alert()["data"]["event"]}, "actor": null});
    let table = [
        (
            "event_alert",
            alert(),
            "alert.triggered work=sentry:api/4711 by=Sentry/App key=4711 title=KeyError: tax project=api level=error \
             culprit=orders.total at=2026-01-02T03:04:05 same=key",
        ),
        (
            "error",
            error,
            "error.created work=sentry:api/4711 key=4711 title=KeyError: tax project=api level=error \
             culprit=orders.total at=2026-01-02T03:04:05 same=key",
        ),
        (
            "issue",
            issue("created", "unresolved"),
            "issue.opened work=sentry:api/4711 by=Ada/Human key=4711 title=KeyError: tax status=unresolved project=api \
             level=error culprit=orders.total at=2026-01-02T03:04:05 same=key",
        ),
        (
            "issue",
            issue("resolved", "resolved"),
            "issue.closed work=sentry:api/4711 by=Ada/Human key=4711 title=KeyError: tax status=resolved project=api \
             level=error culprit=orders.total same=key",
        ),
        (
            "metric_alert",
            metric("critical"),
            "alert.triggered work=sentry:alert#55 by=Sentry/App key=55 title=Critical: Too many errors status=critical \
             project=api level=critical same=key",
        ),
        (
            "metric_alert",
            metric("resolved"),
            "alert.resolved work=sentry:alert#55 by=Sentry/App key=55 title=Critical: Too many errors status=resolved \
             project=api at=2026-01-02T04:00:00 same=key",
        ),
        (
            "comment",
            comment("created", "/agent"),
            "comment.created work=sentry:api/4711 by=Ada/Human key=4711 comment=8 project=api at=2026-01-02T03:04:05 \
             same=key",
        ),
    ];
    for (resource, body, expected) in table {
        assert_eq!(line(&hook(resource, &body).unwrap()), expected);
    }
    let item = hook("event_alert", &alert()).unwrap().item.unwrap();
    assert!(
        item.body.expose().contains("orders.py:31 in total\n      rates['tax']"),
        "{}",
        item.body.expose()
    );
    assert_eq!(
        item.url.as_deref(),
        Some("https://sentry.example/organizations/acme/issues/4711/events/ab12/")
    );
}

#[test]
fn types() {
    let table = [
        ("issue", issue("unresolved", "unresolved"), "issue.reopened"),
        ("issue", issue("assigned", "unresolved"), "issue.assigned"),
        ("issue", issue("ignored", "ignored"), "issue.transitioned"),
        ("issue", issue("archived", "ignored"), "issue.transitioned"),
        ("issue", issue("dreamed", "x"), "unmapped.sentry.issue.dreamed"),
        ("metric_alert", metric("warning"), "alert.triggered"),
        ("metric_alert", metric("open"), "alert.triggered"),
        ("comment", comment("updated", "x"), "comment.edited"),
        ("comment", comment("deleted", "x"), "unmapped.sentry.comment.deleted"),
        ("event_alert", with(alert(), "/action", json!("two words")), "unmapped.sentry.event_alert"),
        ("installation", json!({"action": "created", "data": {}}), "unmapped.sentry.installation.created"),
        ("seer", json!({"action": "root_cause_completed"}), "unmapped.sentry.seer.root_cause_completed"),
        (
            "preprod_artifact",
            json!({"action": "x", "data": {"issue": 1}}),
            "unmapped.sentry.preprod_artifact.x",
        ),
    ];
    for (resource, body, expected) in table {
        assert_eq!(hook(resource, &body).unwrap().r#type.to_string(), expected, "{body}");
    }
}

#[test]
fn a_body_under_another_resource_is_not_believed() {
    let bodies = [
        ("event_alert", alert()),
        ("issue", issue("created", "x")),
        ("metric_alert", metric("open")),
        ("comment", comment("created", "x")),
    ];
    for (resource, body) in &bodies {
        for other in ["event_alert", "error", "issue", "metric_alert", "comment"] {
            let disagrees = matches!(hook(other, body), Err(ParseError::Disagrees { .. }));
            assert_eq!(disagrees, other != *resource, "{resource} as {other}");
        }
    }
    let two = with(alert(), "/data/issue", json!({"id": "1"}));
    assert!(matches!(hook("event_alert", &two), Err(ParseError::Disagrees { .. })));
    for (header, body) in [("not a word", b"{}".as_slice()), ("", b"{}"), ("issue", b"[]"), ("issue", b"")] {
        assert!(read_raw(SourceKind::Sentry, &[("sentry-hook-resource", header)], body).is_err());
    }
    let unnamed = read(SourceKind::Sentry, &[], &alert());
    assert!(matches!(unnamed, Err(ParseError::MissingHeader("sentry-hook-resource"))));
}

#[test]
fn requests_of_interface_components() {
    assert_eq!(
        read_raw(SourceKind::Sentry, &[], b"").unwrap().r#type.to_string(),
        "unmapped.sentry.component"
    );
    let link =
        json!({"fields": {"title": "x"}, "issueId": "1", "actor": {"type": "user", "id": 5, "name": "Ada"}});
    let event = read(SourceKind::Sentry, &[], &link).unwrap();
    assert_eq!(line(&event), "unmapped.sentry.component by=Ada/Human");
}

#[test]
fn one_happening_one_key() {
    let key = |resource: &str, body: &Value| hook(resource, body).unwrap().semantic_key.unwrap();
    let again = with(alert(), "/data/triggered_rule", json!("Another rule"));
    assert_eq!(key("event_alert", &alert()), key("event_alert", &again));
    assert_eq!(hook("event_alert", &alert()).unwrap().sender_id, None);

    let late = with(issue("resolved", "resolved"), "/data/issue/lastSeen", json!("2026-02-02T03:04:05Z"));
    let others = [
        key("event_alert", &alert()),
        key("event_alert", &with(alert(), "/data/event/event_id", json!("ab13"))),
        key("issue", &issue("created", "unresolved")),
        key("issue", &issue("resolved", "resolved")),
        key("issue", &issue("unresolved", "unresolved")),
        key("issue", &late),
        key("issue", &with(issue("resolved", "resolved"), "/data/issue/id", json!("4712"))),
        key("metric_alert", &metric("critical")),
        key("metric_alert", &metric("warning")),
        key("comment", &comment("created", "x")),
        key("comment", &comment("updated", "x")),
        key("comment", &comment("updated", "y")),
    ];
    for (index, one) in others.iter().enumerate() {
        assert!(!others[..index].contains(one), "{index}");
    }
    let counted = with(issue("resolved", "resolved"), "/data/issue/count", json!("99"));
    assert_eq!(key("issue", &counted), key("issue", &issue("resolved", "resolved")));
}

#[test]
fn absent_null_and_wrong_typed_fields() {
    for path in [
        "/data/event/issue_id",
        "/data/event/issue_url",
        "/data/event/url",
        "/data/event/level",
        "/data/event/exception",
        "/data/event/datetime",
        "/data/event/title",
        "/actor",
    ] {
        for value in [Value::Null, json!(5), json!([]), json!({}), json!("\u{0}")] {
            let event = hook("event_alert", &with(alert(), path, value.clone())).unwrap();
            assert_eq!(event.r#type.to_string(), "alert.triggered", "{path} {value}");
            assert!(event.item.is_some(), "{path} {value}");
        }
    }
    let nameless = json!({"action": "triggered", "data": {"event": {"event_id": "ab12"}}});
    let no_id = with(issue("resolved", "resolved"), "/data/issue/id", Value::Null);
    assert_eq!(hook("issue", &no_id).unwrap().semantic_key, None);
    assert_eq!(line(&hook("event_alert", &nameless).unwrap()), "alert.triggered key=ab12 same=key");
    let without_project = with(alert(), "/data/event/url", Value::Null);
    assert_eq!(hook("event_alert", &without_project).unwrap().work_item.unwrap().as_str(), "sentry:4711");
}

#[test]
fn who_is_a_person() {
    let table = [
        (json!({"type": "user", "id": 5, "name": "Ada"}), Some(ActorKind::Human)),
        (json!({"type": "user", "id": "5"}), Some(ActorKind::Human)),
        (json!({"type": "application", "id": "sentry", "name": "Sentry"}), Some(ActorKind::App)),
        (json!({"type": "robot", "id": 5}), Some(ActorKind::System)),
        (json!({"id": 5}), Some(ActorKind::System)),
        (json!({"type": "user", "name": "Ada"}), None),
    ];
    for (actor, expected) in table {
        let event = hook("issue", &with(issue("created", "x"), "/actor", actor.clone())).unwrap();
        assert_eq!(event.actor.map(|actor| actor.kind), expected, "{actor}");
    }
}
