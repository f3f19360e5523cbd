//! The automations that are in force.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemas::automation::Mode;
use serde::Serialize;

use crate::Dispatcher;

/// The active set.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ActiveSet {
    /// SHA-256 over the files.
    rule_set: String,
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
}

/// The automations in force
#[utoipa::path(get, path = "/api/v1/automations", responses((status = 200, body = ActiveSet)))]
pub(super) async fn list(State(dispatcher): State<Arc<Dispatcher>>) -> Json<ActiveSet> {
    let rules = dispatcher.rules();
    let items = rules.rules().iter().map(|rule| AutomationRow {
        name: rule.automation.name.to_string(),
        file: rule.file.clone(),
        mode: rule.mode(),
        on: rule.automation.on.iter().map(crate::rules::trigger_words).collect(),
        repos: rule.automation.repos.clone(),
    });
    Json(ActiveSet {
        rule_set: rules.hash.clone(),
        problem: dispatcher.rules_problem(),
        items: items.collect(),
    })
}
