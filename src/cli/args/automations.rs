//! `pullwright automations …` and `pullwright schedules …`

use clap::{Args as ClapArgs, Subcommand};
use schemas::AutomationName;

/// `automations`
#[derive(Debug, Subcommand)]
pub enum AutomationsCommand {
    /// The automations in force, and why newer files are not
    List,
    /// One automation as it is in force, with what its file says of all
    Show {
        /// Its name
        name: AutomationName,
    },
}

/// What a schedule looks like, for the help.
pub(super) const CRON: &str = "\
A schedule is five fields: minute hour day-of-month month day-of-week.
  0 6 * * MON         Mondays at 6:00          */15 9-17 * * 1-5   every 15 minutes in working hours
  30 2 1 * *          the 1st, at 2:30         0 0 1,15 * FRI      the 1st, the 15th and every Friday
  @daily @weekly      words for the usual      Weekdays are SUN-SAT or 0-7; 0 and 7 are Sunday.
Times are those of `timezone`, UTC unless given. One that daylight saving leaves out fires right after
the gap; one that comes twice fires once. Try it: pullwright schedules next '0 6 * * MON'";

/// `schedules`
#[derive(Debug, Clone, ClapArgs)]
pub struct ScheduleFilter {
    /// Only those of this automation
    #[arg(long, value_name = "NAME")]
    pub automation: Option<AutomationName>,
    /// How many times to come
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100), value_name = "N")]
    pub count: u8,
}

/// `schedules next`
#[derive(Debug, Subcommand)]
pub enum SchedulesCommand {
    /// When a schedule would fire; needs no running Pullwright
    #[command(after_help = CRON)]
    Next {
        /// Five fields, or a word such as `@daily`
        schedule: String,
        /// By whose clocks, such as `Europe/Berlin`
        #[arg(long, default_value = "UTC", value_name = "ZONE")]
        timezone: String,
        /// How many times
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100), value_name = "N")]
        count: u8,
    },
}
