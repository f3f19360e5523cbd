//! Jira's bodies as events: our own small bodies for each trap.

use schemas::Event;
use schemas::event::{ActorKind, Identity, SourceKind};
use senders::{ParseError, parse};
use serde_json::{Value, json};

use crate::requests::{delivery, summary};

fn try_read(body: &Value) -> Result<Event, ParseError> {
    parse(SourceKind::Jira, &"jira".into(), &delivery(&[]), body.to_string().as_bytes())
}

fn read(body: &Value) -> Event {
    try_read(body).unwrap()
}

fn issue() -> Value {
    json!({
        "id": "10031", "self": "https://acme.example/jira/rest/api/2/issue/10031", "key": "PAY-31",
        "fields": {
            "summary": "It breaks", "description": "h1. Steps\u{0}", "labels": ["bug", "agent:fix"],
            "project": {"key": "PAY"}, "status": {"name": "Open"}, "reporter": {"accountId": "5c5f"}
        }
    })
}

fn updated(items: Value) -> Value {
    json!({
        "timestamp": 1_767_323_045_678_i64, "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": "issue_generic", "issue": issue(),
        "user": {"accountId": "5c5f", "accountType": "atlassian", "displayName": "admin"},
        "changelog": {"id": "10233", "items": items}
    })
}

fn item(field: &str, from: Value, to: Value) -> Value {
    json!({"field": field, "fieldtype": "jira", "fieldId": field, "from": null, "to": null, "fromString": from, "toString": to})
}

fn comment() -> Value {
    let self_ = "https://acme.example/jira/rest/api/2/issue/10031/comment/77";
    json!({"self": self_, "id": "77", "body": "/agent fix it", "updated": "2026-01-02T03:04:05.678+0000",
        "author": {"accountId": "a1"}, "updateAuthor": {"accountId": "a2"}})
}

/// As Cloud sends it: no user, and a trimmed issue.
fn cloud_comment(name: &str) -> Value {
    let mut issue = issue();
    issue["fields"] = json!({"summary": "It breaks", "project": {"key": "PAY"}});
    json!({"timestamp": 1, "webhookEvent": name, "comment": comment(), "issue": issue})
}

/// As Data Center sends it: no issue.
fn data_center_comment(name: &str) -> Value {
    json!({"timestamp": 1, "webhookEvent": name, "comment": comment(), "user": {"name": "dev", "key": "JIRAUSER1"}})
}

/// The same comment as an update of the issue.
fn twin(kind: &str) -> Value {
    json!({"timestamp": 2, "webhookEvent": "jira:issue_updated", "issue_event_type_name": kind, "issue": issue(),
        "comment": comment(), "user": {"name": "dev", "key": "JIRAUSER1"}})
}

#[test]
fn a_labelled_issue_in_full() {
    let event = read(&updated(json!([item("labels", json!("bug old"), json!("bug agent:fix p1"))])));
    assert_eq!(
        summary(&event),
        "issue.labeled about=jira:PAY-31 project=PAY by=5c5f:Human labels=bug,agent:fix added=agent:fix,p1 \
         label=agent:fix keyed"
    );
    assert_eq!(event.time.unwrap().timestamp_millis(), 1_767_323_045_678);
    let item = event.item.unwrap();
    assert_eq!(
        (item.key.as_str(), item.title.expose(), item.body.expose()),
        ("PAY-31", "It breaks", "h1. Steps\u{fffd}")
    );
    assert_eq!(item.url.as_deref(), Some("https://acme.example/jira/browse/PAY-31"), "a context path stays");
    assert_eq!(item.author.as_deref(), Some("5c5f"));
    assert!(event.repository.is_none() && event.comment.is_none());
}

