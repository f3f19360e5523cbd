//! Why each automation did or did not start for a delivery.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use schemas::automation::Mode;
use schemas::decision::Verdict;
use schemas::{DeliveryId, Event};
use serde::{Deserialize, Serialize};

use super::answer::{ApiError, ErrorBody};
use super::deliveries::DecisionRow;
use crate::Dispatcher;
use crate::decide::facts::Facts;
use crate::decide::{Context, Evaluation, decide};
use crate::rules::{Rule, RuleSet, load_texts};

/// What is explained.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainQuery {
    /// By the automations of now, whatever was decided.
    #[serde(default)]
    current: bool,
    /// Also those automations that listen to other events.
    #[serde(default)]
    all: bool,
}

/// What every automation makes of a delivery.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Explanation {
    /// The set of automations that this is by.
    rule_set: String,
    /// Whether another set is in force now.
    rule_set_changed: bool,
    /// Recorded decisions, and for all other automations what they make of it.
    decisions: Vec<DecisionRow>,
    /// Automations that listen to other events, where they are left out.
    left_out: usize,
}

/// Why each automation did or did not start
///
/// By the set that was in force then, and by what was answered then: nobody is asked anything.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}/explain", params(("id" = uuid::Uuid, Path), ExplainQuery),
    responses((status = 200, body = Explanation), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "this version cannot read the set that was in force then")))]
pub(super) async fn explain(
    State(dispatcher): State<Arc<Dispatcher>>,
    Path(id): Path<uuid::Uuid>,
    Query(ExplainQuery { current, all }): Query<ExplainQuery>,
) -> Result<Json<Explanation>, ApiError> {
    let id = DeliveryId(id);
    let found = dispatcher.store.delivery(id).await?;
    let detail = found.ok_or_else(|| ApiError::not_found(format!("delivery {id}")))?;
    let now = dispatcher.rules();
    let then = detail.rule_set.as_ref().filter(|then| !current && **then != now.hash);
    let rules = match then {
        Some(hash) => set_of_then(&dispatcher, hash).await?,
        None => Arc::clone(&now),
    };
    let mut recorded = HashMap::new();
    if !current {
        for decision in dispatcher.store.decisions(id).await? {
            recorded.insert(decision.automation, decision.verdict);
        }
    }
    let facts: Facts = dispatcher.store.facts(id).await?.unwrap_or_default();
    let context = dispatcher.context().await?;
    let (mut decisions, mut left_out) = (Vec::new(), 0);
    for rule in rules.rules() {
        let name = &rule.automation.name;
        if let Some(verdict) = recorded.remove(name) {
            decisions.push(DecisionRow::new(name.as_str(), verdict));
        } else if let Some(event) = &detail.event {
            if all || listens(rule, event) {
                decisions.push(DecisionRow::new(name.as_str(), recomputed(rule, event, &context, &facts)));
            } else {
                left_out += 1;
            }
        }
    }
    let mut unknown: Vec<_> = recorded.into_iter().collect();
    unknown.sort_by(|(one, _), (other, _)| one.cmp(other));
    decisions.extend(unknown.into_iter().map(|(name, verdict)| DecisionRow::new(name.as_str(), verdict)));
    let rule_set_changed = detail.rule_set.is_some_and(|then| then != now.hash);
    Ok(Json(Explanation { rule_set: rules.hash.clone(), rule_set_changed, decisions, left_out }))
}

async fn set_of_then(dispatcher: &Dispatcher, hash: &str) -> Result<Arc<RuleSet>, ApiError> {
    let unreadable = || {
        let message = "the automations that were in force then cannot be read by this version; \
                       ask with `current` for what those of now make of it";
        ApiError::new(StatusCode::CONFLICT, message.to_owned())
    };
    let texts = dispatcher.store.rule_set(hash).await?.ok_or_else(unreadable)?;
    load_texts(texts).map(Arc::new).map_err(|_| unreadable())
}

/// Whether an entry of `on:` names the event's source and type.
fn listens(rule: &Rule, event: &Event) -> bool {
    let mut entries = rule.automation.on.iter();
    entries.any(|entry| entry.source == Some(event.source) && entry.event.contains(&event.r#type))
}

fn recomputed(rule: &Rule, event: &Event, context: &Context, facts: &Facts) -> Verdict {
    if rule.mode() == Mode::Disabled {
        let (clause, wants, value) = ("mode".to_owned(), "any other".to_owned(), "disabled".to_owned());
        return Verdict::NotMatched { clause, wants, value };
    }
    match decide(rule, event, context, facts) {
        Evaluation::Verdict(verdict) => verdict,
        Evaluation::Match(_) => Verdict::Matched { run: None },
        Evaluation::NeedsFacts(_) => {
            Verdict::Error { message: "it hangs on something that was not asked at the time".to_owned() }
        }
    }
}
