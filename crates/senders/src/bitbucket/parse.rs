//! A Bitbucket body as an [`Event`], whichever of the two Bitbuckets sent it.

use chrono::{DateTime, SecondsFormat, Utc};
use schemas::event::{Actor, Change, Comment, EventType, Item, Repository, SourceKind};
use schemas::{ConnectionName, Delivery, Event, Oid, RepoRef, Untrusted, WorkItem};

use crate::error::ParseError;
use crate::naming::{semantic_key, unmapped};
use crate::node::{Node, is_word};
use crate::tree::Tree;

use super::{CLOUD_ID, DATA_CENTER_ID, EVENT, cloud, data_center};

/// What either Bitbucket says, in one shape.
#[derive(Default)]
pub(super) struct Said {
    /// `None` for a key without a mapping.
    pub r#type: Option<EventType>,
    pub time: Option<DateTime<Utc>>,
    /// `acme/api`, or `PRJ/api`.
    pub repository: Option<String>,
    /// Where it is hosted.
    pub host: Option<String>,
    pub actor: Option<Actor>,
    pub item: Option<Item>,
    pub comment: Option<Comment>,
    pub change: Option<Change>,
    /// The status that an issue moved to.
    pub status: Option<Untrusted>,
    pub conclusion: Option<String>,
    /// What tells two equal happenings apart, besides time and actor.
    pub object: String,
}

pub(crate) fn parse(
    connection: &ConnectionName,
    delivery: &Delivery,
    raw: &[u8],
) -> Result<Event, ParseError> {
    let header = |name: &str| delivery.headers.get(name).map(String::as_str);
    let key = header(EVENT).ok_or(ParseError::MissingHeader(EVENT))?;
    if !is_word(key) {
        return Err(ParseError::MalformedHeader(EVENT));
    }
    let body = Tree::object(raw, &[])?;
    let body = Node::of(&body);
    let said =
        if body.at("eventKey").is_there() || data_center::KEYS.iter().any(|start| key.starts_with(start)) {
            data_center::read(key, body)
        } else {
            cloud::read(key, body)
        };
    let said = said.map_err(|because| ParseError::Disagrees { event: key.to_owned(), because })?;

    let unknown = || unmapped(SourceKind::Bitbucket, &[Some(key)]);
    let mut event = Event::new(
        delivery.id,
        SourceKind::Bitbucket,
        connection.clone(),
        said.r#type.clone().unwrap_or_else(unknown),
    );
    let name = said.repository.as_deref().and_then(|path| RepoRef::new(connection, path).ok());
    event.time = said.time;
    event.work_item = name.as_ref().zip(said.item.as_ref()).map(|(name, item)| {
        // Issues and pull requests are counted apart, as GitLab's are.
        let sign = if item.is_pull_request { '!' } else { '#' };
        WorkItem(format!("{}:{}{sign}{}", name.connection, name.path, item.key))
    });
    event.semantic_key = key_of(&event, name.as_ref(), &said);
    event.repository = name.map(|name| Repository { name, default_branch: None });
    event.actor = said.actor;
    event.item = said.item;
    event.comment = said.comment;
    event.change = said.change;
    event.status = said.status;
    event.conclusion = said.conclusion;
    event.sender_id = header(CLOUD_ID).or_else(|| header(DATA_CENTER_ID)).map(str::to_owned);
    Ok(event)
}

/// `None` where nothing tells two equal happenings apart.
fn key_of(event: &Event, repository: Option<&RepoRef>, said: &Said) -> Option<String> {
    let r#type = said.r#type.as_ref()?.to_string();
    let told_apart = !said.object.is_empty() && event.r#type != EventType::CommentEdited;
    if event.time.is_none() && !told_apart {
        return None;
    }
    let time = event.time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)).unwrap_or_default();
    let about = event.work_item.as_ref().map_or(repository?.path.as_str(), WorkItem::as_str);
    let actor = said.actor.as_ref().map_or("", |actor| actor.id.as_str());
    let host = said.host.as_deref().unwrap_or_default();
    Some(semantic_key(&[host, &r#type, about, actor, &said.object, &time]))
}

/// Why a header's event key is not believed.
pub(super) type Because = &'static str;

/// Refuses a body that lacks one of `needs` or holds one of `refuses`.
pub(super) fn shape(body: Node<'_>, needs: &[&str], refuses: &[&str]) -> Result<(), Because> {
    if !needs.iter().all(|key| body.at(key).is_there()) {
        return Err("lacks what such an event is about");
    }
    if refuses.iter().any(|key| body.at(key).is_there()) {
        return Err("is about something else");
    }
    Ok(())
}

/// A commit; Cloud cuts the hashes of a pull request's ends to 12 digits, which name no object.
pub(super) fn oid(at: Node<'_>) -> Option<Oid> {
    at.text()?.parse().ok()
}
