//! One normalised event, whatever the sender (attributes after CloudEvents 1.0).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::id::{ConnectionName, DeliveryId, Oid, RepoRef, WorkItem};
use crate::untrusted::Untrusted;

pub use crate::source_kind::SourceKind;

macro_rules! event_types {
    ($($variant:ident = $text:literal),+ $(,)?) => {
        /// `<thing>.<action>`; a name without a mapping is kept, never an error.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(into = "String")]
        pub enum EventType {
            $(#[doc = $text] $variant,)+
            /// The sender's own name for something we have no word for.
            Unmapped(String),
        }

        impl EventType {
            /// Every mapped name, for suggestions.
            pub const NAMES: &'static [&'static str] = &[$($text),+];
        }

        impl fmt::Display for EventType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($text),)+
                    Self::Unmapped(name) => write!(f, "unmapped.{name}"),
                }
            }
        }

        impl FromStr for EventType {
            type Err = UnknownEventType;
            fn from_str(text: &str) -> Result<Self, UnknownEventType> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => match text.strip_prefix("unmapped.") {
                        Some(name) if !name.is_empty() => Ok(Self::Unmapped(name.to_owned())),
                        _ => Err(UnknownEventType(text.to_owned())),
                    },
                }
            }
        }
    };
}

event_types! {
    IssueOpened = "issue.opened",
    IssueEdited = "issue.edited",
    IssueLabeled = "issue.labeled",
    IssueUnlabeled = "issue.unlabeled",
    IssueAssigned = "issue.assigned",
    IssueClosed = "issue.closed",
    IssueReopened = "issue.reopened",
    IssueTransitioned = "issue.transitioned",
    CommentCreated = "comment.created",
    CommentEdited = "comment.edited",
    PullRequestOpened = "pull_request.opened",
    PullRequestUpdated = "pull_request.updated",
    PullRequestLabeled = "pull_request.labeled",
    PullRequestReady = "pull_request.ready",
    PullRequestReviewRequested = "pull_request.review_requested",
    PullRequestClosed = "pull_request.closed",
    PullRequestMerged = "pull_request.merged",
    ReviewSubmitted = "review.submitted",
    ReviewCommentCreated = "review_comment.created",
    Push = "push",
    PipelineCompleted = "pipeline.completed",
    ReleasePublished = "release.published",
    AlertTriggered = "alert.triggered",
    AlertResolved = "alert.resolved",
    ErrorCreated = "error.created",
    DispatchReceived = "dispatch.received",
    ScheduleFired = "schedule.fired",
    ManualRequested = "manual.requested",
}

/// A word that is no event type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an event type")]
pub struct UnknownEventType(pub String);

/// As derived, but that a word without meaning is told with the words that have one.
impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_: UnknownEventType| de::Error::unknown_variant(&text, Self::NAMES))
    }
}

impl From<EventType> for String {
    fn from(event_type: EventType) -> Self {
        event_type.to_string()
    }
}

/// One normalised event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// CloudEvents `id`: the delivery it was parsed from.
    pub id: DeliveryId,
    /// What kind of tool sent it.
    pub source: SourceKind,
    /// CloudEvents `source`: the connection it belongs to.
    pub connection: ConnectionName,
    /// CloudEvents `type`.
    pub r#type: EventType,
    /// CloudEvents `time`: when it happened by the sender's clock, where the sender says so.
    pub time: Option<DateTime<Utc>>,
    /// CloudEvents `subject`: what it is about.
    pub work_item: Option<WorkItem>,
    /// The repository that the event names.
    pub repository: Option<Repository>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// The issue, pull request or alert it is about.
    pub item: Option<Item>,
    /// The label that was added or removed; the first of `added_labels` where several were.
    pub label: Option<Untrusted>,
    /// Every label that was added by it: GitLab and Jira tell several at once.
    #[serde(default)]
    pub added_labels: Vec<Untrusted>,
    /// The comment or review that was written.
    pub comment: Option<Comment>,
    /// The commits it is about.
    pub change: Option<Change>,
    /// What the sender signed or said of the delivery's identity, without the webhook's name:
    /// the sender's delivery id.
    pub sender_id: Option<String>,
    /// Equal for two deliveries of one happening (a repository hook and an App hook).
    pub semantic_key: Option<String>,
    /// What makes two deliveries one, besides `semantic_key`.
    #[serde(default)]
    pub identity: Identity,
    /// The status that an issue moved to, as its tracker spells it.
    #[serde(default)]
    pub status: Option<Untrusted>,
    /// How a pipeline ended, in GitHub's words: `success`, `failure`, `cancelled`, `skipped`, ...
    #[serde(default)]
    pub conclusion: Option<String>,
    /// The tracker's project where that is no repository: Jira's key `PAY`, Sentry's slug `api`.
    #[serde(default)]
    pub project: Option<String>,
    /// The severity of an alert or error: `fatal`, `error`, `warning`, `info`, `debug`.
    #[serde(default)]
    pub level: Option<String>,
    /// Where an error happened, as its sender calls it: `production`.
    #[serde(default)]
    pub environment: Option<String>,
    /// The function or file that an error is put down to.
    #[serde(default)]
    pub culprit: Option<Untrusted>,
    /// The caller's own name for what it dispatched.
    #[serde(default)]
    pub dispatch: Option<Untrusted>,
    /// Whether not everybody who sees the repository may see it: a public answer could tell it.
    #[serde(default)]
    pub confidential: bool,
}

