//! The `schedule` entries of an automation, understood.

use std::time::Duration;

use schemas::Automation;
use schemas::automation::Trigger;

use super::catch_up::CatchUp;
use super::{Timetable, Zone};

/// Ticks that `catch_up: all` makes up for, unless said.
const CATCH_UP_LIMIT: usize = 10;

/// One schedule of an automation.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// When it fires.
    pub timetable: Timetable,
    /// What happens to ticks that nobody was there for.
    pub catch_up: CatchUp,
    /// How many of them fire, with `catch_up: all`.
    pub limit: usize,
    /// Over how long the runs of one tick are spread.
    pub jitter: Duration,
}

impl Scheduled {
    /// The schedules of an automation. What is no schedule is left out: the loader has refused it.
    #[must_use]
    pub fn all(automation: &Automation) -> Vec<Self> {
        automation.on.iter().filter_map(Self::of).collect()
    }

    fn of(trigger: &Trigger) -> Option<Self> {
        let expression = trigger.schedule.as_ref()?.parse().ok()?;
        let zone = trigger.timezone.as_ref().map_or(Ok(Zone::utc()), |name| name.parse()).ok()?;
        let limit = trigger.catch_up_limit.and_then(|limit| usize::try_from(limit).ok());
        Some(Self {
            timetable: Timetable::new(expression, zone),
            catch_up: trigger.catch_up.unwrap_or_default(),
            limit: limit.unwrap_or(CATCH_UP_LIMIT),
            jitter: trigger.jitter.map_or(Duration::ZERO, |jitter| jitter.0),
        })
    }
}
