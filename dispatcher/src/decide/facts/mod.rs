//! What a decision hangs on besides the event: questions, and their answers as they are stored.

mod finder;
mod local;

use forge::{ChangeRange, PullRequestFacts};
use schemas::automation::Permission;
use schemas::{ConnectionName, Oid, RepoRef, WorkItem};
use serde::{Deserialize, Serialize};

pub use finder::{DEADLINE, FactFinder};

/// One question to a forge, a tracker or our own records.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKey {
    /// What somebody may do.
    Permission {
        /// Where.
        repository: RepoRef,
        /// Who.
        login: String,
    },
    /// Whether somebody is in a forge's team or group.
    Team {
        /// The repository whose credential asks.
        repository: RepoRef,
        /// `org/team` or `group/sub`.
        team: String,
        /// Who.
        login: String,
    },
    /// Whether somebody is in a tracker's group.
    Group {
        /// The tracker.
        connection: ConnectionName,
        /// The group.
        group: String,
        /// Who.
        account: String,
    },
    /// Whether somebody has a role in a tracker's project.
    Role {
        /// The tracker.
        connection: ConnectionName,
        /// The project.
        project: String,
        /// The role.
        role: String,
        /// Who.
        account: String,
    },
    /// The files of a change.
    ChangedPaths {
        /// Where.
        repository: RepoRef,
        /// Which change.
        of: ChangeRange,
    },
    /// What a pull request is like.
    PullRequest {
        /// Where.
        repository: RepoRef,
        /// Which.
        number: u64,
    },
    /// Whether a pull request is one that we opened.
    OwnPullRequest {
        /// Where.
        repository: RepoRef,
        /// Which.
        number: u64,
    },
    /// Whether we pushed a commit.
    OwnCommit {
        /// Where.
        repository: RepoRef,
        /// Onto this branch, where it matters.
        branch: Option<String>,
        /// Which.
        commit: Oid,
    },
    /// Whether we just put a label on a pull request.
    OwnLabel {
        /// Where.
        repository: RepoRef,
        /// On which.
        number: u64,
        /// Which label.
        label: String,
    },
    /// Whether we just took a label off.
    OwnUnlabel {
        /// Off this.
        work_item: WorkItem,
        /// Which.
        label: String,
    },
    /// An open pull request of ours for a work item, or for one that is linked with it.
    OpenPullRequest {
        /// Where.
        repository: RepoRef,
        /// For what.
        work_item: WorkItem,
    },
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What somebody may do.
    Permission(Permission),
    /// Yes or no.
    Is(bool),
    /// The changed files.
    Paths(Vec<String>),
    /// The pull request.
    PullRequest(PullRequestFacts),
    /// The number of a pull request, where there is one.
    Number(Option<u64>),
}

/// An answer, or why there is none.
pub type Answered = Result<Answer, String>;

/// What was asked for one event and answered. It is stored with the delivery, so that the decision
/// can be explained and tried again without asking anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(Vec<Fact>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fact {
    question: FactKey,
    answer: Answered,
}

impl Facts {
    /// The answer to a question; `None` when it was not asked.
    #[must_use]
    pub fn get(&self, question: &FactKey) -> Option<&Answered> {
        self.0.iter().find(|fact| fact.question == *question).map(|fact| &fact.answer)
    }

    /// Adds an answer; the first one to a question stays.
    pub fn insert(&mut self, question: FactKey, answer: Answered) {
        if self.get(&question).is_none() {
            self.0.push(Fact { question, answer });
        }
    }

    /// Whether nothing was asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
