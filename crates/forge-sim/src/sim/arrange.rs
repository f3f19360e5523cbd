//! What a test arranges.

use std::path::Path;

use schemas::automation::Permission;
use serde_json::Value;

use super::Sim;
use crate::faults::FaultOrder;
use crate::happenings::NewIssue;
use crate::model::{Item, Repository, Token, Webhook};
use crate::setup::{SetupError, Source, write_files};

impl Sim {
    /// Makes a repository with these files in one commit on `main`. The token's user is its admin.
    ///
    /// # Errors
    /// When the name is taken or git refuses.
    pub async fn create_repo(
        &self,
        owner: &str,
        name: &str,
        files: &[(&str, &str)],
    ) -> Result<(), SetupError> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        self.world.make_repository(owner, name, Source::Files(files.collect())).await
    }

    /// Commits exactly these files on a branch, on top of what is there; nobody is told.
    ///
    /// # Errors
    /// When git refuses.
    pub async fn commit(
        &self,
        owner: &str,
        name: &str,
        branch: &str,
        files: &[(&str, &str)],
    ) -> Result<(), SetupError> {
        let files: Vec<_> =
            files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        let folder = tempfile::tempdir()?;
        write_files(folder.path(), &files)?;
        let bare = self.world.bare(owner, name);
        bare.commit_folder(folder.path(), branch, "Change", self.world.now()).await?;
        Ok(())
    }

    /// Makes a repository from a git repository or a plain folder.
    ///
    /// # Errors
    /// When the name is taken or git refuses.
    pub async fn import_repo(&self, owner: &str, name: &str, folder: &Path) -> Result<(), SetupError> {
        self.world.make_repository(owner, name, Source::Folder(folder.to_owned())).await
    }

    /// Sets who is in a team, `org/team`.
    pub fn set_team(&self, team: &str, logins: &[&str]) {
        let logins = logins.iter().map(|login| (*login).to_owned()).collect();
        self.world.model().teams.insert(team.to_lowercase(), logins);
    }

    /// Changes a repository's flags, labels or anything else.
    ///
    /// # Errors
    /// When there is no such repository.
    pub fn change_repo(
        &self,
        owner: &str,
        name: &str,
        change: impl FnOnce(&mut Repository),
    ) -> Result<(), SetupError> {
        let mut model = self.world.model();
        change(model.repository_mut(owner, name).ok_or_else(|| no_repository(owner, name))?);
        Ok(())
    }

    /// Makes sure a user exists and sets what they may do in a repository.
    ///
    /// # Errors
    /// When there is no such repository.
    pub fn add_user(
        &self,
        login: &str,
        owner: &str,
        name: &str,
        permission: Permission,
    ) -> Result<(), SetupError> {
        self.world.grant(owner, name, login, permission)
    }

    /// Gives a user a token of their own.
    pub fn add_token(&self, login: &str, token: &str) {
        self.world.make_user(login, "User", Some(token.to_owned()));
    }

    /// Opens an issue as `login`; webhooks follow.
    ///
    /// # Errors
    /// When there is no such repository.
    pub fn create_issue(
        &self,
        owner: &str,
        name: &str,
        login: &str,
        title: &str,
        body: &str,
        labels: &[&str],
    ) -> Result<Item, SetupError> {
        let labels = labels.iter().map(|l| (*l).to_owned()).collect();
        let new = NewIssue { title: title.to_owned(), body: Some(body.to_owned()), labels };
        self.world.open_issue(owner, name, new, login).ok_or_else(|| no_repository(owner, name))
    }

    /// Puts a label on an issue as `login`; webhooks follow.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn label_issue(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        label: &str,
        login: &str,
    ) -> Result<(), SetupError> {
        let labels = [label.to_owned()];
        self.world.add_labels(owner, name, number, &labels, login).ok_or_else(|| no_repository(owner, name))
    }

    /// Writes a comment as `login`; webhooks follow. Returns its id.
    ///
    /// # Errors
    /// When there is no such issue or pull request.
    pub fn comment(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        body: &str,
        login: &str,
    ) -> Result<u64, SetupError> {
        let comment = self.world.add_comment(owner, name, number, body, login);
        comment.map(|c| c.id).ok_or_else(|| no_repository(owner, name))
    }

    /// The `issues.labeled` payload of an issue as it stands.
    #[must_use]
    pub fn labeled_payload(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        label: &str,
        sender: &str,
    ) -> Option<Value> {
        self.world.issues_payload(owner, name, number, "labeled", Some(label), sender)
    }

    /// Sends events to `url` from now on, signed with `secret`.
    pub fn add_webhook(&self, url: &str, secret: &str, events: &[&str]) {
        let mut webhook = Webhook::to(url.to_owned(), secret.to_owned());
        if !events.is_empty() {
            webhook.events = events.iter().map(|e| (*e).to_owned()).collect();
        }
        self.world.register(webhook);
    }

    /// The same for the App's webhook, which no repository lists.
    pub fn add_app_webhook(&self, url: &str, secret: &str) {
        let webhook = Webhook::to(url.to_owned(), secret.to_owned());
        self.world.register(Webhook { app: true, ..webhook });
    }

    /// Orders misbehaviour.
    ///
    /// # Errors
    /// When the path is not a glob.
    pub fn fault(&self, order: FaultOrder) -> Result<(), SetupError> {
        self.world.arm(order)
    }

    /// Behaves again.
    pub fn no_faults(&self) {
        self.world.faults().clear();
    }

    /// Makes every installation token invalid, as GitHub may at any time.
    pub fn revoke_installation_tokens(&self) {
        self.world.model().tokens.retain(|_, token| matches!(token, Token::User { .. }));
    }
}

fn no_repository(owner: &str, name: &str) -> SetupError {
    SetupError::NoRepository(format!("{owner}/{name}"))
}
