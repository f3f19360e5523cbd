//! What a test arranges and looks at on the GitLab side.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::model::{Hook, Item, Project, User};
use super::quick_actions;
use crate::bare::BareRepository;
use crate::setup::{SetupError, write_files};
use crate::world::World;

/// The GitLab of a running [`Sim`](crate::Sim), at the same address.
pub struct GitLabSim<'a> {
    pub(crate) world: &'a World,
}

impl GitLabSim<'_> {
    /// Makes a project with these files in one commit on `main`. `owner` is its owner.
    ///
    /// # Errors
    /// When the name is taken or git refuses.
    pub async fn create_project(
        &self,
        path: &str,
        owner: &str,
        files: &[(&str, &str)],
    ) -> Result<(), SetupError> {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
        self.world.make_project(path, owner, files.collect()).await
    }

    /// Makes sure a user exists and gives it a token.
    pub fn add_token(&self, username: &str, token: &str) -> User {
        let mut state = self.world.gitlab();
        let user = state.user(username);
        state.tokens.insert(token.to_owned(), user.id);
        user
    }

    /// Makes sure a user exists and sets its access level in a project; 0 takes it out.
    ///
    /// # Errors
    /// When there is no such project.
    pub fn set_member(&self, path: &str, username: &str, level: u64) -> Result<(), SetupError> {
        let user = self.world.gitlab().user(username);
        self.change(path, |project| {
            project.members.remove(&user.id);
            if level > 0 {
                project.members.insert(user.id, level);
            }
        })
    }

    /// Sets who is in a group.
    pub fn set_group(&self, path: &str, usernames: &[&str]) {
        let mut state = self.world.gitlab();
        let members = usernames.iter().map(|username| state.user(username).id).collect();
        state.groups.insert(path.to_lowercase(), members);
    }

    /// Opens an issue.
    ///
    /// # Errors
    /// When there is no such project.
    pub fn create_issue(
        &self,
        path: &str,
        username: &str,
        title: &str,
        text: &str,
        labels: &[&str],
    ) -> Result<Item, SetupError> {
        let author = self.world.gitlab().user(username).id;
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let item = self.world.open_gitlab_issue(path, author, title, text, &labels);
        item.ok_or_else(|| SetupError::NoRepository(path.to_owned()))
    }

    /// Registers a webhook with this `alert_status`.
    ///
    /// # Errors
    /// When there is no such project.
    pub fn add_hook(
        &self,
        path: &str,
        url: &str,
        alert_status: &str,
        disabled_until: Option<DateTime<Utc>>,
    ) -> Result<u64, SetupError> {
        let id = self.world.gitlab().fresh_id();
        let (url, alert_status) = (url.to_owned(), alert_status.to_owned());
        self.change(path, |p| p.hooks.push(Hook { id, url, alert_status, disabled_until }))?;
        Ok(id)
    }

    /// Changes anything else of a project.
    ///
    /// # Errors
    /// When there is no such project.
    pub fn change(&self, path: &str, change: impl FnOnce(&mut Project)) -> Result<(), SetupError> {
        let mut state = self.world.gitlab();
        let missing = || SetupError::NoRepository(path.to_owned());
        change(state.project_mut(path).ok_or_else(missing)?);
        Ok(())
    }

    /// A project as it stands.
    #[must_use]
    pub fn project(&self, path: &str) -> Option<Project> {
        self.world.gitlab().project_mut(path).cloned()
    }

    /// The bare repository's folder, for git commands of a test.
    #[must_use]
    pub fn bare_repo(&self, path: &str) -> PathBuf {
        self.world.gitlab_bare(path).folder().to_owned()
    }
}

impl World {
    /// Makes the sim's own account known, with its token.
    pub(crate) fn gitlab_token(&self, token: &str) {
        let mut state = self.gitlab();
        let user = state.user(&self.login);
        state.tokens.insert(token.to_owned(), user.id);
    }

    /// The bare repository of a project, whether it exists or not.
    pub(crate) fn gitlab_bare(&self, path: &str) -> BareRepository {
        // No owner of the GitHub begins with a dot.
        BareRepository::at(self.data.join(".gitlab").join(format!("{}.git", path.to_lowercase())))
    }

    pub(crate) async fn make_project(
        &self,
        path: &str,
        owner: &str,
        files: Vec<(String, Vec<u8>)>,
    ) -> Result<(), SetupError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let part_ok = |p: &str| !p.is_empty() && p.chars().all(plain) && !p.starts_with(['.', '-']);
        if path.split('/').count() < 2 || !path.split('/').all(part_ok) {
            return Err(SetupError::Name(path.to_owned()));
        }
        if self.gitlab().project_mut(path).is_some() {
            return Err(SetupError::Exists(path.to_owned()));
        }
        let bare = self.gitlab_bare(path);
        let folder = tempfile::tempdir()?;
        write_files(folder.path(), &files)?;
        bare.init("main").await?;
        bare.commit_folder(folder.path(), "main", "Initial commit", self.now()).await?;
        let created_at = self.now();
        let mut state = self.gitlab();
        let owner = state.user(owner).id;
        let project = Project {
            id: state.fresh_id(),
            path: path.to_owned(),
            default_branch: "main".to_owned(),
            visibility: "private".to_owned(),
            archived: false,
            members: BTreeMap::from([(owner, 50)]),
            issues: BTreeMap::new(),
            merge_requests: BTreeMap::new(),
            statuses: Vec::new(),
            hooks: Vec::new(),
            created_at,
        };
        state.projects.insert(path.to_lowercase(), project);
        Ok(())
    }

    /// Opens an issue; `None` when there is no such project.
    pub(crate) fn open_gitlab_issue(
        &self,
        path: &str,
        author: u64,
        title: &str,
        text: &str,
        labels: &[String],
    ) -> Option<Item> {
        let (born, created_at) = (self.clock.monotonic(), self.now());
        let mut state = self.gitlab();
        let id = state.fresh_id();
        let project = state.project_mut(path)?;
        let iid = project.issues.keys().next_back().map_or(1, |last| last + 1);
        let mut item = Item {
            id,
            iid,
            title: title.to_owned(),
            description: String::new(),
            state: "opened".to_owned(),
            author,
            labels: labels.to_vec(),
            reviewers: Vec::new(),
            notes: Vec::new(),
            awards: Vec::new(),
            commands: Vec::new(),
            change: None,
            created_at,
            born,
        };
        item.description = quick_actions::carry_out(&mut item, text);
        project.issues.insert(iid, item.clone());
        Some(item)
    }
}
