//! What can happen to issues, whoever causes it, with the webhooks it sets off.

use serde_json::Value;

use crate::model::{Comment, Item, Label, Model, Repository};
use crate::payload::{self, Moved, Subject};
use crate::world::World;

/// An issue or pull request to open.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct NewIssue {
    /// Its title.
    pub title: String,
    /// Its text.
    #[serde(default)]
    pub body: Option<String>,
    /// The names of its labels.
    #[serde(default)]
    pub labels: Vec<String>,
}

impl World {
    /// Opens an issue; `None` when there is no such repository.
    pub(crate) fn open_issue(&self, owner: &str, name: &str, new: NewIssue, login: &str) -> Option<Item> {
        let (born, at) = (self.clock.monotonic(), self.now());
        let mut model = self.model();
        model.repository(owner, name)?;
        model.user(login, "User");
        let id = model.fresh_id();
        let repo = model.repository_mut(owner, name)?;
        let number = next_number(repo);
        let item = Item {
            id,
            number,
            title: new.title,
            body: new.body,
            state: "open".into(),
            author: login.to_owned(),
            labels: Vec::new(),
            comments: Vec::new(),
            reactions: Vec::new(),
            pull: None,
            created_at: at,
            updated_at: at,
            closed_at: None,
            born,
        };
        repo.items.insert(number, item);
        let subject = Subject { owner, name, number, sender: login };
        let opened = payload::item(self, &model, &subject, "opened", None);
        drop(model);
        self.announce_some(opened);
        self.add_labels(owner, name, number, &new.labels, login);
        self.model().repository(owner, name)?.items.get(&number).cloned()
    }

    /// Puts labels on an issue, making those the repository does not know; `None` when there is no
    /// such issue.
    pub(crate) fn add_labels(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        labels: &[String],
        login: &str,
    ) -> Option<()> {
        let at = self.now();
        for label in labels {
            let mut model = self.model();
            model.user(login, "User");
            let label = known_label(&mut model, owner, name, label)?;
            let item = model.repository_mut(owner, name)?.items.get_mut(&number)?;
            if item.labels.contains(&label) {
                continue;
            }
            item.labels.push(label.clone());
            item.updated_at = at;
            let subject = Subject { owner, name, number, sender: login };
            let labeled = payload::item(self, &model, &subject, "labeled", Some(&label));
            drop(model);
            self.announce_some(labeled);
        }
        self.model().repository(owner, name)?.items.contains_key(&number).then_some(())
    }

    /// Takes a label off; `None` when the issue does not carry it.
    pub(crate) fn remove_label(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        label: &str,
        login: &str,
    ) -> Option<()> {
        let at = self.now();
        let mut model = self.model();
        let item = model.repository_mut(owner, name)?.items.get_mut(&number)?;
        let position = item.labels.iter().position(|l| l.eq_ignore_ascii_case(label))?;
        let label = item.labels.remove(position);
        item.updated_at = at;
        let subject = Subject { owner, name, number, sender: login };
        let unlabeled = payload::item(self, &model, &subject, "unlabeled", Some(&label));
        drop(model);
        self.announce_some(unlabeled);
        Some(())
    }

    /// Writes a comment; `None` when there is no such issue or pull request.
    pub(crate) fn add_comment(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        body: &str,
        login: &str,
    ) -> Option<Comment> {
        let (born, at) = (self.clock.monotonic(), self.now());
        let mut model = self.model();
        model.user(login, "User");
        let id = model.fresh_id();
        let item = model.repository_mut(owner, name)?.items.get_mut(&number)?;
        let (author, body) = (login.to_owned(), body.to_owned());
        let comment =
            Comment { id, author, body, reactions: Vec::new(), created_at: at, updated_at: at, born };
        item.comments.push(comment.clone());
        item.updated_at = at;
        let subject = Subject { owner, name, number, sender: login };
        let created = payload::issue_comment(self, &model, &subject, "created", id);
        drop(model);
        self.announce_some(created);
        Some(comment)
    }

    /// Another text in a comment; `None` when there is no such comment.
    pub(crate) fn edit_comment(
        &self,
        owner: &str,
        name: &str,
        id: u64,
        body: String,
        login: &str,
    ) -> Option<()> {
        let at = self.now();
        let mut model = self.model();
        let (number, comment) = model.repository_mut(owner, name)?.comment_mut(id)?;
        (comment.body, comment.updated_at) = (body, at);
        let subject = Subject { owner, name, number, sender: login };
        let edited = payload::issue_comment(self, &model, &subject, "edited", id);
        drop(model);
        self.announce_some(edited);
        Some(())
    }

    /// Tells what happened to an issue or pull request.
    pub(crate) fn tell(&self, owner: &str, name: &str, number: u64, action: &str, login: &str) {
        let model = self.model();
        let subject = Subject { owner, name, number, sender: login };
        let told = payload::item(self, &model, &subject, action, None);
        drop(model);
        self.announce_some(told);
    }

    /// Tells of the branches that a push moved, and of the open pull requests that follow them.
    pub(crate) fn pushed(&self, owner: &str, name: &str, moved: &[Moved], login: &str) {
        for moved in moved {
            let mut model = self.model();
            let told = payload::push(self, &model, (owner, name), login, moved);
            let Some(repo) = model.repository_mut(owner, name) else { return };
            let mut following = Vec::new();
            for item in repo.items.values_mut().filter(|item| item.state == "open") {
                let pull = item.pull.as_mut().filter(|pull| pull.head == moved.branch);
                if let Some(pull) = pull.filter(|_| moved.message.is_some()) {
                    pull.head_sha.clone_from(&moved.after);
                    following.push(item.number);
                }
            }
            drop(model);
            self.announce_some(told.map(|payload| ("push", payload)));
            for number in following {
                self.tell(owner, name, number, "synchronize", login);
            }
        }
    }

    fn announce_some(&self, told: Option<(&str, Value)>) {
        if let Some((event, payload)) = told {
            self.announce(event, &payload);
        }
    }
}

/// Issues and pull requests share one sequence.
pub(crate) fn next_number(repo: &Repository) -> u64 {
    repo.items.keys().next_back().map_or(1, |last| last + 1)
}

/// The label as the repository spells it, made when it is new.
fn known_label(model: &mut Model, owner: &str, name: &str, label: &str) -> Option<String> {
    if let Some(known) = model.repository(owner, name)?.label(label) {
        return Some(known.name.clone());
    }
    let id = model.fresh_id();
    let fresh = Label { id, name: label.to_owned(), color: "ededed".into(), description: None };
    model.repository_mut(owner, name)?.labels.push(fresh);
    Some(label.to_owned())
}
