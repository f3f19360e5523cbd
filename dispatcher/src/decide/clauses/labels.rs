//! Labels: one that was just put on or taken off, and those that an item carries.

use schemas::decision::Verdict;
use schemas::{Event, Untrusted};

use super::Entry;
use crate::decide::stop::not_matched;

/// `label_command`
pub(super) fn command(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    match &entry.trigger.label_command {
        Some(wanted) => one_changed("label_command", std::slice::from_ref(wanted), event),
        None => Ok(()),
    }
}

/// `label`
pub(super) fn changed(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    one_changed("label", &entry.trigger.label, event)
}

/// GitLab and Jira tell of several labels at once; any of them will do.
fn one_changed(clause: &str, wanted: &[String], event: &Event) -> Result<(), Verdict> {
    let one = event.label.as_slice();
    let told = if event.added_labels.is_empty() { one } else { &event.added_labels };
    let labels: Vec<&str> = told.iter().map(Untrusted::expose).collect();
    if wanted.is_empty() || labels.iter().any(|label| wanted.iter().any(|wanted| wanted == label)) {
        return Ok(());
    }
    let value = if labels.is_empty() { "no label".to_owned() } else { labels.join(", ") };
    Err(not_matched(clause, wanted.join(" or "), value))
}

/// `labels`
pub(super) fn carried(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let Some(filter) = &entry.trigger.labels else { return Ok(()) };
    let labels: Vec<&str> = event.item.iter().flat_map(|item| &item.labels).map(Untrusted::expose).collect();
    let has = |label: &String| labels.contains(&label.as_str());
    let value = || if labels.is_empty() { "no labels".to_owned() } else { labels.join(", ") };
    if !filter.any.is_empty() && !filter.any.iter().any(has) {
        Err(not_matched("labels.any", filter.any.join(" or "), value()))
    } else if !filter.all.iter().all(has) {
        Err(not_matched("labels.all", filter.all.join(" and "), value()))
    } else if filter.none.iter().any(has) {
        Err(not_matched("labels.none", format!("none of {}", filter.none.join(", ")), value()))
    } else {
        Ok(())
    }
}
