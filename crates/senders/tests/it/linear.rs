//! Linear's bodies as events: our own small bodies for each trap.

use schemas::Event;
use schemas::event::{ActorKind, SourceKind};
use senders::ParseError;
use serde_json::{Value, json};

use crate::world::{line, read, with};

fn hook(body: &Value) -> Result<Event, ParseError> {
    read(SourceKind::Linear, &[("linear-delivery", "234d1a4e")], body)
}

fn issue(action: &str, before: Value) -> Value {
    json!({
        "action": action, "type": "Issue", "createdAt": "2026-01-02T03:04:05.000Z",
        "actor": {"id": "u1", "name": "Ada", "type": "user"},
        "url": "https://linear.app/acme/issue/ENG-12/it-breaks", "webhookTimestamp": 1, "webhookId": "w1",
        "updatedFrom": before,
        "data": {
            "id": "i1", "identifier": "ENG-12", "title": "It breaks", "description": "Steps", "assigneeId": "u2",
            "team": {"id": "t1", "key": "ENG"}, "state": {"name": "In Review", "type": "started"},
            "labels": [{"id": "l1", "name": "bug"}, {"id": "l2", "name": "agent:fix"}], "labelIds": ["l1", "l2"],
            "updatedAt": "2026-01-02T03:04:05.000Z", "createdAt": "2026-01-01T03:04:05.000Z"
        }
    })
}

fn comment(action: &str) -> Value {
    json!({
        "action": action, "type": "Comment", "createdAt": "2026-01-02T03:04:05.000Z",
        "url": "https://linear.app/acme/issue/ENG-12/it-breaks#comment-1",
        "data": {"id": "c1", "body": "/agent", "issueId": "i1", "userId": "u1", "updatedAt": "2026-01-02T03:04:05.000Z"}
    })
}

#[test]
fn each_event() {
    let about = "work=linear:ENG-12 by=Ada/Human key=ENG-12 title=It breaks";
    let end = "project=ENG at=2026-01-02T03:04:05 same=key";
    let done = |body: Value| with(body, "/data/state", json!({"name": "Done", "type": "completed"}));
    let table = [
        (issue("create", Value::Null), format!("issue.opened {about} {end}")),
        (issue("update", json!({"labelIds": ["l1"]})), format!("issue.labeled {about} label=agent:fix {end}")),
        // Ids without their names, and not all that there were.
        (
            with(issue("update", json!({"labelIds": ["l1"]})), "/data/labels", json!([])),
            format!("issue.labeled {about} {end}"),
        ),
        (
            issue("update", json!({"labelIds": [null]})),
            "unmapped.linear.Issue.update work=linear:ENG-12 by=Ada/Human key=ENG-12 title=It breaks project=ENG".to_owned(),
        ),
        (issue("update", json!({"labelIds": ["l1", "l2", "l3"]})), format!("issue.unlabeled {about} {end}")),
        (issue("update", json!({"stateId": "s1"})), format!("issue.transitioned {about} status=In Review {end}")),
        (done(issue("update", json!({"stateId": "s1", "completedAt": null}))), format!("issue.closed {about} status=Done {end}")),
        (
            issue("update", json!({"stateId": "s1", "completedAt": "2026-01-01T00:00:00.000Z"})),
            format!("issue.reopened {about} status=In Review {end}"),
        ),
        (issue("update", json!({"assigneeId": null})), format!("issue.assigned {about} {end}")),
        (issue("update", json!({"title": "Old"})), format!("issue.edited {about} {end}")),
        (
            issue("update", json!({"sortOrder": 3})),
            "unmapped.linear.Issue.update work=linear:ENG-12 by=Ada/Human key=ENG-12 title=It breaks project=ENG".to_owned(),
        ),
        (
            issue("remove", Value::Null),
            "unmapped.linear.Issue.remove work=linear:ENG-12 by=Ada/Human key=ENG-12 title=It breaks project=ENG".to_owned(),
        ),
        (
            comment("create"),
            format!("comment.created work=linear:ENG-12 by=u1/Human key=ENG-12 comment=c1 {end}"),
        ),
        (comment("update"), format!("comment.edited work=linear:ENG-12 key=ENG-12 comment=c1 {end}")),
        (json!({"type": "IssueLabel", "action": "create"}), "unmapped.linear.IssueLabel.create".to_owned()),
    ];
    for (body, expected) in table {
        assert_eq!(line(&hook(&body).unwrap()), expected, "{body}");
    }
    let both = hook(&issue("update", json!({"labelIds": []}))).unwrap();
    assert_eq!(
        both.added_labels.iter().map(|label| label.expose()).collect::<Vec<_>>(),
        ["bug", "agent:fix"]
    );
    assert_eq!(both.sender_id.as_deref(), Some("234d1a4e"));
}

#[test]
fn a_comments_issue() {
    let named = with(
        comment("create"),
        "/data/issue",
        json!({"identifier": "OPS-3", "title": "Slow", "team": {"key": "OPS"}}),
    );
    let event = hook(&named).unwrap();
    assert_eq!(event.work_item.unwrap().as_str(), "linear:OPS-3");
    assert_eq!(event.project.as_deref(), Some("OPS"));
    for url in [
        "",
        "https://linear.app/acme/issue/",
        "https://linear.app/acme/issue/notakey/x",
        "https://linear.app/acme/project/ENG-1",
    ] {
        let event = hook(&with(comment("create"), "/url", json!(url))).unwrap();
        assert!(event.work_item.is_none() && event.comment.is_some(), "{url}");
    }
}

#[test]
fn bodies_without_a_name() {
    for body in [json!({}), json!({"type": null}), json!({"type": "two words"}), json!({"type": 5})] {
        assert!(matches!(hook(&body), Err(ParseError::Nameless("type"))), "{body}");
    }
}

#[test]
fn who_is_a_person() {
    let table = [
        (json!({"id": "u", "name": "Ada", "type": "user"}), Some(ActorKind::Human)),
        (json!({"id": "u", "name": "Bot", "type": "OauthClient"}), Some(ActorKind::App)),
        (json!({"id": "u", "service": "github", "type": "Integration"}), Some(ActorKind::App)),
        (json!({"id": "u"}), Some(ActorKind::System)),
        (Value::Null, None),
    ];
    for (actor, expected) in table {
        let event = hook(&with(issue("create", Value::Null), "/actor", actor.clone())).unwrap();
        assert_eq!(event.actor.map(|actor| actor.kind), expected, "{actor}");
    }
}

#[test]
fn one_happening_one_key() {
    let key = |body: &Value| hook(body).unwrap().semantic_key.unwrap();
    let one = issue("update", json!({"stateId": "s1"}));
    assert_eq!(key(&one), key(&with(one.clone(), "/webhookTimestamp", json!(2))));
    assert_eq!(key(&one), key(&with(one.clone(), "/webhookId", json!("w2"))));
    let later = with(one.clone(), "/data/updatedAt", json!("2026-01-02T03:04:06.000Z"));
    assert_ne!(key(&one), key(&later));
}
