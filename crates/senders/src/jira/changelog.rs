//! `changelog.items[]`: what an update changed.

use schemas::Untrusted;

use crate::node::Node;

/// The change of one field; Cloud names it by `fieldId`, all by `field` (`status`, once `Status`).
pub(super) fn of<'a>(body: Node<'a>, field: &str) -> Option<Node<'a>> {
    body.at("changelog.items").items().find(|item| {
        let is_it = |name: &str| item.at(name).text().is_some_and(|name| name.eq_ignore_ascii_case(field));
        // A field that somebody made may bear the name of one that Jira has.
        item.at("fieldtype").word() != Some("custom") && (is_it("fieldId") || is_it("field"))
    })
}

/// A label has 255 characters at most, and an issue some dozens; of a longer list nothing is said.
const LONGEST_LIST: usize = 64 << 10;

/// The status that was moved to.
pub(super) fn status(body: Node<'_>) -> Option<Untrusted> {
    let change = of(body, "status").map(|change| change.at("toString"));
    change.unwrap_or(body.at("transition.to_status")).untrusted()
}

/// Labels that were added and removed. Both sides are lists joined by spaces, which no label holds.
pub(super) fn labels(body: Node<'_>) -> (Vec<Untrusted>, Vec<Untrusted>) {
    let Some(change) = of(body, "labels") else { return Default::default() };
    // No labels are an empty text, or null.
    let side = |name: &str| {
        let side = change.at(name);
        let text = side.text().unwrap_or_default();
        let is_list = !side.is_there() || side.is_text();
        (is_list && text.len() <= LONGEST_LIST).then_some(text)
    };
    let (Some(before), Some(after)) = (side("fromString"), side("toString")) else {
        return Default::default();
    };
    (only_in(&after, &before), only_in(&before, &after))
}

fn only_in(here: &str, there: &str) -> Vec<Untrusted> {
    let known: std::collections::BTreeSet<&str> = there.split_whitespace().collect();
    here.split_whitespace().filter(|label| !known.contains(label)).map(Untrusted::from).collect()
}

/// Whether somebody is assigned now who was not before.
pub(super) fn assigned(body: Node<'_>) -> bool {
    match of(body, "assignee") {
        Some(change) => change.at("to").is_there() || change.at("toString").is_there(),
        // Some updates say what they are, and list nothing.
        None => {
            body.at("issue_event_type_name").word() == Some("issue_assigned")
                && body.at("issue.fields.assignee").is_object()
        }
    }
}

/// Whether anything changed that a person would call an edit; moving a card on a board is none.
pub(super) fn edited(body: Node<'_>) -> bool {
    body.at("changelog.items")
        .items()
        .any(|item| item.at("field").text().is_some_and(|field| field != "Rank"))
}
