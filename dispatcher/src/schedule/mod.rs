//! When a schedule comes due: pure functions of a cron text, a zone and a time that is an argument.
//!
//! **The expression** is standard cron as crontab(5) describes it ([`CronExpression`]). The `cron`
//! crate walks the calendar; it only ever sees wall-clock times of a clock without daylight saving.
//!
//! **A tick** ([`Tick`]) is the nominal time in UTC, whole seconds; the same tick is never given twice.
//!
//! **Fixed times and intervals** ([`Pace`]). An expression is an *interval* when its minute or hour
//! field contains a `*` or a step, or lists every value; otherwise every minute and hour is named and
//! it is *fixed*.
//!
//! | the clock | fixed time | interval |
//! |---|---|---|
//! | goes forward | a time that does not exist fires once, at the first instant after the gap, even if that is another day | fires as if the clock had not moved yet until the gap's length has passed, and by the new time; what coincides is one tick |
//! | goes back | a time that comes twice fires the first time | fires every time the clock shows a match |
//!
//! So no tick is lost in a gap: `7 * * * *` fires at 01:07 and 03:07, one hour apart, and `0 */6 * * *`
//! fires where the clock jumps from 00:00 to 01:00. Where it goes back, a pattern that the change does
//! not divide evenly waits once for as much longer or shorter as the change is wide.
//!
//! **Catching up** and clocks that were put wrong or right: [`catch_up`]. **Spreading**: [`jitter`].
//! What is decided here is made unique by rows elsewhere: automation and nominal time are the key.

mod calendar;
pub mod catch_up;
mod cron_error;
mod expression;
mod field;
pub mod jitter;
mod nearest;
mod scheduled;
mod timetable;
mod zone;

pub use cron_error::{CronError, CronMistake};
pub use expression::{CronExpression, Pace};
pub use scheduled::Scheduled;
pub use timetable::{Tick, Timetable, Upcoming};
pub use zone::{UnknownZone, Zone};
