//! `debounce:`, `concurrency:` and `budget:` whose numbers cannot be.

use std::time::Duration;

use schemas::Automation;
use schemas::automation::{Budget, Concurrency, Debounce, Usd};

use super::texts;
use crate::rules::page::{Page, Spot};

/// The longest that events are held back.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

pub(super) fn check(automation: &Automation, at: Spot<'_>, page: &mut Page<'_>) {
    if let Some(debounce) = &automation.debounce {
        self::debounce(debounce, at.at("debounce"), page);
    }
    if let Some(concurrency) = &automation.concurrency {
        self::concurrency(concurrency, at.at("concurrency"), page);
    }
    if let Some(budget) = &automation.budget {
        self::budget(budget, at.at("budget"), page);
    }
}

fn debounce(debounce: &Debounce, at: Spot<'_>, page: &mut Page<'_>) {
    let window = debounce.window;
    if window.0.is_zero() || window.0 > LONGEST_WAIT {
        page.say(at.at("window"), format!("`window: {window}` is out of range"), "between 1s and 1d");
    }
    if let Some(max_wait) = debounce.max_wait {
        if max_wait < window {
            let wrong = format!("`max_wait: {max_wait}` is shorter than the window of {window}");
            page.say(
                at.at("max_wait"),
                wrong,
                "it is the longest wait after the first event: make it longer",
            );
        } else if max_wait.0 > LONGEST_WAIT {
            page.say(at.at("max_wait"), format!("`max_wait: {max_wait}` is out of range"), "at most 1d");
        }
    }
}

fn concurrency(concurrency: &Concurrency, at: Spot<'_>, page: &mut Page<'_>) {
    if concurrency.limit == Some(0) {
        page.say(
            at.at("limit"),
            "with a limit of 0 no run would start",
            "write 1 or more, or `mode: disabled`",
        );
    }
    let Some(group) = &concurrency.group else { return };
    texts::text(group, at.at("group"), page);
    let named = !group.is_empty() && group.len() <= 100 && !group.contains(char::is_whitespace);
    if !named && !group.contains("${{") {
        let remedy = "`work_item`, `repo`, `automation`, or a name of your own without spaces";
        page.say(at.at("group"), format!("`{group}` is no name of a group"), remedy);
    }
}

fn budget(budget: &Budget, at: Spot<'_>, page: &mut Page<'_>) {
    let days = [
        ("day_usd", budget.day_usd),
        ("repository_day_usd", budget.repository_day_usd),
        ("actor_day_usd", budget.actor_day_usd),
    ];
    for (key, amount) in days.into_iter().chain([("run_usd", budget.run_usd)]) {
        if amount == Some(Usd::default()) {
            page.say(
                at.at(key),
                format!("`{key}: 0` lets nothing run"),
                "write more than 0, or `mode: disabled`",
            );
        }
    }
    let Some(run) = budget.run_usd else { return };
    for (key, day) in days {
        if let Some(day) = day.filter(|day| *day < run && *day != Usd::default()) {
            let wrong = format!("the day's {day} are less than the {run} that one run reserves");
            page.say(at.at(key), wrong, "no run would ever start: raise it, or lower `run_usd`");
        }
    }
}
