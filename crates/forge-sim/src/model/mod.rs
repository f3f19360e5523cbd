//! What a forge remembers: users, repositories, issues and pull requests, checks, hooks.
//!
//! Plain data behind one lock; `Serialize` is the shape of `GET /_sim/state`.

mod traffic;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemas::automation::Permission;
use serde::{Deserialize, Serialize};

pub use traffic::{DeliveryRecord, JournalEntry, Webhook};

/// Everything, by the keys that requests use (lower case, as GitHub ignores case).
#[derive(Debug, Default, Serialize)]
pub struct Model {
    /// Accounts by login.
    pub users: BTreeMap<String, User>,
    /// Repositories by `owner/name`.
    pub repositories: BTreeMap<String, Repository>,
    /// The logins of each team, by `org/team`.
    pub teams: BTreeMap<String, Vec<String>>,
    /// Where events are sent.
    pub webhooks: Vec<Webhook>,
    /// Deliveries made so far, oldest first.
    pub deliveries: Vec<DeliveryRecord>,
    /// Every write request, in the order of arrival.
    pub journal: Vec<JournalEntry>,
    #[serde(skip)]
    pub(crate) tokens: BTreeMap<String, Token>,
    #[serde(skip)]
    pub(crate) last_id: u64,
}

/// An account.
#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// Its id, never reused.
    pub id: u64,
    /// The name people see.
    pub login: String,
    /// `User`, `Bot` or `Organization`.
    pub kind: String,
}

/// A repository; its commits live in the bare repository on disk.
#[derive(Debug, Clone, Serialize)]
pub struct Repository {
    /// Its id.
    pub id: u64,
    /// The account it belongs to.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// The branch that pull requests go to.
    pub default_branch: String,
    /// Whether only those with a permission see it.
    pub private: bool,
    /// Whether it accepts no more writes.
    pub archived: bool,
    /// What each login (lower case) may do.
    pub permissions: BTreeMap<String, Permission>,
    /// The labels it knows.
    pub labels: Vec<Label>,
    /// Issues and pull requests by number.
    pub items: BTreeMap<u64, Item>,
    /// Commit statuses, oldest first.
    pub statuses: Vec<Status>,
    /// Check runs, oldest first.
    pub check_runs: Vec<CheckRun>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A label of a repository.
#[derive(Debug, Clone, Serialize)]
pub struct Label {
    /// Its id.
    pub id: u64,
    /// What people see.
    pub name: String,
    /// Six hex digits.
    pub color: String,
    /// What it means.
    pub description: Option<String>,
}

/// An issue, or a pull request when `pull` is set.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// Its id, unique on the forge.
    pub id: u64,
    /// Its number, unique in the repository.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: Option<String>,
    /// `open` or `closed`.
    pub state: String,
    /// Who wrote it.
    pub author: String,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// What was said, oldest first.
    pub comments: Vec<Comment>,
    /// Who reacted how.
    pub reactions: Vec<Reaction>,
    /// What makes it a pull request.
    pub pull: Option<Pull>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub(crate) born: Duration,
}

/// The change a pull request offers.
#[derive(Debug, Clone, Serialize)]
pub struct Pull {
    /// The branch that holds it, in the same repository.
    pub head: String,
    /// The branch it goes to.
    pub base: String,
    /// The head's newest commit as of the last look.
    pub head_sha: String,
    /// The base's newest commit when it was opened.
    pub base_sha: String,
    /// Whether it is a draft.
    pub draft: bool,
    /// The logins of those who were asked to review it.
    pub reviewers: Vec<String>,
}

/// A comment on an issue or pull request.
#[derive(Debug, Clone, Serialize)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub body: String,
    /// Who reacted how.
    pub reactions: Vec<Reaction>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub(crate) born: Duration,
}

/// A reaction.
#[derive(Debug, Clone, Serialize)]
pub struct Reaction {
    /// Its id.
    pub id: u64,
    /// Who reacted.
    pub login: String,
    /// `eyes`, `+1`, …
    pub content: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A commit status.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Its id.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// Its name.
    pub context: String,
    /// One line.
    pub description: Option<String>,
    /// Where to read more.
    pub target_url: Option<String>,
    /// Who set it.
    pub login: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A check run, made by an App.
#[derive(Debug, Clone, Serialize)]
pub struct CheckRun {
    /// Its id.
    pub id: u64,
    /// The commit.
    pub head_sha: String,
    /// Its name.
    pub name: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// How it ended.
    pub conclusion: Option<String>,
    /// What it shows.
    pub output: Option<CheckOutput>,
    /// Where to read more.
    pub details_url: Option<String>,
    /// The App's own id of it.
    pub external_id: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
}

/// What a check run shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CheckOutput {
    /// One line.
    pub title: Option<String>,
    /// Markdown.
    pub summary: Option<String>,
    /// More Markdown.
    #[serde(default)]
    pub text: Option<String>,
}

/// What a credential stands for.
#[derive(Debug, Clone)]
pub(crate) enum Token {
    /// A person's or machine account's token.
    User { login: String },
    /// An App's token for one installation; `repositories` are `owner/name` keys, `None` for all.
    Installation { owner: String, repositories: Option<Vec<String>>, expires_at: DateTime<Utc> },
}

impl Repository {
    /// `owner/name`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// What `login` may do; everyone may read a public repository.
    #[must_use]
    pub fn permission(&self, login: &str) -> Permission {
        let floor = if self.private { Permission::None } else { Permission::Read };
        self.permissions.get(&login.to_lowercase()).copied().unwrap_or(floor).max(floor)
    }

    /// The comment `id` and the number of the item it belongs to.
    #[must_use]
    pub fn comment(&self, id: u64) -> Option<(u64, &Comment)> {
        self.items
            .values()
            .find_map(|item| item.comments.iter().find(|c| c.id == id).map(|c| (item.number, c)))
    }

    /// The same, to change it.
    pub fn comment_mut(&mut self, id: u64) -> Option<(u64, &mut Comment)> {
        self.items.values_mut().find_map(|item| {
            let number = item.number;
            item.comments.iter_mut().find(|c| c.id == id).map(|c| (number, c))
        })
    }

    /// The label of that name, whatever its case.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|l| l.name.eq_ignore_ascii_case(name))
    }
}

impl Model {
    /// A fresh id.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The key of a repository.
    pub(crate) fn key(owner: &str, name: &str) -> String {
        format!("{owner}/{name}").to_lowercase()
    }

    /// The repository, whatever the case of its name.
    #[must_use]
    pub fn repository(&self, owner: &str, name: &str) -> Option<&Repository> {
        self.repositories.get(&Self::key(owner, name))
    }

    /// The same, to change it.
    pub fn repository_mut(&mut self, owner: &str, name: &str) -> Option<&mut Repository> {
        self.repositories.get_mut(&Self::key(owner, name))
    }

    /// The account of that login, made on first mention.
    pub(crate) fn user(&mut self, login: &str, kind: &str) -> User {
        let key = login.to_lowercase();
        if let Some(user) = self.users.get(&key) {
            return user.clone();
        }
        let user = User { id: self.fresh_id(), login: login.to_owned(), kind: kind.to_owned() };
        self.users.insert(key, user.clone());
        user
    }
}
