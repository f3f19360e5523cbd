//! What a GitLab remembers: users, projects, issues, merge requests, notes, statuses, hooks.
//!
//! Plain data behind one lock; `Serialize` is the shape under `gitlab` of `GET /_sim/state`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Everything.
#[derive(Debug, Default, Serialize)]
pub struct State {
    /// Accounts by id.
    pub users: BTreeMap<u64, User>,
    /// Projects by their path in lower case, `group/project`.
    pub projects: BTreeMap<String, Project>,
    /// The members of each group, by its path in lower case.
    pub groups: BTreeMap<String, BTreeSet<u64>>,
    /// Who a token stands for, by its text.
    #[serde(skip)]
    pub(crate) tokens: BTreeMap<String, u64>,
    #[serde(skip)]
    pub(crate) last_id: u64,
}

/// An account.
#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// Its id, never reused.
    pub id: u64,
    /// The name after the at sign.
    pub username: String,
    /// Whether it belongs to a token of a project or group.
    pub bot: bool,
}

/// A project; its commits live in a bare repository on disk.
#[derive(Debug, Clone, Serialize)]
pub struct Project {
    /// Its id.
    pub id: u64,
    /// `group/project`, groups may be nested.
    pub path: String,
    /// The branch that merge requests go to.
    pub default_branch: String,
    /// `private`, `internal` or `public`.
    pub visibility: String,
    /// Whether it accepts no more writes.
    pub archived: bool,
    /// The access level of each member: 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner.
    pub members: BTreeMap<u64, u64>,
    /// Issues by their number.
    pub issues: BTreeMap<u64, Item>,
    /// Merge requests by theirs, which is another sequence.
    pub merge_requests: BTreeMap<u64, Item>,
    /// Commit statuses, oldest first.
    pub statuses: Vec<Status>,
    /// Webhooks.
    pub hooks: Vec<Hook>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// An issue, or a merge request when `change` is set.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// Its id, unique on the instance.
    pub id: u64,
    /// Its number, unique among its kind in the project.
    pub iid: u64,
    /// Its title; a merge request that begins with `Draft:` is one.
    pub title: String,
    /// Its text.
    pub description: String,
    /// `opened` or `closed`.
    pub state: String,
    /// Who wrote it.
    pub author: u64,
    /// The titles of its labels.
    pub labels: Vec<String>,
    /// Who was asked to review it.
    pub reviewers: Vec<u64>,
    /// What was said, oldest first.
    pub notes: Vec<Note>,
    /// Who showed which emoji.
    pub awards: Vec<Award>,
    /// Commands that were carried out, as `close` or `merge now`.
    pub commands: Vec<String>,
    /// What makes it a merge request.
    pub change: Option<Change>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    #[serde(skip)]
    pub(crate) born: Duration,
}

/// The change a merge request offers.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// The branch that holds it.
    pub source_branch: String,
    /// The project of that branch.
    pub source_project: u64,
    /// The branch it goes to.
    pub target_branch: String,
    /// Its newest commit when it was opened.
    pub sha: String,
}

/// A note on an issue or merge request.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    /// Its id.
    pub id: u64,
    /// Who wrote it.
    pub author: u64,
    /// What it says.
    pub body: String,
    /// Whether GitLab wrote it in the author's name.
    pub system: bool,
    /// Whether only members of the project see it.
    pub internal: bool,
    /// Who showed which emoji.
    pub awards: Vec<Award>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub(crate) born: Duration,
}

/// An emoji that somebody showed.
#[derive(Debug, Clone, Serialize)]
pub struct Award {
    /// Its id.
    pub id: u64,
    /// Its name, without colons.
    pub name: String,
    /// Who showed it.
    pub user: u64,
}

/// A commit status.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Its id.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// Its name.
    pub name: String,
    /// `pending`, `running`, `success`, `failed`, `canceled` or `skipped`.
    pub status: String,
    /// One line.
    pub description: Option<String>,
    /// Who set it.
    pub author: u64,
}

/// A webhook of a project.
#[derive(Debug, Clone, Serialize)]
pub struct Hook {
    /// Its id.
    pub id: u64,
    /// The receiver.
    pub url: String,
    /// `executable`, `temporarily_disabled` or `disabled`.
    pub alert_status: String,
    /// Until when, where only for a time.
    pub disabled_until: Option<DateTime<Utc>>,
}

impl State {
    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The account of that name, made on first mention.
    pub(crate) fn user(&mut self, username: &str) -> User {
        if let Some(user) = self.users.values().find(|u| u.username.eq_ignore_ascii_case(username)) {
            return user.clone();
        }
        let (id, bot) = (self.fresh_id(), username.contains("_bot"));
        let user = User { id, username: username.to_owned(), bot };
        self.users.insert(id, user.clone());
        user
    }

    /// The project with this id or path.
    pub(crate) fn project_mut(&mut self, name: &str) -> Option<&mut Project> {
        match name.parse::<u64>() {
            Ok(id) => self.projects.values_mut().find(|p| p.id == id),
            Err(_) => self.projects.get_mut(&name.to_lowercase()),
        }
    }
}

impl Project {
    /// What a user may do; everybody sees what is public.
    #[must_use]
    pub fn level(&self, user: u64) -> u64 {
        self.members.get(&user).copied().unwrap_or_default()
    }

    /// Whether a user sees it.
    #[must_use]
    pub fn is_seen_by(&self, user: u64) -> bool {
        self.visibility != "private" || self.level(user) >= 10
    }
}
