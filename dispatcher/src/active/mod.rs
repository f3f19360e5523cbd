//! The automations in force: a row in the database, so that all dispatchers decide by the same set.
//!
//! A dispatcher offers what its own source (a folder or a repository) holds, and only when that has
//! changed since it last looked: two with different folders do not fight, the last change wins. What
//! another one put in force is noticed by the sweep and loaded from the row.

mod repository;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use schemas::AutomationId;
use schemas::automation::Mode;
use store::{ActiveRuleSet, StoreError};
use tokio::sync::Notify;

use crate::rules::{RuleSet, load_texts};
use crate::schedule::Scheduled;
use crate::{Dispatcher, short};

pub use repository::{AutomationsRepository, Pulled};

/// The set that this process decides by, and what it knows of it.
pub(crate) struct Active {
    rules: RwLock<Arc<RuleSet>>,
    known: Mutex<Known>,
    /// Rung when another set came into force.
    pub(crate) changed: Notify,
    /// Rung when something was pushed to the repository that automations come from.
    pushed: Notify,
}

#[derive(Default)]
struct Known {
    /// The hash of the row when it was last looked at.
    row: String,
    /// Where the set in force came from.
    source: String,
    /// The hash of what our own source held when we last looked.
    own: Option<String>,
    /// Why the newest files are not in force.
    problem: Option<String>,
}

impl Active {
    pub(crate) fn new() -> Self {
        Self {
            rules: RwLock::new(Arc::new(RuleSet::empty())),
            known: Mutex::default(),
            changed: Notify::new(),
            pushed: Notify::new(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn swap(&self, set: RuleSet, row: String, source: String) {
        tracing::info!(rule_set = %short(&row), automations = set.rules().len(), source, "automations in force");
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        let mut known = self.known();
        known.row = row;
        known.source = source;
        known.problem = None;
        drop(known);
        self.changed.notify_one();
    }
}

impl Dispatcher {
    /// Puts a set of automations in force, for every dispatcher on this database.
    ///
    /// # Errors
    /// When the database does not answer; then the old set stays.
    pub async fn activate(&self, set: RuleSet) -> Result<(), StoreError> {
        self.put_in_force(set, String::new()).await
    }

    /// Puts in force what our own source holds, if that has changed since it was offered last.
    ///
    /// # Errors
    /// When the database does not answer; then the old set stays.
    pub async fn offer(&self, set: RuleSet, source: &str) -> Result<(), StoreError> {
        let hash = set.hash.clone();
        if self.active.known().own.as_ref() != Some(&hash) {
            self.put_in_force(set, source.to_owned()).await?;
        }
        let mut known = self.active.known();
        known.own = Some(hash);
        known.problem = None;
        Ok(())
    }

    async fn put_in_force(&self, set: RuleSet, source: String) -> Result<(), StoreError> {
        let now = self.clock.now();
        let row = ActiveRuleSet { hash: set.hash.clone(), files: set.files.clone(), source };
        let named: Vec<_> = set
            .rules()
            .iter()
            .map(|rule| (rule.automation.name.clone(), rule.automation.was.clone()))
            .collect();
        let tx = self.store.begin().await?;
        tx.activate_rule_set(&row, now).await?;
        let ids = tx.name_automations(&named, now, || AutomationId::fresh(&*self.clock)).await?;
        let enabled = set.rules().iter().filter(|rule| rule.mode() != Mode::Disabled);
        let timetables: Vec<_> = enabled
            .filter_map(|rule| Some((ids.get(&rule.automation.name)?, Scheduled::all(&rule.automation))))
            .flat_map(|(id, schedules)| {
                schedules.into_iter().map(|schedule| (*id, schedule.timetable.to_string()))
            })
            .collect();
        tx.keep_timetables(&timetables, now).await?;
        tx.commit().await?;
        self.active.swap(set, row.hash, row.source);
        Ok(())
    }

    /// Loads the set that is in force, where another dispatcher put it there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn adopt(&self) -> Result<(), StoreError> {
        let hash = self.store.active_hash().await?;
        if hash.is_none_or(|hash| self.active.known().row == hash) {
            return Ok(());
        }
        let Some(row) = self.store.active_rule_set().await? else { return Ok(()) };
        match load_texts(row.files) {
            Ok(set) => self.active.swap(set, row.hash, row.source),
            Err(error) => {
                let problem = format!(
                    "this version does not understand the automations that another dispatcher put in force: {}",
                    error.one_line()
                );
                self.active.known().row = row.hash;
                self.note_rules_problem(Some(problem));
            }
        }
        Ok(())
    }

    /// Remembers why the newest files are not in force, for `/readyz`; `None` when they are. What is
    /// new is logged.
    pub fn note_rules_problem(&self, problem: Option<String>) {
        let mut known = self.active.known();
        if let Some(problem) = problem.as_ref().filter(|problem| known.problem.as_ref() != Some(problem)) {
            tracing::error!(problem, "the newest automations are not taken; the old ones stay");
        }
        known.problem = problem;
    }

    /// Why the newest automation files are not in force.
    #[must_use]
    pub fn rules_problem(&self) -> Option<String> {
        self.active.known().problem.clone()
    }

    /// Where the set in force came from: a folder, or a repository and its commit.
    #[must_use]
    pub fn rules_source(&self) -> String {
        self.active.known().source.clone()
    }

    /// Whether another dispatcher put a set in force that is not what our own source holds.
    #[must_use]
    pub fn rules_are_anothers(&self) -> bool {
        let known = self.active.known();
        known.own.as_ref().is_some_and(|own| *own != known.row)
    }

    /// The set that is in force.
    #[must_use]
    pub fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.active.rules.read().unwrap_or_else(PoisonError::into_inner))
    }
}
