//! Where a schedule runs: whole names as they are written, globs by what the connections can see.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use forge::{Forge, ForgeError};
use schemas::{ConnectionName, RepoRef};

use super::due::DueNow;
use crate::Dispatcher;
use crate::rules::Rule;

/// How long a list of repositories is believed.
const BELIEVED: Duration = Duration::from_secs(600);

/// The repositories that each connection could see, and when that was asked.
#[derive(Default)]
pub(super) struct Visible(Mutex<Lists>);

type Lists = HashMap<ConnectionName, (Duration, Arc<Vec<RepoRef>>)>;

impl Dispatcher {
    /// The repositories that an automation's ticks run in; none where nothing fires.
    pub(super) async fn repositories_of(
        &self,
        rule: &Rule,
        due: &DueNow,
    ) -> Result<Vec<RepoRef>, ForgeError> {
        if due.fire.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(repository) = &rule.automation.run.repo {
            return Ok(vec![repository.clone()]);
        }
        let mut found = BTreeMap::new();
        let mut add = |repository: &RepoRef| {
            if rule.covers(repository) {
                found.insert(repository.to_string(), repository.clone());
            }
        };
        let patterns = || rule.automation.repos.iter().filter(|pattern| !pattern.starts_with('!'));
        let (whole, globs): (Vec<_>, Vec<_>) = patterns().partition(|pattern| is_whole_name(pattern));
        whole.iter().filter_map(|name| name.parse().ok()).for_each(|name| add(&name));
        for (connection, forge) in &self.forges {
            let mentioned = globs.iter().any(|glob| may_name(glob, connection));
            if mentioned || rule.automation.repos.iter().all(|pattern| pattern.starts_with('!')) {
                self.visible(connection, &**forge).await?.iter().for_each(&mut add);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn visible(
        &self,
        connection: &ConnectionName,
        forge: &dyn Forge,
    ) -> Result<Arc<Vec<RepoRef>>, ForgeError> {
        let now = self.clock.monotonic();
        let known = self.firing.visible.lock().get(connection).cloned();
        if let Some((_, list)) = known.filter(|(asked, _)| now.saturating_sub(*asked) < BELIEVED) {
            return Ok(list);
        }
        let list = Arc::new(forge.repositories(connection).await?);
        self.firing.visible.lock().insert(connection.clone(), (now, Arc::clone(&list)));
        Ok(list)
    }
}

impl Visible {
    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_whole_name(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', '{', '\\'])
}

/// Whether a glob may match repositories of a connection, by its first part.
fn may_name(glob: &str, connection: &ConnectionName) -> bool {
    let first = glob.split('/').next().unwrap_or_default();
    globset::Glob::new(first).is_ok_and(|glob| glob.compile_matcher().is_match(connection.as_str()))
}
