//! A Slack body as an [`Event`].
//!
//! What a person writes is a comment; what a person asks for by a command, a button or a shortcut
//! is a dispatch under that command's or button's own name.

use chrono::{DateTime, Utc};
use schemas::event::{Actor, ActorKind, Comment, EventType, Identity, SourceKind};
use schemas::{ConnectionName, Delivery, Event, Untrusted, WorkItem};

use crate::content::BodyFormat;
use crate::error::ParseError;
use crate::naming::{semantic_key, unmapped};
use crate::node::Node;
use crate::tree::Tree;

use super::json_of;

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let format = delivery.headers.get("content-type").map(String::as_str);
    let format = format.map_or(Ok(BodyFormat::Json), BodyFormat::from_content_type);
    let format = format.map_err(|_| ParseError::MalformedHeader("content-type"))?;
    let json = json_of(format, raw)?;
    let body = Tree::object(&json, &[])?;
    let body = Node::of(&body);
    let mut event =
        Event::new(delivery.id, SourceKind::Slack, connection.clone(), EventType::DispatchReceived);
    if format == BodyFormat::Form && body.at("command").is_there() {
        command(&mut event, body);
    } else {
        let kind = body.at("type").word().ok_or(ParseError::Nameless("type"))?;
        match (format, kind) {
            (BodyFormat::Json, "event_callback") => callback(&mut event, connection, body)?,
            (BodyFormat::Json, kind) => event.r#type = unmapped(SourceKind::Slack, &[Some(kind)]),
            (BodyFormat::Form, kind) => interaction(&mut event, connection, kind, body),
        }
    }
    // Every id of Slack's is in the body, and so under the signature.
    if event.sender_id.is_some() {
        event.identity = Identity::SenderId;
    }
    Ok(event)
}

fn command(event: &mut Event, body: Node<'_>) {
    let text = |key: &str| body.at(key).text().unwrap_or_default();
    event.dispatch = Some(Untrusted::new(text("command")));
    event.sender_id = body.at("trigger_id").id();
    event.actor = actor(body.at("user_id"), body.at("user_name"), ActorKind::Human);
    let words = format!("{} {}", text("command"), text("text"));
    event.comment = event.sender_id.clone().map(|id| Comment {
        id,
        body: Untrusted::new(words.trim_end()),
        ..Comment::default()
    });
}

fn callback(event: &mut Event, connection: &ConnectionName, body: Node<'_>) -> Result<(), ParseError> {
    let inner = body.at("event");
    let kind = inner.at("type").word().ok_or(ParseError::Nameless("event.type"))?;
    let subtype = inner.at("subtype").word();
    event.sender_id = body.at("event_id").id();
    event.r#type = match (kind, subtype) {
        // Mentions and messages with a file, or shown in the channel too, are written by somebody.
        ("app_mention", _) => EventType::CommentCreated,
        ("message", None | Some("file_share" | "thread_broadcast" | "me_message" | "bot_message")) => {
            EventType::CommentCreated
        }
        // A preview of a link, or an answer in its thread, changes a message and not what it says.
        ("message", Some("message_changed")) if !same_text(inner) => EventType::CommentEdited,
        _ => unmapped(SourceKind::Slack, &[Some(kind), subtype]),
    };
    event.actor = sender(inner);
    if matches!(event.r#type, EventType::Unmapped(_)) {
        return Ok(());
    }
    // A change has the message inside, and its own time outside.
    let message = if event.r#type == EventType::CommentEdited { inner.at("message") } else { inner };
    let at = message.at("ts").word();
    event.actor = sender(message);
    event.time = time(inner.at("event_ts")).or_else(|| time(inner.at("ts")));
    event.work_item = thread(connection, body.at("team_id"), inner.at("channel"), message);
    event.comment = at.map(|at| Comment {
        id: at.to_owned(),
        body: message.at("text").untrusted().unwrap_or_default(),
        ..Comment::default()
    });
    // An app that hears messages and mentions gets one message under two event ids.
    let parts = [body.at("team_id"), inner.at("channel")].map(|at| at.id().unwrap_or_default());
    let text = message.at("text").text().unwrap_or_default();
    event.semantic_key =
        at.map(|at| semantic_key(&["slack", &event.r#type.to_string(), &parts[0], &parts[1], at, &text]));
    Ok(())
}

fn same_text(change: Node<'_>) -> bool {
    let text = |which: &str| change.at(which).at("text").text();
    change.at("previous_message").is_there() && text("previous_message") == text("message")
}

fn interaction(event: &mut Event, connection: &ConnectionName, kind: &str, body: Node<'_>) {
    let name = match kind {
        "block_actions" => body.at("actions").items().next().and_then(|action| action.at("action_id").text()),
        "shortcut" | "message_action" => body.at("callback_id").text(),
        "view_submission" => body.at("view.callback_id").text(),
        _ => None,
    };
    if name.is_none() {
        event.r#type = unmapped(SourceKind::Slack, &[Some(kind)]);
    }
    let message = body.at("message");
    let user = body.at("user");
    let login = ["username", "name"].into_iter().map(|key| user.at(key)).find(|name| name.is_there());
    event.actor = actor(user.at("id"), login.unwrap_or(user.at("id")), ActorKind::Human);
    event.work_item = thread(connection, body.at("team.id"), body.at("channel.id"), message);
    // A form that was sent has no trigger of its own; its view has an id for each opening.
    let ids = ["trigger_id", "action_ts", "view.id"];
    event.sender_id = ids.iter().find_map(|key| body.at(key).id());
    event.dispatch = name.map(Untrusted::new);
    event.comment = message.at("ts").word().map(|at| Comment {
        id: at.to_owned(),
        body: message.at("text").untrusted().unwrap_or_default(),
        ..Comment::default()
    });
}

/// The thread a message is in; a message outside any begins one.
fn thread(
    connection: &ConnectionName,
    team: Node<'_>,
    channel: Node<'_>,
    message: Node<'_>,
) -> Option<WorkItem> {
    let (team, channel) = (team.word()?, channel.word()?);
    let root = message.at("thread_ts").word().or_else(|| message.at("ts").word())?;
    Some(WorkItem(format!("{connection}:{team}/{channel}/{root}")))
}

/// Apps write under a user's id too, so that the bot's is looked for first.
fn sender(message: Node<'_>) -> Option<Actor> {
    let bot = message.at("bot_id");
    if bot.is_there() {
        return actor(bot, message.at("username"), ActorKind::Bot);
    }
    actor(message.at("user"), message.at("user"), ActorKind::Human)
}

fn actor(id: Node<'_>, login: Node<'_>, kind: ActorKind) -> Option<Actor> {
    let id = id.word()?.to_owned();
    let login = login.text().unwrap_or_else(|| id.clone());
    Some(Actor { id, login, kind })
}

/// `1355517523.000005`: seconds, and a count within the second.
fn time(at: Node<'_>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.word()?.split('.').next()?.parse().ok()?, 0)
}