impl Event {
    /// An event of which nothing but its kind is known yet.
    #[must_use]
    pub fn new(id: DeliveryId, source: SourceKind, connection: ConnectionName, r#type: EventType) -> Self {
        Self {
            id,
            source,
            connection,
            r#type,
            time: None,
            work_item: None,
            repository: None,
            actor: None,
            item: None,
            label: None,
            added_labels: Vec::new(),
            comment: None,
            change: None,
            sender_id: None,
            semantic_key: None,
            identity: Identity::default(),
            status: None,
            conclusion: None,
            project: None,
            level: None,
            environment: None,
            culprit: None,
            dispatch: None,
            confidential: false,
        }
    }
}

/// What makes two deliveries of one sender the same delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Equal bodies, or equal `sender_id`s: the id is not signed, so a replay may bear a new one.
    #[default]
    Body,
    /// `sender_id` alone: it is signed, or the owner says that it can be relied on.
    SenderId,
    /// Nothing: every delivery counts.
    None,
}

/// The repository an event names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Its name by connection.
    pub name: RepoRef,
    /// The branch that pull requests go to.
    pub default_branch: Option<String>,
}

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The sender's account id.
    pub id: String,
    /// The name people see; may change owner.
    pub login: String,
    /// What kind of account.
    pub kind: ActorKind,
}

/// Kinds of account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A person, as far as the sender says.
    Human,
    /// A bot account.
    Bot,
    /// An application acting by itself.
    App,
    /// The sender itself.
    System,
}

/// The issue, pull request or alert that an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its number or key as people write it: `12`, `PAY-31`.
    pub key: String,
    /// Its title.
    pub title: Untrusted,
    /// Its text.
    pub body: Untrusted,
    /// Where a person reads it.
    pub url: Option<String>,
    /// All labels it carries now.
    pub labels: Vec<Untrusted>,
    /// The login of who wrote it.
    pub author: Option<String>,
    /// Whether it is a pull or merge request.
    pub is_pull_request: bool,
    /// Whether it is a draft.
    pub draft: bool,
}

/// A comment, review or review comment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The sender's id of it.
    pub id: String,
    /// What it says.
    pub body: Untrusted,
    /// Where a person reads it.
    pub url: Option<String>,
    /// The verdict of a review: `approved`, `changes_requested`, `commented`.
    pub state: Option<String>,
    /// The file of a review comment.
    pub path: Option<Untrusted>,
    /// The line of a review comment; absent when outdated.
    pub line: Option<u64>,
}

/// The commits an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The branch that holds the change.
    pub head_ref: Option<Untrusted>,
    /// Its newest commit.
    pub head: Option<Oid>,
    /// The branch the change goes to, or the ref that was pushed.
    pub base_ref: Option<Untrusted>,
    /// The commit before a push, or of the base branch.
    pub base: Option<Oid>,
    /// Whether the head lies in another repository, or in one that is gone.
    pub fork: bool,
    /// The message of the newest commit of a push, where the event brings it.
    pub message: Option<Untrusted>,
}
