//! `pullwright schedules`: when they fire, and what came of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dispatcher::schedule::{CronError, CronExpression, Timetable, UnknownZone, Zone};
use schemas::Clock;
use serde::Deserialize;

use super::args::ScheduleFilter;
use super::client::{Client, path_part};
use super::deliveries::time;
use super::output::Output;
use super::{CliError, Ending, escape};

/// What was given is no schedule.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NoSchedule {
    /// The expression.
    #[error(transparent)]
    #[diagnostic(help("{}", .0.remedy()))]
    Cron(#[from] CronError),
    /// The zone.
    #[error(transparent)]
    #[diagnostic(help("{}", .0.remedy()))]
    Zone(#[from] UnknownZone),
}

#[derive(Deserialize)]
struct Schedules {
    problem: Option<String>,
    items: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    automation: String,
    mode: String,
    schedule: String,
    timezone: String,
    catch_up: String,
    jitter_seconds: u64,
    repositories: Vec<String>,
    next: Vec<Next>,
    last: Option<Last>,
}

#[derive(Deserialize)]
struct Next {
    local: String,
    utc: String,
}

#[derive(Deserialize)]
struct Last {
    tick: DateTime<Utc>,
    state: String,
    runs: BTreeMap<String, u32>,
}

impl Last {
    fn words(&self) -> String {
        let runs: Vec<String> =
            self.runs.iter().map(|(standing, count)| format!("{count} {standing}")).collect();
        let what = if runs.is_empty() { self.state.clone() } else { runs.join(", ") };
        format!("{}: {what}", time(self.tick))
    }
}

impl Row {
    fn head(&self) -> Vec<(&'static str, Option<String>)> {
        let repositories = self.repositories.join(" ");
        vec![
            ("automation", Some(self.automation.clone())),
            ("schedule", Some(format!("{} ({})", self.schedule, self.timezone))),
            ("mode", Some(self.mode.clone())),
            ("catch up", Some(self.catch_up.clone())),
            ("jitter", (self.jitter_seconds > 0).then(|| format!("{} s", self.jitter_seconds))),
            (
                "repositories",
                Some(if repositories.is_empty() { "all that can be seen".to_owned() } else { repositories }),
            ),
            ("last time", self.last.as_ref().map(Last::words)),
        ]
    }
}

/// Prints every schedule with its next times; ticks that wait are a problem found.
pub(super) async fn list(
    client: &Client,
    filter: &ScheduleFilter,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let mut path = format!("/api/v1/schedules?count={}", filter.count);
    if let Some(automation) = &filter.automation {
        path.push_str(&format!("&automation={}", path_part(automation.as_str())));
    }
    let answer = client.get::<Schedules>(&path).await?;
    let Schedules { problem, items } = answer.value;
    if out.json {
        out.raw_json(&answer.text)?;
    } else {
        for (number, row) in items.iter().enumerate() {
            if number > 0 {
                out.line("")?;
            }
            out.fields(&row.head())?;
            let times: Vec<_> =
                row.next.iter().map(|next| vec![next.local.clone(), next.utc.clone()]).collect();
            if !times.is_empty() {
                out.rows(&["next", "in utc"], &times)?;
            }
        }
        if items.is_empty() {
            out.line("no automation has a schedule")?;
        }
    }
    match problem {
        None => Ok(Ending::Fine),
        Some(problem) => {
            eprintln!("{}", escape::line(&problem));
            Ok(Ending::Problems)
        }
    }
}

/// Prints when a schedule would fire.
pub(super) fn next(
    schedule: &str,
    timezone: &str,
    count: u8,
    clock: &dyn Clock,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let expression: CronExpression = schedule.parse().map_err(NoSchedule::from)?;
    let zone: Zone = timezone.parse().map_err(NoSchedule::from)?;
    let times = Timetable::new(expression, zone).upcoming(clock.now(), usize::from(count));
    if out.json {
        let times: Vec<_> = times
            .iter()
            .map(|next| serde_json::json!({ "at": next.tick.time(), "local": next.local, "utc": next.utc }))
            .collect();
        out.raw_json(&serde_json::json!(times).to_string())?;
    } else {
        let rows: Vec<_> = times.into_iter().map(|next| vec![next.local, next.utc]).collect();
        out.rows(&["next", "in utc"], &rows)?;
    }
    Ok(Ending::Fine)
}
