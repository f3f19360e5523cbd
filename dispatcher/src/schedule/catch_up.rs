//! Which ticks are due, which are passed over, and what a wrong clock may do.
//!
//! Due are the ticks after the last one handled, or after activation where that is later, up to now.
//!
//! - `skip`: the newest, unless it is more than [`GRACE`] late. `latest`: the newest, however late.
//!   `all`: the newest `limit`, oldest first. What is due and not fired is [`Skipped`], with its count.
//! - A tick less than [`GRACE`] late is on time: a dispatcher that restarts or is busy misses nothing.
//!
//! What was handled is read from rows: the newest tick row of the automation up to [`horizon`]. Clocks
//! are put forward and back, and not always rightly:
//!
//! - **Stepped while somebody watched** (since the previous [`Look`] the wall clock gained or lost more
//!   than [`STEP`] on the monotonic one): time was jumped over, not missed, so `all` acts as `latest`.
//!   A machine that was suspended looks the same and is treated the same.
//! - **Forward unwatched**, beyond [`LONGEST_ABSENCE`]: `all` acts as `latest` as well.
//! - **Back** by at most [`TOLERANCE`]: nothing is due until the clock has passed the last handled tick
//!   again; those ticks have fired already.
//! - **Back** by more: rows beyond the horizon are not looked at, older rows tell what was handled. With
//!   none, an activation beyond the horizon proves nothing either, and only the newest tick of the last
//!   [`GRACE`] is due. Whether that tick fired before is for the unique key on (automation, nominal
//!   time) to say.
//!
//! So one look starts one run at most, unless `all` was chosen and the absence is real; and no schedule
//! stands still for longer than [`TOLERANCE`] because of a clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::timetable::{Tick, Timetable};

/// How late a tick may be and still count as on time. Look more often than this.
pub const GRACE: TimeDelta = TimeDelta::minutes(5);
/// How far ahead of the clock a record may lie and still be believed.
pub const TOLERANCE: TimeDelta = TimeDelta::hours(2);
/// How much the wall clock may gain or lose on the monotonic one between two looks.
pub const STEP: TimeDelta = TimeDelta::minutes(1);
/// An absence beyond this is not caught up with more than one run.
pub const LONGEST_ABSENCE: TimeDelta = TimeDelta::days(90);
/// Skipped ticks are counted up to here.
pub const MOST_COUNTED: usize = 1_000;

pub use schemas::automation::CatchUp;

/// What is remembered of one schedule of one automation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Since when this expression in this zone is in force; no earlier tick ever fires.
    pub activated_at: DateTime<Utc>,
    /// The newest tick up to [`horizon`] that fired or was passed over.
    pub handled_through: Option<Tick>,
}

/// One look at both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The wall clock.
    pub wall: DateTime<Utc>,
    /// The same process's monotonic clock.
    pub monotonic: Duration,
}

/// What to do about a schedule now. The caller makes a row of each tick that fires, or of the newest
/// skipped tick where none does; the rest of what is skipped goes into the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// The ticks to fire, oldest first.
    pub fire: Vec<Tick>,
    /// The ticks that are passed over, all older than those that fire.
    pub skipped: Option<Skipped>,
}

/// Ticks that were due and do not fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// How many; [`MOST_COUNTED`] stands for that many or more.
    pub count: usize,
    /// The oldest.
    pub first: Tick,
    /// The newest.
    pub last: Tick,
    /// Why.
    pub reason: SkipReason,
}

/// Why ticks do not fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// `catch_up` is `skip` or `latest`.
    Policy,
    /// More were missed than `catch_up_limit` allows.
    Limit,
    /// The clock was put forward or back.
    ClockStep,
    /// The oldest is older than [`LONGEST_ABSENCE`].
    LongAbsence,
}

/// Up to where rows are believed at `now`: the bound for reading [`Progress::handled_through`].
#[must_use]
pub fn horizon(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_signed(TOLERANCE).unwrap_or(now)
}

/// Decides what is due. `limit` is `catch_up_limit`, and counts for `all` alone; zero means one.
/// `previous` is this process's last look after which everything due was recorded, if there was one.
#[must_use]
pub fn due(
    timetable: &Timetable,
    progress: &Progress,
    catch_up: CatchUp,
    limit: usize,
    previous: Option<Look>,
    now: Look,
) -> Due {
    let now_at = now.wall;
    let Some(after) = believable_start(progress, now_at) else {
        let since = believed(progress.activated_at, now_at).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let newest = timetable.latest_between(since.max(earlier(now_at, GRACE)), now_at);
        return Due { fire: newest.into_iter().collect(), skipped: None };
    };
    let Some(newest) = timetable.latest_between(after, now_at) else { return Due::default() };
    // There is a tick up to now, so there is a first one.
    let first = timetable.next_after(after).unwrap_or(newest);

    let (most, reason) = match catch_up {
        CatchUp::Skip if now_at - newest.time() > GRACE => (0, SkipReason::Policy),
        CatchUp::Skip | CatchUp::Latest => (1, SkipReason::Policy),
        CatchUp::All if previous.is_some_and(|previous| stepped(previous, now)) => (1, SkipReason::ClockStep),
        CatchUp::All if now_at - first.time() > LONGEST_ABSENCE => (1, SkipReason::LongAbsence),
        CatchUp::All => (limit.max(1), SkipReason::Limit),
    };
    let fire = newest_ticks(timetable, after, newest, most);
    let unfired_until =
        fire.first().map_or(newest.time(), |oldest| earlier(oldest.time(), TimeDelta::seconds(1)));
    let skipped = timetable.latest_between(after, unfired_until).map(|last| Skipped {
        count: timetable.ticks_between(after, last.time(), MOST_COUNTED).len(),
        first,
        last,
        reason,
    });
    Due { fire, skipped }
}

/// After which instant ticks are due; `None` when the records are ahead of the clock and say nothing.
fn believable_start(progress: &Progress, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match progress.handled_through {
        Some(tick) => {
            let handled = believed(tick.time(), now)?;
            Some(believed(progress.activated_at, now).map_or(handled, |activated| activated.max(handled)))
        }
        None => believed(progress.activated_at, now),
    }
}

fn believed(record: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (record <= horizon(now)).then_some(record)
}

fn stepped(previous: Look, now: Look) -> bool {
    let passed =
        TimeDelta::from_std(now.monotonic.saturating_sub(previous.monotonic)).unwrap_or(TimeDelta::MAX);
    let shown = now.wall.signed_duration_since(previous.wall);
    shown.checked_sub(&passed).is_some_and(|gained| gained.abs() > STEP)
}

/// The `most` newest ticks after `after` up to `newest`, oldest first.
fn newest_ticks(timetable: &Timetable, after: DateTime<Utc>, newest: Tick, most: usize) -> Vec<Tick> {
    let older = |tick: &Tick| timetable.latest_between(after, earlier(tick.time(), TimeDelta::seconds(1)));
    let mut ticks: Vec<Tick> = std::iter::successors(Some(newest), older).take(most).collect();
    ticks.reverse();
    ticks
}

fn earlier(instant: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    instant.checked_sub_signed(by).unwrap_or(instant)
}
