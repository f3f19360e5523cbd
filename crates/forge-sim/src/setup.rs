//! What a test or demo arranges beforehand: repositories, users, permissions, webhooks, faults.

use std::path::{Component, Path, PathBuf};

use schemas::automation::Permission;
use serde_json::Value;

use crate::bare::GitError;
use crate::faults::{Armed, FaultOrder};
use crate::model::{Model, Repository, Token, User, Webhook};
use crate::payload::{self, Subject};
use crate::world::World;

/// Why something could not be arranged.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A name that cannot be one.
    #[error("`{0}` is not a usable name: letters, digits, `.`, `_` and `-` are")]
    Name(String),
    /// A second repository of that name.
    #[error("there is a repository `{0}` already")]
    Exists(String),
    /// No such repository.
    #[error("there is no repository `{0}`")]
    NoRepository(String),
    /// A file that would land outside.
    #[error("`{0}` is not a path inside the repository")]
    Path(String),
    /// A pattern that cannot be read.
    #[error("the fault's path is not a glob")]
    Glob(#[from] globset::Error),
    /// Git refused.
    #[error("the repository could not be made")]
    Git(#[from] GitError),
    /// The disk refused.
    #[error("the repository's folder could not be written")]
    Io(#[from] std::io::Error),
}

/// What a new repository holds.
pub(crate) enum Source {
    /// These files, in one commit on `main`.
    Files(Vec<(String, Vec<u8>)>),
    /// A git repository's history, or any other folder's files in one commit on `main`.
    Folder(PathBuf),
}

impl World {
    pub(crate) async fn make_repository(
        &self,
        owner: &str,
        name: &str,
        source: Source,
    ) -> Result<(), SetupError> {
        for part in [owner, name] {
            let plain = part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
            if part.is_empty() || !plain || part.starts_with(['.', '-']) {
                return Err(SetupError::Name(part.to_owned()));
            }
        }
        let bare = self.bare(owner, name);
        if self.model().repository(owner, name).is_some() {
            return Err(SetupError::Exists(format!("{owner}/{name}")));
        }
        if !bare.folder().exists() {
            match source {
                Source::Folder(folder) if is_repository(&folder) => bare.copy_from(&folder).await?,
                Source::Folder(folder) => {
                    let folder = folder.canonicalize()?;
                    bare.init("main").await?;
                    bare.commit_folder(&folder, "main", "Import", self.now()).await?;
                }
                Source::Files(files) => {
                    let folder = tempfile::tempdir()?;
                    write_files(folder.path(), &files)?;
                    bare.init("main").await?;
                    bare.commit_folder(folder.path(), "main", "Initial commit", self.now()).await?;
                }
            }
        }
        let default_branch = bare.head_branch().await?;
        let created_at = self.now();
        let mut model = self.model();
        model.user(owner, "Organization");
        let repository = Repository {
            id: model.fresh_id(),
            owner: owner.to_owned(),
            name: name.to_owned(),
            default_branch,
            private: false,
            archived: false,
            permissions: std::collections::BTreeMap::new(),
            labels: Vec::new(),
            items: std::collections::BTreeMap::new(),
            statuses: Vec::new(),
            check_runs: Vec::new(),
            created_at,
        };
        model.repositories.insert(Model::key(owner, name), repository);
        drop(model);
        self.grant(owner, name, &self.login, Permission::Admin)
    }

    pub(crate) fn make_user(&self, login: &str, kind: &str, token: Option<String>) -> User {
        let mut model = self.model();
        let user = model.user(login, kind);
        if let Some(token) = token {
            model.tokens.insert(token, Token::User { login: user.login.clone() });
        }
        user
    }

    pub(crate) fn grant(
        &self,
        owner: &str,
        name: &str,
        login: &str,
        permission: Permission,
    ) -> Result<(), SetupError> {
        let mut model = self.model();
        model.user(login, "User");
        let missing = || SetupError::NoRepository(format!("{owner}/{name}"));
        let repository = model.repository_mut(owner, name).ok_or_else(missing)?;
        repository.permissions.insert(login.to_lowercase(), permission);
        Ok(())
    }

    pub(crate) fn register(&self, mut webhook: Webhook) -> Webhook {
        let mut model = self.model();
        webhook.id = model.fresh_id();
        model.webhooks.push(webhook.clone());
        webhook
    }

    pub(crate) fn arm(&self, order: FaultOrder) -> Result<(), SetupError> {
        let armed = Armed::new(order)?;
        self.faults().push(armed);
        Ok(())
    }

    /// An `issues` payload about an issue as it stands.
    pub(crate) fn issues_payload(
        &self,
        owner: &str,
        name: &str,
        number: u64,
        action: &str,
        label: Option<&str>,
        sender: &str,
    ) -> Option<Value> {
        let mut model = self.model();
        model.user(sender, "User");
        payload::issues(self, &model, &Subject { owner, name, number, sender }, action, label)
    }
}

/// `owner/name` in its parts.
pub(crate) fn split(full_name: &str) -> Result<(&str, &str), String> {
    full_name.split_once('/').ok_or_else(|| format!("`{full_name}` is not of the form owner/name"))
}

fn is_repository(folder: &Path) -> bool {
    folder.join(".git").exists() || (folder.join("HEAD").is_file() && folder.join("objects").is_dir())
}

pub(crate) fn write_files(root: &Path, files: &[(String, Vec<u8>)]) -> Result<(), SetupError> {
    for (path, content) in files {
        let inside = Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
        if path.is_empty() || !inside {
            return Err(SetupError::Path(path.clone()));
        }
        let target = root.join(path);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(target, content)?;
    }
    Ok(())
}
