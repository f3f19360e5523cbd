//! The automations that are in force.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use schemas::automation::Mode;
use schemas::{Automation, AutomationName};
use serde::Serialize;
use serde_json::Value;

use super::answer::{ApiError, ErrorBody};
use crate::Dispatcher;
use crate::rules::{Rule, RuleSet};
use crate::schedule::Scheduled;

/// The active set.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ActiveSet {
    /// SHA-256 over the files.
    rule_set: String,
    /// Where it came from: a folder, or a repository with its commit.
    source: String,
    /// Why the newest files are not in force, when they are not.
    problem: Option<String>,
    /// The automations.
    items: Vec<AutomationRow>,
}

/// One automation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct AutomationRow {
    name: String,
    file: String,
    mode: Mode,
    /// `source event`, one for each entry of `on:`.
    on: Vec<String>,
    repos: Vec<String>,
    /// When it fires next by its schedules.
    next_tick: Option<DateTime<Utc>>,
    /// The run that it started last.
    last_run: Option<LastRun>,
}

/// The newest run of an automation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct LastRun {
    id: uuid::Uuid,
    /// Its outcome, or its state where it has none yet.
    standing: String,
    created_at: DateTime<Utc>,
}

/// An automation as it is in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct AutomationDetail {
    /// What stays when it gets another name.
    id: Option<uuid::Uuid>,
    /// Where the set came from: a folder, or a repository with its commit.
    source: String,
    #[serde(flatten)]
    row: AutomationRow,
    /// All that it says, what its file says of all automations included.
    automation: Value,
}

/// The automations in force
#[utoipa::path(get, path = "/api/v1/automations", responses((status = 200, body = ActiveSet), (status = 503, body = ErrorBody)))]
pub(super) async fn list(State(dispatcher): State<Arc<Dispatcher>>) -> Result<Json<ActiveSet>, ApiError> {
    let rules = dispatcher.rules();
    let mut items = Vec::new();
    for rule in rules.rules() {
        items.push(row(&dispatcher, rule).await?);
    }
    Ok(Json(ActiveSet {
        rule_set: rules.hash.clone(),
        source: dispatcher.rules_source(),
        problem: dispatcher.rules_problem(),
        items,
    }))
}

/// One automation as it is in force
#[utoipa::path(get, path = "/api/v1/automations/{name}", params(("name" = String, Path)), responses((status = 200, body = AutomationDetail), (status = 404, body = ErrorBody)))]
pub(super) async fn show(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(name): Path<String>,
) -> Result<Json<AutomationDetail>, ApiError> {
    let rules = dispatcher.rules();
    let rule = find(&rules, &name).ok_or_else(|| ApiError::not_found(format!("automation `{name}`")))?;
    let ids = dispatcher.store().automation_ids().await?;
    Ok(Json(AutomationDetail {
        id: ids.get(&AutomationName(name)).map(|id| id.0),
        source: dispatcher.rules_source(),
        row: row(&dispatcher, rule).await?,
        automation: serde_json::to_value(&rule.automation).unwrap_or_default(),
    }))
}

fn find<'r>(rules: &'r RuleSet, name: &str) -> Option<&'r Rule> {
    rules.rules().iter().find(|rule| rule.automation.name.as_str() == name)
}

async fn row(dispatcher: &Dispatcher, rule: &Rule) -> Result<AutomationRow, ApiError> {
    let automation = &rule.automation;
    let last = dispatcher.store().newest_run_of(&automation.name).await?;
    Ok(AutomationRow {
        name: automation.name.to_string(),
        file: rule.file.clone(),
        mode: rule.mode(),
        on: automation.on.iter().map(crate::rules::trigger_words).collect(),
        repos: automation.repos.clone(),
        next_tick: (rule.mode() != Mode::Disabled).then(|| next_tick(automation, dispatcher)).flatten(),
        last_run: last.map(|run| LastRun {
            id: run.id.0,
            standing: run.standing,
            created_at: run.created_at,
        }),
    })
}

fn next_tick(automation: &Automation, dispatcher: &Dispatcher) -> Option<DateTime<Utc>> {
    let now = dispatcher.clock.now();
    let schedules = Scheduled::all(automation);
    schedules.iter().filter_map(|schedule| schedule.timetable.next_after(now)).map(|tick| tick.time()).min()
}
