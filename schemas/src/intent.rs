//! A write to a forge, planned as a row before it is made.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{AutomationName, DeliveryId, Epoch, IntentId, Oid, RepoRef, RunId, WorkItem};

/// One planned write and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// The run it belongs to; none for an answer to somebody who may not start one.
    pub run: Option<RunId>,
    /// The epoch it was planned in; 0 before the first claim.
    pub epoch: Epoch,
    /// What the run is about: writes to one work item are made one after the other.
    pub work_item: WorkItem,
    /// The repository it goes to.
    pub repository: RepoRef,
    /// What is written.
    pub write: Write,
    /// How far it got.
    pub state: IntentState,
    /// How often it was tried.
    pub attempts: u32,
    /// How often, since the last try, the forge was asked whether it happened.
    pub looks: u32,
    /// Not to be tried before.
    pub not_before: DateTime<Utc>,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// One sentence on its end, or the object it made.
    pub result: Option<String>,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "write", rename_all = "snake_case")]
pub enum Write {
    /// An "eyes" reaction on what started the run.
    React {
        /// The item's number.
        number: u64,
        /// The comment, where one started it.
        comment: Option<u64>,
    },
    /// A command label comes off once its run is accepted.
    RemoveLabel {
        /// The item's number.
        number: u64,
        /// The label, from the automation's own text.
        label: String,
    },
    /// The status comment is brought to what the run's row says at the time of the call.
    SyncComment {
        /// The item's number.
        number: u64,
    },
    /// A branch is pushed by the worker, through the gate, to exactly this.
    Push {
        /// The full ref name.
        reference: String,
        /// What it must point to before.
        old: Oid,
        /// What it will point to.
        new: Oid,
    },
    /// The pull request is opened.
    OpenPullRequest {
        /// The branch that holds the change.
        head: String,
        /// The branch it goes to.
        base: String,
    },
    /// The pull request that the branch has is brought up to date.
    UpdatePullRequest {
        /// Its number.
        number: u64,
        /// The branch that holds the change.
        head: String,
        /// Whether the run made the change anew, so that title and text become its own.
        rewrite: bool,
    },
    /// The pull request gets labels.
    LabelPullRequest {
        /// Its number.
        number: u64,
        /// The labels, from the automation's own text.
        labels: Vec<String>,
    },
    /// People are asked to review the pull request.
    RequestReviews {
        /// Its number.
        number: u64,
        /// Their logins, from the automation's own text.
        reviewers: Vec<String>,
    },
    /// Somebody who may not start an automation is told so, once.
    AnswerRefusal {
        /// The item's number.
        number: u64,
        /// The automation.
        automation: AutomationName,
        /// Who asked.
        login: String,
        /// What was missing.
        because: String,
    },
    /// A command in a comment is obeyed and answered.
    AnswerCommand {
        /// The item's number.
        number: u64,
        /// The sender's id of the comment.
        comment: String,
        /// The delivery that brought it.
        delivery: DeliveryId,
    },
    /// A check or commit status is set on the pushed commit.
    SetCheck {
        /// The commit.
        head: Oid,
    },
}

impl Write {
    /// The word that lists print, and the second half of the intent's unique key.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::React { .. } => "react",
            Self::RemoveLabel { .. } => "remove_label",
            Self::SyncComment { .. } => "sync_comment",
            Self::Push { .. } => "push",
            Self::OpenPullRequest { .. } => "open_pull_request",
            Self::UpdatePullRequest { .. } => "update_pull_request",
            Self::LabelPullRequest { .. } => "label_pull_request",
            Self::RequestReviews { .. } => "request_reviews",
            Self::AnswerRefusal { .. } => "answer_refusal",
            Self::AnswerCommand { .. } => "answer_command",
            Self::SetCheck { .. } => "set_check",
        }
    }
}

/// How far an intent got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// Not tried, or known not to have happened.
    Open,
    /// A call may be under way; after a crash its outcome has to be settled first.
    Calling,
    /// It happened.
    Done,
    /// It will not happen.
    Failed,
    /// Whether it happened could not be told.
    Unknown,
}

impl IntentState {
    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Calling => "calling",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}
