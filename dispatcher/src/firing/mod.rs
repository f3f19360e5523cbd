//! Schedules fire: a tick that is due becomes a row, and with it deliveries, events, decisions and runs.
//!
//! When something is due is decided in [`crate::schedule`]; here it is made true, once. Any dispatcher
//! may try: the row's key is the automation's id and the tick's nominal time, and it stands in one
//! transaction with all that follows from it.

mod due;
mod repositories;
mod tick;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Timelike, Utc};
use schemas::automation::Mode;
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::Dispatcher;
use crate::schedule::Scheduled;
use crate::schedule::catch_up::{Look, horizon};

use due::{Records, due_now};
use repositories::Visible;

pub(crate) use tick::WEBHOOK;

/// When to look again where something had to wait.
const AGAIN: Duration = Duration::from_secs(10);

/// What is kept between looks.
#[derive(Default)]
pub(crate) struct Firing {
    visible: Visible,
    /// Why ticks that are due have not fired.
    problem: Mutex<Option<String>>,
}

/// The last look of a loop after which nothing was left to do.
#[derive(Debug, Default)]
pub struct LastLook(Option<Look>);

impl Dispatcher {
    /// Fires what is due until `stop`.
    pub async fn fire(&self, stop: CancellationToken) {
        let mut last = LastLook::default();
        loop {
            let wait = match self.fire_due(&mut last).await {
                Ok(true) => until_next_minute(self.clock.now()),
                Ok(false) => AGAIN,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "schedules wait");
                    AGAIN
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.active.changed.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Fires what is due now; false when something of it has to wait, and is tried again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn fire_due(&self, last: &mut LastLook) -> Result<bool, StoreError> {
        let rules = self.rules();
        let now = Look { wall: self.clock.now(), monotonic: self.clock.monotonic() };
        let ids = self.store.automation_ids().await?;
        let mut timetables = self.store.timetables().await?;
        let newest = self.store.newest_ticks(horizon(now.wall)).await?;
        let mut waits = Vec::new();
        for rule in rules.rules().iter().filter(|rule| rule.mode() != Mode::Disabled) {
            let name = &rule.automation.name;
            let schedules = Scheduled::all(&rule.automation);
            let Some(id) = ids.get(name).copied().filter(|_| !schedules.is_empty()) else { continue };
            let activated = timetables.remove(&id).unwrap_or_default();
            let records = Records { activated, newest: newest.get(&id).copied() };
            let due = due_now(&schedules, &records, last.0, now);
            if due.is_empty() {
                continue;
            }
            let repositories = match self.repositories_of(rule, &due).await {
                Ok(repositories) => repositories,
                Err(error) => {
                    waits
                        .push(format!("{name} is due and waits: its repositories cannot be listed: {error}"));
                    continue;
                }
            };
            let facts = match self.facts_of(rule, &repositories).await {
                Ok(facts) => facts,
                Err(problem) => {
                    waits.push(format!("{name} is due and waits: {problem}"));
                    continue;
                }
            };
            let automation = tick::Automation { id, rule, schedules, repositories, facts };
            if !self.record(&rules, &automation, last.0, now).await? {
                waits.push(format!("{name} waits for the automations that were just put in force"));
            }
        }
        let done = waits.is_empty();
        if done {
            last.0 = Some(now);
        }
        self.firing.note((!done).then(|| waits.join("; ")));
        Ok(done)
    }

    /// Why ticks that are due have not fired.
    #[must_use]
    pub fn schedule_problem(&self) -> Option<String> {
        self.firing.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Firing {
    /// Remembers why ticks wait; what is new is logged.
    fn note(&self, problem: Option<String>) {
        let mut known = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(problem) = problem.as_ref().filter(|problem| known.as_ref() != Some(problem)) {
            tracing::warn!(problem, "a schedule waits");
        }
        *known = problem;
    }
}

/// Ticks lie on whole minutes.
fn until_next_minute(now: DateTime<Utc>) -> Duration {
    Duration::from_secs(u64::from(60 - now.second().min(59)))
}
