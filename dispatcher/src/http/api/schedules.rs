//! Schedules: when each fires next, and what came of its last tick.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use schemas::automation::Mode;
use serde::{Deserialize, Serialize};
use store::TickState;

use super::answer::{ApiError, ErrorBody};
use crate::Dispatcher;
use crate::schedule::{Scheduled, Upcoming};

/// The most times that are computed for one schedule.
const MOST: usize = 100;

/// Which schedules, and how far ahead.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SchedulesQuery {
    /// Only those of this automation.
    automation: Option<String>,
    /// How many times to come, at most 100; 5 unless said.
    count: Option<usize>,
}

/// Every schedule.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Schedules {
    /// Why ticks that are due have not fired.
    problem: Option<String>,
    /// One for each `schedule` entry, in the order of files and lines.
    items: Vec<ScheduleRow>,
}

/// One schedule of one automation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ScheduleRow {
    automation: String,
    mode: Mode,
    /// The cron expression.
    schedule: String,
    timezone: String,
    /// `skip`, `latest` or `all`.
    #[schema(value_type = String)]
    catch_up: schemas::automation::CatchUp,
    /// Over how long the repositories' runs are spread.
    jitter_seconds: u64,
    /// Whole names and globs; empty for every repository that can be seen.
    repositories: Vec<String>,
    /// Since when it is in force; nothing before that ever fires.
    since: Option<DateTime<Utc>>,
    /// The next times, soonest first; none where the automation is disabled.
    next: Vec<NextTick>,
    /// The automation's last tick, of whichever of its schedules.
    last: Option<LastTick>,
}

/// A time to come.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct NextTick {
    at: DateTime<Utc>,
    /// By the zone's clocks: `Mon 2027-03-29 06:00 CEST`.
    local: String,
    /// `Mon 2027-03-29 04:00 UTC`.
    utc: String,
}

/// A time that came.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct LastTick {
    tick: DateTime<Utc>,
    /// `fired`, or `skipped` where nobody was there for it.
    #[schema(value_type = String)]
    state: TickState,
    /// When that was done.
    at: DateTime<Utc>,
    /// One for each repository.
    deliveries: Vec<uuid::Uuid>,
    /// How many of its runs stand where: by outcome, or by state where they have none yet.
    runs: BTreeMap<String, u32>,
}

impl From<Upcoming> for NextTick {
    fn from(upcoming: Upcoming) -> Self {
        Self { at: upcoming.tick.time(), local: upcoming.local, utc: upcoming.utc }
    }
}

/// When schedules fire, and what came of it
#[utoipa::path(get, path = "/api/v1/schedules", params(SchedulesQuery), responses((status = 200, body = Schedules), (status = 404, body = ErrorBody)))]
pub(super) async fn list(
    State(dispatcher): State<Arc<Dispatcher>>,
    Query(query): Query<SchedulesQuery>,
) -> Result<Json<Schedules>, ApiError> {
    let store = dispatcher.store();
    let (ids, timetables) = (store.automation_ids().await?, store.timetables().await?);
    let now = dispatcher.clock.now();
    let count = query.count.unwrap_or(5).min(MOST);
    let rules = dispatcher.rules();
    let wanted = |name: &str| query.automation.as_ref().is_none_or(|wanted| wanted == name);
    let mut items = Vec::new();
    for rule in rules.rules().iter().filter(|rule| wanted(rule.automation.name.as_str())) {
        let id = ids.get(&rule.automation.name).copied();
        let activated = id.and_then(|id| timetables.get(&id));
        for schedule in Scheduled::all(&rule.automation) {
            let timetable = &schedule.timetable;
            let enabled = rule.mode() != Mode::Disabled;
            items.push(ScheduleRow {
                automation: rule.automation.name.to_string(),
                mode: rule.mode(),
                schedule: timetable.expression().to_string(),
                timezone: timetable.zone().to_string(),
                catch_up: schedule.catch_up,
                jitter_seconds: schedule.jitter.as_secs(),
                repositories: rule.automation.repos.clone(),
                since: activated.and_then(|activated| activated.get(&timetable.to_string()).copied()),
                next: if enabled { upcoming(timetable.upcoming(now, count)) } else { Vec::new() },
                last: last(&dispatcher, id).await?,
            });
        }
    }
    if let Some(name) = query.automation.filter(|_| items.is_empty()) {
        return Err(ApiError::not_found(format!("automation `{name}` with a schedule")));
    }
    Ok(Json(Schedules { problem: dispatcher.schedule_problem(), items }))
}

fn upcoming(ticks: Vec<Upcoming>) -> Vec<NextTick> {
    ticks.into_iter().map(NextTick::from).collect()
}

async fn last(
    dispatcher: &Dispatcher,
    id: Option<schemas::AutomationId>,
) -> Result<Option<LastTick>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let Some(row) = dispatcher.store().last_tick(id).await? else { return Ok(None) };
    Ok(Some(LastTick {
        tick: row.tick,
        state: row.state,
        at: row.at,
        runs: dispatcher.store().standing_of(&row.deliveries).await?,
        deliveries: row.deliveries.into_iter().map(|id| id.0).collect(),
    }))
}