#[test]
fn updates() {
    let name = |name: &str| json!(name);
    let status = item("status", name("To Do"), name("In Progress"));
    let capital = json!({"field": "Status", "fromString": "To Do", "toString": "Done"});
    let custom = json!({"field": "labels", "fieldtype": "custom", "fieldId": "customfield_1", "fromString": "", "toString": "x"});
    let add = item("labels", Value::Null, name("agent:fix"));
    let table = [
        (json!([status]), "issue.transitioned", None, Some("In Progress")),
        (json!([capital]), "issue.transitioned", None, Some("Done")),
        (
            json!([item("resolution", Value::Null, name("Done")), status]),
            "issue.transitioned",
            None,
            Some("In Progress"),
        ),
        (json!([status, add]), "issue.transitioned", Some("agent:fix"), Some("In Progress")),
        (json!([add]), "issue.labeled", Some("agent:fix"), None),
        (json!([item("labels", name("a  b"), name("b a c"))]), "issue.labeled", Some("c"), None),
        (json!([item("labels", name("a b"), name("b"))]), "issue.unlabeled", Some("a"), None),
        (json!([item("labels", name("a"), name(""))]), "issue.unlabeled", Some("a"), None),
        (json!([item("labels", name("a b"), name("b a"))]), "issue.edited", None, None),
        // What there was before is not told, or is no list.
        (json!([item("labels", json!(5), name("agent:fix"))]), "issue.edited", None, None),
        (json!([item("labels", json!(["a"]), name("agent:fix"))]), "issue.edited", None, None),
        (json!([item("labels", name(&"a ".repeat(40_000)), name("agent:fix"))]), "issue.edited", None, None),
        (json!([item("assignee", Value::Null, name("Somebody"))]), "issue.assigned", None, None),
        (json!([item("assignee", name("Somebody"), Value::Null)]), "issue.edited", None, None),
        (json!([item("summary", name("a"), name("b"))]), "issue.edited", None, None),
        (json!([custom]), "issue.edited", None, None),
        (
            json!([item("Rank", name(""), name("ranked higher"))]),
            "unmapped.jira.issue_updated.issue_generic",
            None,
            None,
        ),
        (json!([]), "unmapped.jira.issue_updated.issue_generic", None, None),
        (json!("none"), "unmapped.jira.issue_updated.issue_generic", None, None),
        (json!([null, 5, {"field": 5}]), "unmapped.jira.issue_updated.issue_generic", None, None),
    ];
    for (items, expected, label, status) in table {
        let event = read(&updated(items.clone()));
        assert_eq!(event.r#type.to_string(), expected, "{items}");
        assert_eq!(event.label.as_ref().map(|label| label.expose()), label, "{items}");
        assert_eq!(event.status.as_ref().map(|status| status.expose()), status, "{items}");
    }
}

#[test]
fn a_transition_that_a_workflow_tells() {
    let body = json!({
        "transition": {"transitionName": "Start", "from_status": "To Do", "to_status": "In Progress"}, "comment": "",
        "timestamp": 3, "issue": issue(), "user": {"name": "dev"}
    });
    assert_eq!(
        summary(&read(&body)),
        "issue.transitioned about=jira:PAY-31 project=PAY by=dev:Human labels=bug,agent:fix status=In Progress keyed"
    );
    for body in [json!({"transition": "Start"}), json!({"issue": issue()}), json!({"webhookEvent": 5})] {
        assert!(matches!(try_read(&body), Err(ParseError::Nameless("webhookEvent"))), "{body}");
    }
}

/// Before Data Center 7 an update does not say what of.
#[test]
fn an_old_versions_comment() {
    let mut body = twin("x");
    body.as_object_mut().unwrap().remove("issue_event_type_name");
    body["comment"]["created"] = json!("2026-01-02T03:04:05.678+0000");
    assert_eq!(read(&body).r#type.to_string(), "comment.created");
    body["comment"]["created"] = json!("2026-01-01T03:04:05.678+0000");
    assert_eq!(read(&body).r#type.to_string(), "comment.edited");
    body["changelog"] = json!({"id": "1", "items": [item("status", json!("To Do"), json!("Done"))]});
    let event = read(&body);
    assert_eq!(
        (event.r#type.to_string().as_str(), event.comment.unwrap().id.as_str()),
        ("issue.transitioned", "77")
    );
}

#[test]
fn names() {
    let table = [
        ("jira:issue_created", "issue.opened"),
        ("comment_created", "comment.created"),
        ("comment_updated", "comment.edited"),
        ("comment_deleted", "unmapped.jira.comment_deleted"),
        ("jira:issue_deleted", "unmapped.jira.issue_deleted"),
        ("jira:version_released", "unmapped.jira.version_released"),
        ("sprint_started", "unmapped.jira.sprint_started"),
        ("worklog_created", "unmapped.jira.worklog_created"),
        ("issuelink_created", "unmapped.jira.issuelink_created"),
    ];
    for (name, expected) in table {
        assert_eq!(read(&cloud_comment(name)).r#type.to_string(), expected, "{name}");
        assert_eq!(read(&json!({"webhookEvent": name})).r#type.to_string(), expected, "{name}");
    }
    // A status that comes with a new issue is where it begins, not a move.
    let mut created = updated(json!([item("Status", Value::Null, json!("To Do"))]));
    created["webhookEvent"] = json!("jira:issue_created");
    let event = read(&created);
    assert_eq!((event.r#type.to_string().as_str(), event.status), ("issue.opened", None));
    // Some updates list no change.
    let mut assigned = updated(json!([]));
    assigned["issue_event_type_name"] = json!("issue_assigned");
    assert_eq!(read(&assigned).r#type.to_string(), "unmapped.jira.issue_updated.issue_assigned");
    assigned["issue"]["fields"]["assignee"] = json!({"accountId": "x"});
    assert_eq!(read(&assigned).r#type.to_string(), "issue.assigned");
}

#[test]
fn comments_of_both_kinds() {
    let table = [
        (
            cloud_comment("comment_created"),
            "comment.created about=jira:PAY-31 project=PAY by=a1:Human comment=77 keyed",
        ),
        (
            cloud_comment("comment_updated"),
            "comment.edited about=jira:PAY-31 project=PAY by=a2:Human comment=77 keyed",
        ),
        (
            data_center_comment("comment_created"),
            "comment.created about=jira:10031 by=dev:Human comment=77 keyed",
        ),
        (
            data_center_comment("comment_updated"),
            "comment.edited about=jira:10031 by=dev:Human comment=77 keyed",
        ),
        (
            twin("issue_commented"),
            "comment.created about=jira:PAY-31 project=PAY by=dev:Human labels=bug,agent:fix comment=77 keyed",
        ),
        (
            twin("issue_comment_edited"),
            "comment.edited about=jira:PAY-31 project=PAY by=dev:Human labels=bug,agent:fix comment=77 keyed",
        ),
        (
            twin("issue_comment_deleted"),
            "unmapped.jira.issue_updated.issue_comment_deleted about=jira:PAY-31 project=PAY by=dev:Human \
             labels=bug,agent:fix comment=77",
        ),
    ];
    for (body, expected) in table {
        assert_eq!(summary(&read(&body)), expected, "{body}");
    }
    let comment = read(&cloud_comment("comment_created")).comment.unwrap();
    assert_eq!(comment.body.expose(), "/agent fix it");
    assert_eq!(comment.url.as_deref(), Some("https://acme.example/jira/browse/PAY-31?focusedCommentId=77"));
}

#[test]
fn a_comment_told_twice_has_one_key() {
    let key = |body: &Value| read(body).semantic_key.unwrap();
    let created = key(&data_center_comment("comment_created"));
    assert_eq!(created, key(&twin("issue_commented")));
    assert_eq!(created, key(&cloud_comment("comment_created")));
    let edited = key(&data_center_comment("comment_updated"));
    assert_eq!(edited, key(&twin("issue_comment_edited")));
    assert_ne!(created, edited);
    let mut again = twin("issue_comment_edited");
    again["comment"]["updated"] = json!("2026-01-02T03:04:06.678+0000");
    assert_ne!(edited, key(&again), "two edits");
    let mut other = data_center_comment("comment_created");
    other["comment"]["id"] = json!("78");
    assert_ne!(created, key(&other));
    other = data_center_comment("comment_created");
    other["comment"]["self"] = json!("https://other.example/rest/api/2/issue/10031/comment/77");
    assert_ne!(created, key(&other), "another Jira");
}

#[test]
fn one_update_has_one_key() {
    let key = |body: &Value| read(body).semantic_key;
    let labeled = updated(json!([item("labels", json!(""), json!("agent:fix"))]));
    let base = key(&labeled);
    assert!(base.is_some());
    let mut by_another_webhook = labeled.clone();
    by_another_webhook["timestamp"] = json!(5);
    assert_eq!(key(&by_another_webhook), base);
    let mut next = labeled.clone();
    next["changelog"]["id"] = json!("10234");
    assert_ne!(key(&next), base);
    // Without a group of changes, the time tells.
    let mut assigned = updated(json!([]));
    assigned["issue_event_type_name"] = json!("issue_assigned");
    assigned["issue"]["fields"]["assignee"] = json!({"accountId": "x"});
    assigned["changelog"] = json!({"items": []});
    let at = key(&assigned);
    assigned["timestamp"] = json!(7);
    assert!(at.is_some() && at != key(&assigned));
    assigned["timestamp"] = Value::Null;
    assert_eq!(key(&assigned), None);
    assert_eq!(key(&updated(json!([]))), None, "an unmapped one");

    let identified = delivery(&[("x-atlassian-webhook-identifier", "w1")]);
    let event = parse(SourceKind::Jira, &"jira".into(), &identified, labeled.to_string().as_bytes()).unwrap();
    assert_eq!((event.sender_id.as_deref(), event.identity), (Some("w1"), Identity::Body));
}

#[test]
fn who_did_it() {
    let table = [
        (
            json!({"accountId": "5c5f", "accountType": "atlassian", "displayName": "root"}),
            Some(("5c5f", "5c5f", ActorKind::Human)),
        ),
        (json!({"accountId": "5c5f", "name": "admin"}), Some(("5c5f", "admin", ActorKind::Human))),
        (json!({"accountId": "5c5f", "accountType": "customer"}), Some(("5c5f", "5c5f", ActorKind::Human))),
        (json!({"accountId": "5c5f", "accountType": "app"}), Some(("5c5f", "5c5f", ActorKind::App))),
        (json!({"accountId": "5c5f", "accountType": "unknown"}), Some(("5c5f", "5c5f", ActorKind::System))),
        (json!({"name": "dev", "key": "JIRAUSER1"}), Some(("dev", "dev", ActorKind::Human))),
        (json!({"key": "JIRAUSER1"}), Some(("JIRAUSER1", "JIRAUSER1", ActorKind::Human))),
        // What somebody calls himself is not who he is.
        (json!({"displayName": "root"}), None),
        (Value::Null, None),
        (json!([]), None),
    ];
    for (user, expected) in table {
        let mut body = updated(json!([]));
        body["user"] = user.clone();
        let actor = read(&body).actor;
        let got = actor.as_ref().map(|actor| (actor.id.as_str(), actor.login.as_str(), actor.kind));
        assert_eq!(got, expected, "{user}");
    }
}

#[test]
fn what_not_everybody_may_see() {
    let set = |pointer: &str, value: Value| {
        let mut body = twin("issue_commented");
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[key] = value;
        read(&body).confidential
    };
    assert!(set("/comment/visibility", json!({"type": "role", "value": "Administrators"})));
    assert!(set("/comment/jsdPublic", json!(false)));
    assert!(set("/issue/fields/security", json!({"name": "Internal"})));
    assert!(!set("/comment/jsdPublic", json!(true)));
    assert!(!set("/issue/fields/security", Value::Null));
}

#[test]
fn absent_null_and_wrong_typed_fields() {
    let wrong = [Value::Null, json!(5), json!("x"), json!([]), json!({}), json!([null, {}]), json!(true)];
    let paths = [
        "/issue/self",
        "/issue/id",
        "/issue/fields",
        "/issue/fields/labels",
        "/issue/fields/description",
        "/issue/fields/project",
        "/user",
        "/timestamp",
        "/changelog",
        "/issue_event_type_name",
    ];
    for path in paths {
        for value in &wrong {
            let mut body = updated(json!([item("labels", json!(""), json!("agent:fix"))]));
            *body.pointer_mut(path).unwrap() = value.clone();
            assert_eq!(read(&body).work_item.unwrap().as_str(), "jira:PAY-31", "{path} {value}");
        }
    }
    for key in [
        json!("PAY"),
        json!("PAY-"),
        json!("-31"),
        json!("PAY-3x"),
        json!("../x-1"),
        json!("PAY 1-2"),
        json!(31),
        Value::Null,
    ] {
        let mut body = updated(json!([]));
        body["issue"]["key"] = key.clone();
        assert!(read(&body).work_item.is_none(), "{key}");
    }
    for address in ["https://x/rest/api/2/issue/../comment/7", "https://x/issue/", "issue/1", ""] {
        let mut body = data_center_comment("comment_created");
        body["comment"]["self"] = json!(address);
        assert!(read(&body).work_item.is_none(), "{address}");
    }
    let mut scheme = updated(json!([]));
    scheme["issue"]["self"] = json!("javascript:alert(1)/rest/api/2/issue/1");
    assert_eq!(read(&scheme).item.unwrap().url, None);
    let mut structured = updated(json!([]));
    structured["issue"]["fields"]["description"] = json!({"type": "doc", "version": 1, "content": []});
    assert_eq!(read(&structured).item.unwrap().body.expose(), "");
}

#[test]
fn what_cannot_be_read() {
    let raw = |body: &[u8]| parse(SourceKind::Jira, &"jira".into(), &delivery(&[]), body);
    for body in [&b"{"[..], b"[]", b"null", b"\xff", b""] {
        assert!(matches!(raw(body), Err(ParseError::Json(_))));
    }
    for body in [json!({}), json!({"webhookEvent": 5}), json!({"webhookEvent": "a b"})] {
        assert!(matches!(try_read(&body), Err(ParseError::Nameless("webhookEvent"))), "{body}");
    }
}
