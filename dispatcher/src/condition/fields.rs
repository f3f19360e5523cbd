//! Every field of an event that a condition can name: one table for checking and for reading.
//!
//! All of them are always there: what an event does not have is an empty text, 0, false or an empty
//! list. `has()` tells whether a field has more than that.

use std::borrow::Cow;

use chrono::SecondsFormat;
use schemas::Event;
use schemas::event::{Actor, ActorKind, Change, Comment, EventType, Item, Repository};
use schemas::untrusted::Untrusted;

use super::kind::Kind;

/// Bytes of a body that conditions see.
const BODY: usize = 64 * 1024;
/// Bytes of any other text that they see.
const SHORT: usize = 1024;
/// Elements of a list of the event; a longer one is an error.
pub(super) const LIST: usize = 1000;

/// A field by its full name.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) read: Read,
}

/// How a field is read, which is also what it is.
#[derive(Debug)]
pub(super) enum Read {
    /// A text that somebody may have written at length.
    Body(fn(&Event) -> Cow<'_, str>),
    /// Any other text.
    Text(fn(&Event) -> Cow<'_, str>),
    /// One of a few words.
    Word(fn(&Event) -> Cow<'_, str>, &'static [&'static str]),
    /// Texts.
    Texts(Texts),
    /// A number.
    Number(fn(&Event) -> i64),
    /// True or false.
    Flag(fn(&Event) -> bool),
    /// Fields of its own, and whether the event has them.
    Part(fn(&Event) -> bool),
}

/// The lists of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    Labels,
    AddedLabels,
}

impl Texts {
    pub(super) fn of(self, event: &Event) -> &[Untrusted] {
        match self {
            Self::Labels => event.item.as_ref().map_or(&[], |item| &item.labels),
            Self::AddedLabels => &event.added_labels,
        }
    }
}

impl Field {
    pub(super) fn kind(&self) -> Kind {
        match &self.read {
            Read::Body(_) => Kind::text(BODY as u64),
            Read::Text(_) => Kind::text(SHORT as u64),
            Read::Word(_, words) => Kind::Text { longest: SHORT as u64, words },
            Read::Texts(_) => Kind::List { of: Some(Box::new(Kind::text(SHORT as u64))), most: LIST as u64 },
            Read::Number(_) => Kind::Number,
            Read::Flag(_) => Kind::Flag,
            Read::Part(_) => Kind::Object,
        }
    }

    /// The field's text, cut to what conditions see; nothing where it is no text.
    pub(super) fn text<'e>(&self, event: &'e Event) -> Option<Cow<'e, str>> {
        match &self.read {
            Read::Body(read) => Some(cut(read(event), BODY)),
            Read::Text(read) | Read::Word(read, _) => Some(cut(read(event), SHORT)),
            _ => None,
        }
    }
}

/// A text of a list, cut to what conditions see.
pub(super) fn element(text: &Untrusted) -> Cow<'_, str> {
    cut(text.expose().into(), SHORT)
}

fn cut(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    let end = text.floor_char_boundary(most);
    match text {
        text if end == text.len() => text,
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or_default()),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

/// The field of that full name.
pub(super) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// The names directly below a part: `key`, `title`, … below `event.item`.
pub(super) fn below(part: &str) -> impl Iterator<Item = &'static str> {
    let own = move |name: &'static str| name.strip_prefix(part)?.strip_prefix('.');
    FIELDS.iter().filter_map(move |field| own(field.name)).filter(|name| !name.contains('.'))
}

/// Every tool, and Pullwright itself.
const SOURCES: &[&str] =
    &["github", "gitlab", "jira", "sentry", "gitea", "bitbucket", "linear", "slack", "generic", "pullwright"];
const KINDS: &[&str] = &["human", "bot", "app", "system"];

