//! What types cannot say of an automation: each mistake named with its place and remedy.

mod allow;
mod filters;
mod flow;
pub(super) mod keys;
mod output;
mod reference;
mod repos;
mod run;
mod schedule;
mod tests;
mod texts;
mod trigger;
mod unready;

use schemas::Automation;

use super::Known;
use super::files::Beside;
use super::page::{Page, Spot};

pub use reference::reference_problem;

/// The longest name, so that branches and markers made from it stay short.
const LONGEST_NAME: usize = 64;

/// Checks one automation that has its file's defaults.
pub(super) fn automation(
    automation: &Automation,
    at: Spot<'_>,
    beside: &Beside<'_>,
    known: Option<&Known>,
    page: &mut Page<'_>,
) {
    let name = &automation.name.0;
    if !is_slug(name) {
        let remedy =
            "a name is at most 64 lower-case letters, digits and `-`: it goes into branches and comments";
        page.say(at.at("name"), format!("`{name}` is no name"), remedy);
    }
    if automation.on.is_empty() {
        page.say(at.at("on"), "it has no trigger", "add an entry to `on:`");
    }
    for (number, trigger) in automation.on.iter().enumerate() {
        let entry = at.at("on").item(number);
        match &trigger.schedule {
            Some(text) => schedule::check(text, trigger, entry, page),
            None => trigger::check(trigger, entry, known, page),
        }
        if automation.on.iter().take(number).any(|earlier| earlier == trigger) {
            page.say(entry, "the same entry stands above", "remove one of them");
        }
    }
    repos::check(automation, at, known, page);
    allow::check(automation, at, page);
    flow::check(automation, at, page);
    run::check(automation, at, page);
    output::check(automation, at, page);
    unready::check(automation, at, page);
    tests::check(automation, at, beside, known, page);
}

fn is_slug(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
