//! What today has cost, and what is held back.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use schemas::automation::{Automation, Budget, Usd};
use serde::Serialize;
use store::{Account, DaySum, Payer};

use super::answer::ApiError;
use crate::Dispatcher;
use crate::admit::line::day_of;

/// Today's money.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct BudgetsBody {
    /// When the day began; it is UTC's.
    from: DateTime<Utc>,
    /// When it ends, and every sum begins anew.
    until: DateTime<Utc>,
    items: Vec<BudgetRow>,
}

/// One automation, repository or person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct BudgetRow {
    /// `automation`, `repository` or `actor`.
    kind: &'static str,
    /// The automation's name, `connection/owner/name`, or `connection:account id`.
    name: String,
    /// What a day allows, in US dollars: for repositories and people the least that an automation asks
    /// for; absent where nothing limits it.
    #[schema(value_type = Option<f64>)]
    limit: Option<Usd>,
    /// Spent by runs that were admitted today.
    #[schema(value_type = f64)]
    spent: Usd,
    /// Held back beside it for those that are not done.
    #[schema(value_type = f64)]
    reserved: Usd,
}

/// Money spent and held back today
#[utoipa::path(get, path = "/api/v1/budgets", responses((status = 200, body = BudgetsBody)))]
pub(super) async fn list(State(dispatcher): State<Arc<Dispatcher>>) -> Result<Json<BudgetsBody>, ApiError> {
    let day = day_of(dispatcher.clock.now());
    let rules = dispatcher.rules();
    let automations = || rules.rules().iter().map(|rule| &rule.automation);
    let least = |limit: fn(&Budget) -> Option<Usd>| {
        automations().filter_map(|automation| limit(automation.budget.as_ref()?)).min()
    };
    let mut items = Vec::new();
    for payer in [Payer::Automation, Payer::Repository, Payer::Actor] {
        let mut sums: BTreeMap<Account, DaySum> =
            dispatcher.store.day_sums(payer, day.clone()).await?.into_iter().collect();
        if payer == Payer::Automation {
            for automation in automations().filter(|automation| day_limit(automation).is_some()) {
                sums.entry((payer, automation.name.0.clone())).or_default();
            }
        }
        items.extend(sums.into_iter().map(|((payer, name), sum)| BudgetRow {
            kind: match payer {
                Payer::Automation => "automation",
                Payer::Repository => "repository",
                Payer::Actor => "actor",
            },
            limit: match payer {
                Payer::Automation => automations().find(|a| a.name.0 == name).and_then(day_limit),
                Payer::Repository => least(|budget| budget.repository_day_usd),
                Payer::Actor => least(|budget| budget.actor_day_usd),
            },
            name,
            spent: sum.spent,
            reserved: sum.reserved,
        }));
    }
    Ok(Json(BudgetsBody { from: day.start, until: day.end, items }))
}

fn day_limit(automation: &Automation) -> Option<Usd> {
    automation.budget.as_ref()?.day_usd
}