static FIELDS: &[Field] = &[
    Field { name: "event", read: Read::Part(|_| true) },
    Field { name: "event.id", read: Read::Text(|e| e.id.to_string().into()) },
    Field { name: "event.source", read: Read::Word(|e| e.source.as_str().into(), SOURCES) },
    Field { name: "event.connection", read: Read::Text(|e| e.connection.as_str().into()) },
    Field { name: "event.type", read: Read::Word(|e| e.r#type.to_string().into(), EventType::NAMES) },
    Field { name: "event.time", read: Read::Text(time) },
    Field {
        name: "event.work_item",
        read: Read::Text(|e| e.work_item.as_ref().map_or("", |w| w.as_str()).into()),
    },
    Field { name: "event.repository", read: Read::Part(|e| e.repository.is_some()) },
    Field {
        name: "event.repository.name",
        read: Read::Text(|e| e.repository.as_ref().map_or(Cow::Borrowed(""), |r| r.name.to_string().into())),
    },
    Field { name: "event.repository.path", read: Read::Text(|e| repository(e, |r| Some(&r.name.path))) },
    Field {
        name: "event.repository.default_branch",
        read: Read::Text(|e| repository(e, |r| r.default_branch.as_deref())),
    },
    Field { name: "event.actor", read: Read::Part(|e| e.actor.is_some()) },
    Field { name: "event.actor.id", read: Read::Text(|e| actor(e, |a| &a.id)) },
    Field { name: "event.actor.login", read: Read::Text(|e| actor(e, |a| &a.login)) },
    Field { name: "event.actor.kind", read: Read::Word(|e| actor(e, |a| kind_of_actor(a.kind)), KINDS) },
    Field { name: "event.item", read: Read::Part(|e| e.item.is_some()) },
    Field { name: "event.item.key", read: Read::Text(|e| item(e, |i| Some(&i.key))) },
    Field { name: "event.item.title", read: Read::Text(|e| item(e, |i| Some(i.title.expose()))) },
    Field { name: "event.item.body", read: Read::Body(|e| item(e, |i| Some(i.body.expose()))) },
    Field { name: "event.item.url", read: Read::Text(|e| item(e, |i| i.url.as_deref())) },
    Field { name: "event.item.labels", read: Read::Texts(Texts::Labels) },
    Field { name: "event.item.author", read: Read::Text(|e| item(e, |i| i.author.as_deref())) },
    Field {
        name: "event.item.is_pull_request",
        read: Read::Flag(|e| e.item.as_ref().is_some_and(|i| i.is_pull_request)),
    },
    Field { name: "event.item.draft", read: Read::Flag(|e| e.item.as_ref().is_some_and(|i| i.draft)) },
    Field { name: "event.labels", read: Read::Texts(Texts::Labels) },
    Field { name: "event.label", read: Read::Text(|e| written(e.label.as_ref())) },
    Field { name: "event.added_labels", read: Read::Texts(Texts::AddedLabels) },
    Field { name: "event.comment", read: Read::Part(|e| e.comment.is_some()) },
    Field { name: "event.comment.id", read: Read::Text(|e| comment(e, |c| Some(&c.id))) },
    Field { name: "event.comment.body", read: Read::Body(|e| comment(e, |c| Some(c.body.expose()))) },
    Field { name: "event.comment.url", read: Read::Text(|e| comment(e, |c| c.url.as_deref())) },
    Field { name: "event.comment.state", read: Read::Text(|e| comment(e, |c| c.state.as_deref())) },
    Field {
        name: "event.comment.path",
        read: Read::Text(|e| comment(e, |c| c.path.as_ref().map(Untrusted::expose))),
    },
    Field { name: "event.comment.line", read: Read::Number(line) },
    Field { name: "event.change", read: Read::Part(|e| e.change.is_some()) },
    Field {
        name: "event.change.head_ref",
        read: Read::Text(|e| change(e, |c| c.head_ref.as_ref().map(Untrusted::expose))),
    },
    Field {
        name: "event.change.head",
        read: Read::Text(|e| change(e, |c| c.head.as_ref().map(|o| o.as_str()))),
    },
    Field {
        name: "event.change.base_ref",
        read: Read::Text(|e| change(e, |c| c.base_ref.as_ref().map(Untrusted::expose))),
    },
    Field {
        name: "event.change.base",
        read: Read::Text(|e| change(e, |c| c.base.as_ref().map(|o| o.as_str()))),
    },
    Field { name: "event.change.fork", read: Read::Flag(|e| e.change.as_ref().is_some_and(|c| c.fork)) },
    Field { name: "event.status", read: Read::Text(|e| written(e.status.as_ref())) },
    Field {
        name: "event.conclusion",
        read: Read::Text(|e| e.conclusion.as_deref().unwrap_or_default().into()),
    },
    Field { name: "event.project", read: Read::Text(|e| e.project.as_deref().unwrap_or_default().into()) },
    Field { name: "event.level", read: Read::Text(|e| e.level.as_deref().unwrap_or_default().into()) },
    Field {
        name: "event.environment",
        read: Read::Text(|e| e.environment.as_deref().unwrap_or_default().into()),
    },
    Field { name: "event.culprit", read: Read::Text(|e| written(e.culprit.as_ref())) },
    Field { name: "event.dispatch", read: Read::Text(|e| written(e.dispatch.as_ref())) },
    Field { name: "event.confidential", read: Read::Flag(|e| e.confidential) },
];

fn time(event: &Event) -> Cow<'_, str> {
    event.time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default().into()
}

fn line(event: &Event) -> i64 {
    let line = event.comment.as_ref().and_then(|comment| comment.line);
    line.map_or(0, |line| i64::try_from(line).unwrap_or(i64::MAX))
}

fn written(text: Option<&Untrusted>) -> Cow<'_, str> {
    text.map(Untrusted::expose).unwrap_or_default().into()
}

fn repository(event: &Event, read: fn(&Repository) -> Option<&str>) -> Cow<'_, str> {
    event.repository.as_ref().and_then(read).unwrap_or_default().into()
}

fn actor(event: &Event, read: fn(&Actor) -> &str) -> Cow<'_, str> {
    event.actor.as_ref().map(read).unwrap_or_default().into()
}

fn item(event: &Event, read: fn(&Item) -> Option<&str>) -> Cow<'_, str> {
    event.item.as_ref().and_then(read).unwrap_or_default().into()
}

fn comment(event: &Event, read: fn(&Comment) -> Option<&str>) -> Cow<'_, str> {
    event.comment.as_ref().and_then(read).unwrap_or_default().into()
}

fn change(event: &Event, read: fn(&Change) -> Option<&str>) -> Cow<'_, str> {
    event.change.as_ref().and_then(read).unwrap_or_default().into()
}

fn kind_of_actor(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Human => "human",
        ActorKind::Bot => "bot",
        ActorKind::App => "app",
        ActorKind::System => "system",
    }
}
