//! What is due of all schedules of one automation: they share their tick rows.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::schedule::catch_up::{Look, Progress, Skipped, due};
use crate::schedule::{Scheduled, Tick};

/// What the database says of an automation's schedules.
pub(super) struct Records {
    /// Since when each timetable is in force.
    pub(super) activated: HashMap<String, DateTime<Utc>>,
    /// The newest tick that was handled.
    pub(super) newest: Option<DateTime<Utc>>,
}

/// What is due.
#[derive(Default)]
pub(super) struct DueNow {
    /// The ticks to fire, each with the time to spread its runs over.
    pub(super) fire: BTreeMap<Tick, Duration>,
    /// What is passed over, each with whether nothing newer of the same schedule fires.
    pub(super) skipped: Vec<(Skipped, bool)>,
}

impl DueNow {
    pub(super) fn is_empty(&self) -> bool {
        self.fire.is_empty() && self.skipped.is_empty()
    }
}

/// Each schedule for itself, by the same records: the tick of one does not hide that of another.
pub(super) fn due_now(
    schedules: &[Scheduled],
    records: &Records,
    previous: Option<Look>,
    now: Look,
) -> DueNow {
    let mut all = DueNow::default();
    for schedule in schedules {
        // Without a time it is not in force: another dispatcher is changing the set.
        let Some(activated_at) = records.activated.get(&schedule.timetable.to_string()) else { continue };
        let progress =
            Progress { activated_at: *activated_at, handled_through: records.newest.map(Tick::at) };
        let found = due(&schedule.timetable, &progress, schedule.catch_up, schedule.limit, previous, now);
        if let Some(skipped) = found.skipped {
            all.skipped.push((skipped, found.fire.is_empty()));
        }
        all.fire.extend(found.fire.into_iter().map(|tick| (tick, schedule.jitter)));
    }
    all
}
