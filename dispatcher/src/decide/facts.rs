//! What only the forge can say, fetched apart from deciding.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use forge::{Forge, ForgeError, Identity};
use futures_util::future::join_all;
use schemas::automation::Permission;
use schemas::{Clock, ConnectionName, RepoRef};

/// How long an answer is good for: a storm of events by one person asks once.
const FRESH: Duration = Duration::from_secs(30);
/// How long all questions of one batch may take together.
const DEADLINE: Duration = Duration::from_secs(20);
/// Tries of one question within the deadline.
const TRIES: u32 = 3;

/// One question to a forge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FactKey {
    /// What somebody may do.
    Permission {
        /// Where.
        repository: RepoRef,
        /// Who.
        login: String,
    },
}

/// Answers, as far as they were asked for.
#[derive(Debug, Default, Clone)]
pub struct Facts {
    permissions: HashMap<FactKey, Result<Permission, String>>,
    /// Who we are on each connection, where it is known.
    pub own_accounts: BTreeMap<ConnectionName, Identity>,
}

impl Facts {
    /// The answer to a permission question; `None` when it was not asked yet.
    #[must_use]
    pub fn permission(&self, key: &FactKey) -> Option<Result<Permission, String>> {
        self.permissions.get(key).cloned()
    }

    /// Adds an answer.
    pub fn insert(&mut self, key: FactKey, answer: Result<Permission, String>) {
        self.permissions.insert(key, answer);
    }
}

/// Asks the forges, and remembers answers for half a minute.
pub struct FactFinder {
    forges: BTreeMap<ConnectionName, Arc<dyn Forge>>,
    clock: Arc<dyn Clock>,
    recent: Mutex<HashMap<FactKey, (Duration, Permission)>>,
    accounts: Mutex<BTreeMap<ConnectionName, Identity>>,
}

impl FactFinder {
    /// A finder that asks these forges.
    #[must_use]
    pub fn new(forges: BTreeMap<ConnectionName, Arc<dyn Forge>>, clock: Arc<dyn Clock>) -> Self {
        Self { forges, clock, recent: Mutex::default(), accounts: Mutex::default() }
    }

    /// What is known without asking.
    #[must_use]
    pub fn known(&self) -> Facts {
        let own_accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Facts { own_accounts, ..Facts::default() }
    }

    /// Learns who we are on every connection; called at start and again where it failed.
    pub async fn learn_accounts(&self) {
        for (name, forge) in &self.forges {
            let known = self.accounts.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name);
            if known {
                continue;
            }
            match forge.identity().await {
                Ok(identity) => {
                    tracing::info!(connection = %name, login = %identity.login, "connected");
                    self.accounts
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(name.clone(), identity);
                }
                Err(error) => tracing::warn!(connection = %name, %error, "cannot ask who we are"),
            }
        }
    }

    /// Answers every question, together within the deadline; a question without an answer gets an error.
    pub async fn find(&self, keys: Vec<FactKey>, facts: &mut Facts) {
        let asked = join_all(keys.into_iter().map(|key| async {
            let answer = tokio::time::timeout(DEADLINE, self.ask(&key))
                .await
                .unwrap_or_else(|_| Err("the forge did not answer in time".to_owned()));
            (key, answer)
        }))
        .await;
        for (key, answer) in asked {
            facts.insert(key, answer);
        }
    }

    async fn ask(&self, key: &FactKey) -> Result<Permission, String> {
        let now = self.clock.monotonic();
        let recent = |found: &(Duration, Permission)| now.saturating_sub(found.0) < FRESH;
        if let Some(found) =
            self.recent.lock().unwrap_or_else(PoisonError::into_inner).get(key).filter(|found| recent(found))
        {
            return Ok(found.1);
        }
        let FactKey::Permission { repository, login } = key;
        let forge = self
            .forges
            .get(&repository.connection)
            .ok_or_else(|| format!("there is no connection `{}`", repository.connection))?;
        let permission =
            with_retries(|| forge.permission(repository, login)).await.map_err(|e| e.to_string())?;
        if permission == Permission::None {
            // A forge says the same of somebody it does not know and of a repository it hides from us.
            if let Err(ForgeError::NotFound { .. }) = forge.repository(repository).await {
                return Err(format!("our credential cannot see {repository}"));
            }
        }
        let mut cache = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|_, found| recent(found));
        cache.insert(key.clone(), (now, permission));
        Ok(permission)
    }
}

async fn with_retries<T, F, A>(mut ask: A) -> Result<T, ForgeError>
where
    A: FnMut() -> F,
    F: Future<Output = Result<T, ForgeError>>,
{
    let backoff =
        schemas::backoff::Backoff { first: Duration::from_millis(250), cap: Duration::from_secs(5) };
    let mut attempt = 0;
    loop {
        match ask().await {
            Err(error) if error.is_transient() && attempt + 1 < TRIES => {
                tokio::time::sleep(backoff.delay(attempt, u16::MAX)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}
