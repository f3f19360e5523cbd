//! An App's installations: found per repository, with tokens narrowed to it and kept until they age.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use octocrab::Octocrab;
use octocrab::models::InstallationId;
use schemas::RepoRef;
use secrecy::SecretString;
use serde::Deserialize;

use super::outcome::{self, Kind};
use super::route::Route;
use crate::ForgeError;

/// A token that expires sooner is replaced: a call and a push must be able to end with it.
const BUFFER: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// What an installation is known by.
#[derive(Deserialize)]
pub(super) struct Installation {
    pub id: InstallationId,
    /// Set while its owner lets it rest.
    pub suspended_at: Option<String>,
}

/// The App's client, and one for each repository it was asked about.
#[derive(Debug)]
pub(super) struct Installations {
    /// Authenticates as the App itself.
    pub app: Octocrab,
    /// Shared, since each keeps its own token.
    by_repository: Mutex<HashMap<String, Arc<Octocrab>>>,
}

/// How to act in one repository.
pub(super) struct Acting {
    pub api: Arc<Octocrab>,
    pub token: SecretString,
}

impl Installations {
    pub(super) fn new(app: Octocrab) -> Self {
        Self { app, by_repository: Mutex::new(HashMap::new()) }
    }

    /// A client for `repo` whose token lives for minutes yet.
    pub(super) async fn of(&self, repo: &RepoRef) -> Result<Acting, ForgeError> {
        let key = repo.path.to_lowercase();
        let known = self.lock().get(&key).cloned();
        let api = match known {
            Some(api) => api,
            None => {
                let found = Arc::new(self.find(repo).await?);
                Arc::clone(self.lock().entry(key.clone()).or_insert(found))
            }
        };
        match api.installation_token_with_buffer(BUFFER).await {
            Ok(token) => Ok(Acting { api, token }),
            Err(error) => {
                // The installation may have been removed and made anew under another id.
                self.lock().remove(&key);
                // Making a token changes nothing that matters, so a failure is one of reading.
                Err(outcome::of(error, Kind::Read, &format!("the App's installation for {repo}")))
            }
        }
    }

    async fn find(&self, repo: &RepoRef) -> Result<Octocrab, ForgeError> {
        let what = format!("an installation of the App that covers {repo}");
        let route = Route::repo(repo)?.then("installation");
        let read = |error| outcome::of(error, Kind::Read, &what);
        let found: Installation = self.app.get(route.as_str(), None::<&()>).await.map_err(read)?;
        let (_, name) = repo.owner_and_name();
        self.app.installation_builder(found.id).repositories(vec![name.to_owned()]).build().map_err(read)
    }

    /// A client for any one installation, `None` when there is none.
    pub(super) async fn any(&self) -> Result<Option<Octocrab>, ForgeError> {
        let read = |error| outcome::of(error, Kind::Read, "the App's installations");
        let route = Route::fixed("/app/installations").query(&[("per_page", "1")]);
        let list: Vec<Installation> = self.app.get(route.as_str(), None::<&()>).await.map_err(read)?;
        list.first().map(|first| self.client(first.id)).transpose()
    }

    /// A client for an installation, with all that it may do.
    pub(super) fn client(&self, id: InstallationId) -> Result<Octocrab, ForgeError> {
        let read = |error| outcome::of(error, Kind::Read, "the App's installation");
        self.app.installation(id).map_err(read)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Octocrab>>> {
        self.by_repository.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
