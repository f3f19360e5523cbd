//! The clauses of `on:`; entries OR, keys AND.

use schemas::Event;
use schemas::automation::{LabelFilter, Trigger};
use schemas::decision::Verdict;

use crate::rules::Rule;

/// The first entry of `on:` whose every key holds, else why the closest one does not.
///
/// # Errors
/// The verdict `not_matched` with the clause that failed and what it saw.
pub fn trigger<'a>(rule: &'a Rule, event: &Event) -> Result<&'a Trigger, Verdict> {
    let listening = rule
        .automation
        .on
        .iter()
        .filter(|t| t.source == Some(event.source) && t.event.contains(&event.r#type));
    let mut closest = None;
    for entry in listening {
        match clause_that_fails(entry, event) {
            None => return Ok(entry),
            Some(verdict) => closest = closest.or(Some(verdict)),
        }
    }
    Err(closest.unwrap_or_else(|| not_matched("event", other_events(rule), event.r#type.to_string())))
}

fn other_events(rule: &Rule) -> String {
    let mut words: Vec<String> = rule.automation.on.iter().map(crate::rules::trigger_words).collect();
    words.dedup();
    words.join(" or ")
}

fn clause_that_fails(trigger: &Trigger, event: &Event) -> Option<Verdict> {
    if let Some(command) = &trigger.label_command {
        let added = event.label.as_ref().map(schemas::Untrusted::expose);
        if added != Some(command.as_str()) {
            return Some(not_matched(
                "label_command",
                command.clone(),
                added.unwrap_or("no label").to_owned(),
            ));
        }
    }
    trigger.labels.as_ref().and_then(|filter| labels_that_fail(filter, event))
}

fn labels_that_fail(filter: &LabelFilter, event: &Event) -> Option<Verdict> {
    let labels: Vec<&str> =
        event.item.iter().flat_map(|item| &item.labels).map(schemas::Untrusted::expose).collect();
    let has = |label: &String| labels.contains(&label.as_str());
    let value = || if labels.is_empty() { "no labels".to_owned() } else { labels.join(", ") };
    if !filter.any.is_empty() && !filter.any.iter().any(has) {
        Some(not_matched("labels.any", filter.any.join(" or "), value()))
    } else if !filter.all.iter().all(has) {
        Some(not_matched("labels.all", filter.all.join(" and "), value()))
    } else if filter.none.iter().any(has) {
        Some(not_matched("labels.none", format!("none of {}", filter.none.join(", ")), value()))
    } else {
        None
    }
}

fn not_matched(clause: &str, wants: impl Into<String>, value: impl Into<String>) -> Verdict {
    let cut = |text: String| {
        if text.len() > 500 { text.chars().take(400).collect::<String>() + " …" } else { text }
    };
    Verdict::NotMatched { clause: clause.to_owned(), wants: cut(wants.into()), value: cut(value.into()) }
}
