//! Whose turn it is: pure, over what one transaction sees.
//!
//! Runs are looked at oldest first. One goes when it is the first in line of its work item, its group
//! has a place and every budget has room; otherwise it holds nothing, so that nobody who could take
//! a place waits behind somebody who cannot.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveTime, Utc};
use schemas::automation::Usd;
use schemas::{RunId, WorkItem};
use store::{Account, Candidate, DaySum, Payer};

/// What is taken, and by whom.
#[derive(Debug, Clone, Default)]
pub struct Line {
    last: HashMap<WorkItem, RunId>,
    under_way: HashMap<String, Vec<RunId>>,
    sums: HashMap<Account, DaySum>,
}

/// What a run's turn came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It goes on; its places and money are taken.
    Goes,
    /// It waits for this run: of its work item, else of its group.
    Behind(RunId),
    /// It waits for money: which limit, and what is taken of it.
    OverBudget(String),
}

impl Line {
    /// With the runs that are under way by group, oldest first, and the day's sums.
    #[must_use]
    pub fn new(under_way: Vec<(String, RunId)>, sums: HashMap<Account, DaySum>) -> Self {
        let mut line = Self { sums, ..Self::default() };
        for (group, run) in under_way {
            line.under_way.entry(group).or_default().push(run);
        }
        line
    }

    /// Says who is before all others of a work item.
    pub fn put_ahead(&mut self, root: WorkItem, run: RunId) {
        self.last.insert(root, run);
    }

    /// Decides over the next run; to be asked in the order of their creation.
    pub fn turn(&mut self, run: &Candidate) -> Turn {
        if let Some(before) = self.last.insert(run.root.clone(), run.run) {
            return Turn::Behind(before);
        }
        let limit = run.group_limit.max(1) as usize;
        if !run.group.is_empty()
            && let Some(taken) = self.under_way.get(&run.group).filter(|taken| taken.len() >= limit)
            && let Some(oldest) = taken.first()
        {
            return Turn::Behind(*oldest);
        }
        // Money that was held back once stays so until the run is done.
        if run.admitted_at.is_none() {
            if let Some(limit) = self.limit_without_room(run) {
                return Turn::OverBudget(limit);
            }
            for (account, ..) in limits(run) {
                let sum = self.sums.entry(account).or_default();
                sum.reserved = sum.reserved.plus(run.reserved);
            }
        }
        if !run.group.is_empty() {
            self.under_way.entry(run.group.clone()).or_default().push(run.run);
        }
        Turn::Goes
    }

    fn limit_without_room(&self, run: &Candidate) -> Option<String> {
        limits(run).into_iter().find_map(|(account, key, limit)| {
            let taken = self.sums.get(&account).copied().unwrap_or_default().taken();
            let room = if run.reserved == Usd::default() {
                taken < limit
            } else {
                taken.plus(run.reserved) <= limit
            };
            (!room).then(|| {
                format!(
                    "`budget.{key}` of {limit} has {taken} taken for {}, and the run may spend {}",
                    account.1, run.reserved
                )
            })
        })
    }
}

/// The accounts whose sums decide over a run.
#[must_use]
pub fn accounts(run: &Candidate) -> Vec<Account> {
    limits(run).into_iter().map(|(account, ..)| account).collect()
}

fn limits(run: &Candidate) -> Vec<(Account, &'static str, Usd)> {
    let budget = &run.budget;
    [
        (Payer::Automation, Some(run.automation.0.clone()), "day_usd", budget.day_usd),
        (
            Payer::Repository,
            Some(run.repository.to_string()),
            "repository_day_usd",
            budget.repository_day_usd,
        ),
        (Payer::Actor, run.actor.clone(), "actor_day_usd", budget.actor_day_usd),
    ]
    .into_iter()
    .filter_map(|(payer, name, key, limit)| Some(((payer, name?), key, limit?)))
    .collect()
}

/// The UTC day that a moment lies in: what a daily budget counts over.
#[must_use]
pub fn day_of(moment: DateTime<Utc>) -> std::ops::Range<DateTime<Utc>> {
    let start = moment.date_naive().and_time(NaiveTime::MIN).and_utc();
    start..start.checked_add_days(Days::new(1)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
