//! What every request handler shares: the model behind its lock, the clock, the folders, the outbox.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SubsecRound, Utc};
use schemas::Clock;
use tokio::sync::mpsc;

use crate::bare::BareRepository;
use crate::deliver::Posting;
use crate::faults::Armed;
use crate::gitlab;
use crate::jira;
use crate::model::{Model, User};
use crate::render::Render;

/// The App that the sim knows; it is installed on every repository.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// Its id, the `iss` of its JSON Web Tokens.
    pub id: u64,
    /// Its slug; it acts as `slug[bot]`.
    pub slug: String,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self { id: 1234, slug: "sim-app".to_owned() }
    }
}

/// Shared by all handlers.
pub struct World {
    pub(crate) model: Mutex<Model>,
    pub(crate) faults: Mutex<Vec<Armed>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) data: PathBuf,
    /// `http://address`, without a slash at the end.
    pub(crate) url: String,
    /// The account of the sim's own token.
    pub(crate) login: String,
    pub(crate) app: AppOptions,
    pub(crate) outbox: mpsc::UnboundedSender<Posting>,
    /// The GitLab next door, with its own state.
    pub(crate) gitlab: Mutex<gitlab::State>,
    /// The Jira next door.
    pub(crate) jira: Mutex<jira::State>,
    pub(crate) http: reqwest::Client,
    pub(crate) calls: AtomicU64,
}

impl World {
    /// The model. A poisoned lock is taken over: a panic in one handler must not hide the state.
    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the GitLab next door remembers.
    pub(crate) fn gitlab(&self) -> MutexGuard<'_, gitlab::State> {
        self.gitlab.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time in whole seconds, as GitHub writes it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(0)
    }

    /// The App's bot account.
    pub(crate) fn bot(&self) -> User {
        self.model().user(&format!("{}[bot]", self.app.slug), "Bot")
    }

    /// The bare repository of `owner/name`, whether it exists or not.
    pub(crate) fn bare(&self, owner: &str, name: &str) -> BareRepository {
        let folder = format!("{}.git", name.to_lowercase());
        BareRepository::at(self.data.join(owner.to_lowercase()).join(folder))
    }

    /// Renders for webhooks, with the addresses we listen on.
    pub(crate) fn render<'a>(&'a self, model: &'a Model) -> Render<'a> {
        Render { model, app: &self.app, html: &self.url, api: &self.url }
    }
}
