//! `pullwright deliveries send`: a sample, signed and delivered as its sender would.

mod error;

use std::io::Read;
use std::path::Path;

use config::{Env, Webhook};
use schemas::event::{EventType, SourceKind};
use schemas::{Clock, DeliveryId, WebhookName};
use senders::samples::{self, Aim, Fresh, Sample};
use senders::{BodyFormat, Sender};
use serde::Deserialize;
use serde_json::Value;

use super::{decided, sender};
use crate::cli::args::{Global, SendArgs, Setting};
use crate::cli::client::{self, Client};
use crate::cli::output::Output;
use crate::cli::{CliError, Ending, escape};

pub use error::SendError;

/// What is sent.
struct Message {
    /// The sender's own name of what happened, where it says one beside the body.
    name: String,
    format: BodyFormat,
    body: Vec<u8>,
}

pub(in crate::cli) async fn send(
    args: &SendArgs,
    global: &Global,
    env: &dyn Env,
    clock: &dyn Clock,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let loaded = config::load(global.config.as_deref(), env)?;
    let webhook = loaded.settings.webhooks.get(&args.webhook);
    let webhook = webhook.ok_or_else(|| SendError::unknown_webhook(&args.webhook, &loaded.settings))?;
    let kind = webhook.kind;
    if args.event.is_none() && args.payload.is_none() {
        return list(kind, out);
    }
    let fresh = Fresh { now: clock.now(), id: clock.fresh_id() };
    let message = message(args, webhook, fresh, &env.current_dir())?;
    // What is missing to look at the outcome is said before anything is sent.
    let api = Client::new(global, env)?;
    let to = args.to.clone().or_else(|| global.server.clone()).or_else(|| env.get("PULLWRIGHT_SERVER"));
    let to = to.unwrap_or_else(|| client::at(loaded.settings.listen.webhooks));
    let door = Client::at(&to, "")?;
    let sender = sender::of(loaded, env, &args.webhook, clock)?;
    let id = deliver(&door, &sender, &args.webhook, message, fresh).await?;
    decided::follow(&api, id, out).await
}

/// The samples there are.
fn list(kind: SourceKind, out: &mut Output<'_>) -> Result<Ending, CliError> {
    if out.json {
        let names: Vec<&str> = samples::of(kind).map(|sample| sample.event).collect();
        out.raw_json(&Value::from(names).to_string())?;
        return Ok(Ending::Fine);
    }
    let row = |sample: &Sample| {
        vec![sample.event.to_owned(), samples::own_name(kind, sample.event).unwrap_or_default().to_owned()]
    };
    let rows: Vec<_> = samples::of(kind).map(row).collect();
    if rows.is_empty() {
        return Err(SendError::NoSamples { kind }.into());
    }
    out.rows(&["event", "as the sender says"], &rows)?;
    Ok(Ending::Fine)
}

fn message(args: &SendArgs, webhook: &Webhook, fresh: Fresh, folder: &Path) -> Result<Message, SendError> {
    let (kind, event) = (webhook.kind, args.event.as_deref());
    if let Some(path) = &args.payload {
        let body = read(path, folder)?;
        let is_json = body.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        let format = if is_json { BodyFormat::Json } else { BodyFormat::Form };
        return Ok(Message { name: name_of(kind, event)?, format, body });
    }
    let event = event.unwrap_or_default();
    let sample = samples::of(kind).find(|sample| sample.event == event);
    let sample = sample.ok_or_else(|| SendError::no_sample(kind, event))?;
    let aim = Aim {
        repository: args.repo.clone(),
        project: args.project.clone(),
        item: args.item.clone(),
        label: args.label.clone(),
        actor: args.actor.clone(),
        text: args.text.clone(),
    };
    let mut body = sample.body(&aim, fresh)?;
    for setting in &args.set {
        set(&mut body, setting)?;
    }
    let name = samples::own_name(kind, event).unwrap_or_default().to_owned();
    Ok(Message { name, format: sample.format(), body: sample.bytes(&body) })
}

/// The sender's name of an event of ours; any other word is taken for the sender's own.
fn name_of(kind: SourceKind, event: Option<&str>) -> Result<String, SendError> {
    let by_header = samples::own_name(kind, "issue.opened").is_some();
    match event {
        None if by_header => Err(SendError::Nameless { kind }),
        None => Ok(String::new()),
        Some(event) if by_header && EventType::NAMES.contains(&event) => {
            let no_such = || SendError::NoSuchEvent { kind, event: event.to_owned() };
            Ok(samples::own_name(kind, event).ok_or_else(no_such)?.to_owned())
        }
        Some(event) => Ok(event.to_owned()),
    }
}

fn read(path: &Path, folder: &Path) -> Result<Vec<u8>, SendError> {
    let failed = |source| SendError::Payload { path: path.to_owned(), source };
    if path.as_os_str() == "-" {
        let mut body = Vec::new();
        std::io::stdin().lock().read_to_end(&mut body).map_err(failed)?;
        return Ok(body);
    }
    std::fs::read(folder.join(path)).map_err(failed)
}

/// Puts a value at a place; the end of a list is its length, or `-`.
fn set(body: &mut Value, setting: &Setting) -> Result<(), SendError> {
    let Setting { pointer, value } = setting;
    let (parent, last) = pointer.rsplit_once('/').unwrap_or_default();
    let last = last.replace("~1", "/").replace("~0", "~");
    let at_last = |list: &Vec<Value>| if last == "-" { Some(list.len()) } else { last.parse::<usize>().ok() };
    let done = match body.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.insert(last, value.clone());
            true
        }
        Some(Value::Array(list)) => match at_last(list) {
            Some(at) if at == list.len() => {
                list.push(value.clone());
                true
            }
            Some(at) => list.get_mut(at).map(|place| *place = value.clone()).is_some(),
            None => false,
        },
        _ => false,
    };
    if done { Ok(()) } else { Err(SendError::NoPlace { pointer: pointer.clone() }) }
}

#[derive(Deserialize)]
struct Taken {
    delivery: DeliveryId,
}

#[derive(Deserialize)]
struct NotTaken {
    error: String,
}

async fn deliver(
    door: &Client,
    sender: &Sender,
    webhook: &WebhookName,
    message: Message,
    fresh: Fresh,
) -> Result<DeliveryId, CliError> {
    let Message { name, format, body } = message;
    let headers = sender.sign(&name, &fresh.id.to_string(), fresh.now, format, &body);
    let (status, text) = door.deliver(webhook, headers, body).await?;
    let server = door.server().to_owned();
    if let (200..=299, Ok(taken)) = (status, serde_json::from_str::<Taken>(&text)) {
        return Ok(taken.delivery);
    }
    let refused = serde_json::from_str::<NotTaken>(&text);
    let webhook = webhook.clone();
    Err(match status {
        200..=299 => SendError::Refused {
            server,
            status,
            sentence: "and took it for a question whether somebody is here, of which nothing is stored"
                .to_owned(),
        },
        401 => SendError::unbelieved(sender.kind(), webhook, server),
        404 => SendError::NotThere { webhook, server },
        _ => {
            let sentence =
                refused.map_or_else(|_| "without a reason".to_owned(), |body| escape::line(&body.error));
            SendError::Refused { server, status, sentence }
        }
    }
    .into())
}
