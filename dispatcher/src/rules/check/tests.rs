//! `tests:` payloads that are not there, and decisions that do not exist.

use config::yaml::closest;
use schemas::{Automation, WebhookName};

use crate::rules::Known;
use crate::rules::files::Beside;
use crate::rules::page::{Page, Spot};

/// What one automation alone can come to; the rest depends on other runs.
const DECISIONS: [&str; 7] =
    ["matched", "not_matched", "denied", "no_repository", "own_event", "paused", "error"];

pub(super) fn check(
    automation: &Automation,
    at: Spot<'_>,
    beside: &Beside<'_>,
    known: Option<&Known>,
    page: &mut Page<'_>,
) {
    for (number, test) in automation.tests.iter().enumerate() {
        let place = at.at("tests").item(number);
        if let Some(problem) = beside.payload_problem(&test.payload) {
            page.say(place.at("payload"), &problem, problem.remedy());
        }
        let word = &test.expect.decision;
        let decision = place.at("expect").at("decision");
        if !DECISIONS.contains(&word.as_str()) {
            let remedy = match closest(word, DECISIONS.into_iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("possible here: {}", DECISIONS.join(", ")),
            };
            page.say(decision, format!("no decision is called `{word}`"), remedy);
        } else if test.expect.clause.is_some() && word != "not_matched" {
            let remedy = "remove it, or expect `not_matched`";
            page.say(place.at("expect").key("clause"), format!("`{word}` names no clause"), remedy);
        }
        let Some(known) = known else { continue };
        if !known.webhooks.contains(&WebhookName::from(test.webhook.as_str())) {
            let names: Vec<&str> = known.webhooks.iter().map(WebhookName::as_str).collect();
            let remedy = format!("the configuration has {}", names.join(", "));
            page.say(place.at("webhook"), format!("there is no webhook `{}`", test.webhook), remedy);
        }
    }
}
