//! Slack's bodies as events: our own small bodies for each trap.

use schemas::Event;
use schemas::event::{ActorKind, Identity, SourceKind};
use senders::{ParseError, Sender};
use serde_json::{Value, json};

use crate::world::{line, read, read_raw, slack, with};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn form(body: &str) -> Result<Event, ParseError> {
    read_raw(SourceKind::Slack, &[FORM], body.as_bytes())
}

fn interaction(payload: &Value) -> Result<Event, ParseError> {
    let escaped: String = payload.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
    form(&format!("payload={escaped}"))
}

fn event(inner: Value) -> Result<Event, ParseError> {
    let body = json!({"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": inner});
    read(SourceKind::Slack, &[("content-type", "application/json; charset=utf-8")], &body)
}

fn message() -> Value {
    json!({
        "type": "message", "user": "U1", "text": "/agent", "channel": "C1", "ts": "1767322800.000100",
        "event_ts": "1767322800.000100"
    })
}

#[test]
fn each_body() {
    let at = "at=2026-01-02T03:00:00 same=key";
    let replied = with(message(), "/thread_ts", json!("1767322000.000200"));
    let changed = json!({
        "type": "message", "subtype": "message_changed", "channel": "C1", "ts": "1767322800.000300",
        "message": {"type": "message", "user": "U1", "text": "new", "ts": "1767322000.000200"}
    });
    let table = [
        (event(message()), format!("comment.created work=slack:T1/C1/1767322800.000100 by=U1/Human comment=1767322800.000100 {at}")),
        (
            event(replied),
            format!("comment.created work=slack:T1/C1/1767322000.000200 by=U1/Human comment=1767322800.000100 {at}"),
        ),
        (
            event(changed.clone()),
            format!("comment.edited work=slack:T1/C1/1767322000.000200 by=U1/Human comment=1767322000.000200 {at}"),
        ),
        (
            event(with(changed.clone(), "/previous_message", json!({"text": "old"}))),
            format!("comment.edited work=slack:T1/C1/1767322000.000200 by=U1/Human comment=1767322000.000200 {at}"),
        ),
        // A preview of a link was added.
        (
            event(with(changed.clone(), "/previous_message", json!({"text": "new"}))),
            "unmapped.slack.message.message_changed".to_owned(),
        ),
        (event(with(message(), "/subtype", json!("channel_join"))), "unmapped.slack.message.channel_join by=U1/Human".to_owned()),
        (event(json!({"type": "reaction_added", "user": "U1"})), "unmapped.slack.reaction_added by=U1/Human".to_owned()),
        (
            read(SourceKind::Slack, &[], &json!({"type": "app_rate_limited", "minute_rate_limited": 1})),
            "unmapped.slack.app_rate_limited".to_owned(),
        ),
        (
            form("command=%2Ffix&text=the+tax&user_id=U1&user_name=ada&trigger_id=13.7&team_id=T1&channel_id=C1"),
            "dispatch.received by=ada/Human comment=13.7 dispatch=/fix".to_owned(),
        ),
        (
            interaction(&json!({
                "type": "block_actions", "user": {"id": "U1", "username": "ada"}, "team": {"id": "T1"}, "trigger_id": "9",
                "channel": {"id": "C1"}, "message": {"ts": "1767322800.000100", "text": "Shall I?"},
                "actions": [{"action_id": "approve", "value": "x"}]
            })),
            "dispatch.received work=slack:T1/C1/1767322800.000100 by=ada/Human comment=1767322800.000100 dispatch=approve".to_owned(),
        ),
        (
            interaction(&json!({"type": "shortcut", "callback_id": "fix", "user": {"id": "U1", "name": "ada"}})),
            "dispatch.received by=ada/Human dispatch=fix".to_owned(),
        ),
        (
            interaction(&json!({"type": "view_submission", "view": {"id": "V1", "callback_id": "ask"}, "user": {"id": "U1"}})),
            "dispatch.received by=U1/Human dispatch=ask".to_owned(),
        ),
        (
            interaction(&json!({"type": "view_closed", "user": {"id": "U1"}})),
            "unmapped.slack.view_closed by=U1/Human".to_owned(),
        ),
    ];
    for (event, expected) in table {
        assert_eq!(line(&event.unwrap()), expected);
    }
    let command = form("command=%2Ffix&text=the+tax&trigger_id=13.7").unwrap();
    assert_eq!(command.comment.unwrap().body.expose(), "/fix the tax");
}

#[test]
fn identity_is_signed() {
    let one = event(message()).unwrap();
    assert_eq!((one.sender_id.as_deref(), one.identity), (Some("Ev1"), Identity::SenderId));
    let command = form("command=%2Ffix&trigger_id=13.7").unwrap();
    assert_eq!((command.sender_id.as_deref(), command.identity), (Some("13.7"), Identity::SenderId));
    assert_eq!(form("command=%2Ffix").unwrap().identity, Identity::Body);
    // One message, heard as a message and as a mention.
    let mention = event(with(message(), "/type", json!("app_mention"))).unwrap();
    assert_eq!(mention.semantic_key, one.semantic_key);
    assert_ne!(
        event(with(message(), "/ts", json!("1767322800.000101"))).unwrap().semantic_key,
        one.semantic_key
    );
}

#[test]
fn bots_are_bots() {
    let apps = with(with(message(), "/bot_id", json!("B1")), "/subtype", json!("bot_message"));
    assert_eq!(event(apps).unwrap().actor.unwrap().kind, ActorKind::Bot);
    assert_eq!(event(message()).unwrap().actor.unwrap().kind, ActorKind::Human);
    let nobody = with(message(), "/user", json!({"id": "U1"}));
    assert_eq!(event(nobody).unwrap().actor, None);
}

#[test]
fn what_cannot_be_read() {
    for body in [
        "",
        "payload=1",
        "payload=%7B%7D",
        "payload=%7B%7D&payload=%7B%7D",
        "command=a&command=b",
        "a=%",
        "a=b",
    ] {
        assert!(form(body).is_err(), "{body}");
    }
    for body in [
        json!({}),
        json!({"type": "event_callback"}),
        json!({"type": "event_callback", "event": {"type": 5}}),
    ] {
        assert!(matches!(read(SourceKind::Slack, &[], &body), Err(ParseError::Nameless(_))), "{body}");
    }
    // JSON that only looks like a command is none.
    assert!(read(SourceKind::Slack, &[], &json!({"command": "/fix", "trigger_id": "1"})).is_err());
}

#[test]
fn a_command_is_json_for_the_checks_before_it_is_stored() {
    let json = slack().json_of(senders::BodyFormat::Form, b"command=%2Ffix&text=").unwrap().into_owned();
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), json!({"command": "/fix", "text": ""}));
    assert!(matches!(slack(), Sender::Slack(_)));
}

#[test]
fn a_form_of_many_fields() {
    let fields =
        |count: u32| (0..count).map(|at| format!("field{at}=x&")).collect::<String>() + "command=%2Ffix";
    assert!(form(&fields(90)).is_ok());
    assert!(matches!(form(&fields(1_000)), Err(ParseError::Form(senders::MalformedForm::TooManyFields))));
}
