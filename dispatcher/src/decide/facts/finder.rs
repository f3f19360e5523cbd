//! Asks forges, trackers and our own records, apart from deciding.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use forge::{Directory, Forge, ForgeError, Identity};
use futures_util::future::join_all;
use schemas::automation::Permission;
use schemas::{Clock, ConnectionName, RepoRef};
use store::Store;

use super::{Answer, Answered, FactKey, local};

/// How long what somebody may do is good for: a storm of events by one person asks once.
const FRESH: Duration = Duration::from_secs(30);
/// How long all questions of one batch may take together.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// Tries of one question within the deadline.
const TRIES: u32 = 3;

/// Asks, and remembers for half a minute what changes rarely.
pub struct FactFinder {
    forges: BTreeMap<ConnectionName, Arc<dyn Forge>>,
    directories: BTreeMap<ConnectionName, Arc<dyn Directory>>,
    store: Store,
    clock: Arc<dyn Clock>,
    recent: Mutex<HashMap<FactKey, (Duration, Answer)>>,
    accounts: Mutex<BTreeMap<ConnectionName, Identity>>,
}

impl FactFinder {
    /// A finder that asks these.
    #[must_use]
    pub fn new(
        forges: BTreeMap<ConnectionName, Arc<dyn Forge>>,
        directories: BTreeMap<ConnectionName, Arc<dyn Directory>>,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { forges, directories, store, clock, recent: Mutex::default(), accounts: Mutex::default() }
    }

    /// Who we are on each connection, where it is known.
    #[must_use]
    pub fn accounts(&self) -> BTreeMap<ConnectionName, Identity> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// Answers every question, together within `limit`; a question without an answer gets an error.
    pub async fn find(
        &self,
        questions: impl IntoIterator<Item = FactKey>,
        limit: Duration,
    ) -> Vec<(FactKey, Answered)> {
        join_all(questions.into_iter().map(|question| async move {
            let answer = tokio::time::timeout(limit, self.answer(&question)).await;
            let answer = answer.unwrap_or_else(|_| Err("there was no answer in time".to_owned()));
            (question, answer)
        }))
        .await
    }

    async fn answer(&self, question: &FactKey) -> Answered {
        let now = self.clock.monotonic();
        let recent = |(at, _): &(Duration, Answer)| now.saturating_sub(*at) < FRESH;
        let known = self.recent.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned();
        if let Some((_, answer)) = known.filter(recent) {
            return Ok(answer);
        }
        let answer = self.ask(question).await?;
        if changes_rarely(question) {
            let mut cache = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            cache.retain(|_, found| recent(found));
            cache.insert(question.clone(), (now, answer.clone()));
        }
        Ok(answer)
    }

    async fn ask(&self, question: &FactKey) -> Answered {
        use FactKey as K;
        let answer = match question {
            K::Permission { repository, login } => return self.permission(repository, login).await,
            K::Team { repository, team, login } => {
                let forge = self.forge(repository)?;
                with_retries(|| forge.is_member(repository, team, login)).await.map(Answer::Is)
            }
            K::Group { connection, group, account } => {
                let directory = self.directory(connection)?;
                with_retries(|| directory.in_group(group, account)).await.map(Answer::Is)
            }
            K::Role { connection, project, role, account } => {
                let directory = self.directory(connection)?;
                with_retries(|| directory.in_role(project, role, account)).await.map(Answer::Is)
            }
            K::ChangedPaths { repository, of } => {
                let forge = self.forge(repository)?;
                with_retries(|| forge.changed_paths(repository, of)).await.map(Answer::Paths)
            }
            K::PullRequest { repository, number } => {
                let forge = self.forge(repository)?;
                with_retries(|| forge.pull_request(repository, *number)).await.map(Answer::PullRequest)
            }
            K::OpenPullRequest { repository, work_item } => {
                let ours = self.store.own_pull_requests(repository, work_item).await;
                return self.open_one_of(repository, ours.map_err(|error| error.to_string())?).await;
            }
            K::OwnPullRequest { .. } | K::OwnCommit { .. } | K::OwnLabel { .. } | K::OwnUnlabel { .. } => {
                return local::answer(&self.store, question, self.clock.now()).await;
            }
        };
        answer.map_err(|error| error.to_string())
    }

    async fn permission(&self, repository: &RepoRef, login: &str) -> Answered {
        let forge = self.forge(repository)?;
        let permission =
            with_retries(|| forge.permission(repository, login)).await.map_err(|e| e.to_string())?;
        if permission == Permission::None {
            // A forge says the same of somebody it does not know and of a repository it hides from us.
            if let Err(ForgeError::NotFound { .. }) = forge.repository(repository).await {
                return Err(format!("our credential cannot see {repository}"));
            }
        }
        Ok(Answer::Permission(permission))
    }

    async fn open_one_of(&self, repository: &RepoRef, numbers: Vec<u64>) -> Answered {
        for number in numbers {
            let forge = self.forge(repository)?;
            match with_retries(|| forge.pull_request(repository, number)).await {
                Ok(found) if found.open => return Ok(Answer::Number(Some(number))),
                Ok(_) | Err(ForgeError::NotFound { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(Answer::Number(None))
    }

    fn forge(&self, repository: &RepoRef) -> Result<&Arc<dyn Forge>, String> {
        let connection = &repository.connection;
        self.forges.get(connection).ok_or_else(|| format!("there is no connection `{connection}`"))
    }

    fn directory(&self, connection: &ConnectionName) -> Result<&Arc<dyn Directory>, String> {
        let missing = || format!("there is no connection `{connection}` that knows groups and roles");
        self.directories.get(connection).ok_or_else(missing)
    }
}

/// Whether an answer of half a minute ago is as good as a new one.
fn changes_rarely(question: &FactKey) -> bool {
    use FactKey as K;
    matches!(question, K::Permission { .. } | K::Team { .. } | K::Group { .. } | K::Role { .. })
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
