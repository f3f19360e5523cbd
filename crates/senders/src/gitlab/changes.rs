//! What an `update` changed: GitLab gives both states, not the difference.

use std::collections::BTreeSet;

use crate::node::Node;

/// What a list gained and lost.
pub(super) struct Difference<'a> {
    pub added: Vec<Node<'a>>,
    pub removed: Vec<Node<'a>>,
}

/// Two states of the list `name`, compared by id; a list that did not change is not in `changes`.
/// Where one state is not whole, what the other has more of was perhaps there before.
pub(super) fn difference<'a>(body: Node<'a>, name: &str) -> Difference<'a> {
    let change = body.at("changes").at(name);
    // Old versions name people without their ids.
    let by = ["id", "username", "title"].into_iter().find_map(|field| {
        Some((field, names(change.at("previous"), field)?, names(change.at("current"), field)?))
    });
    let Some((field, before, after)) = by else {
        return Difference { added: Vec::new(), removed: Vec::new() };
    };
    let only_in = |state: &str, other: &BTreeSet<String>| {
        let is_new = |one: &Node<'_>| one.at(field).id().is_some_and(|name| !other.contains(&name));
        change.at(state).items().filter(is_new).collect()
    };
    Difference { added: only_in("current", &before), removed: only_in("previous", &after) }
}

/// The `field` of all that a list holds; `None` when one of them has none. Null is an empty list.
fn names(list: Node<'_>, field: &str) -> Option<BTreeSet<String>> {
    if !list.is_there() {
        return Some(BTreeSet::new());
    }
    list.list()?.map(|one| one.at(field).id()).collect()
}

/// The state that an update moved an issue to.
pub(super) fn state(body: Node<'_>) -> Option<u64> {
    let change = body.at("changes.state_id");
    change.at("current").number().filter(|state| change.at("previous").number() != Some(*state))
}

/// Whether somebody else is assigned now; older versions tell one assignee alone.
pub(super) fn assigned(body: Node<'_>) -> bool {
    if body.at("changes.assignees").is_there() {
        return !difference(body, "assignees").added.is_empty();
    }
    body.at("changes.assignee_id.current").is_there()
}

/// Whether somebody was asked for a review, perhaps once more.
pub(super) fn review_requested(body: Node<'_>) -> bool {
    let again = |state: &str| -> BTreeSet<String> {
        let reviewers = body.at("changes.reviewers").at(state).items();
        reviewers
            .filter(|one| one.at("re_requested").flag() == Some(true))
            .filter_map(|one| one.at("id").id())
            .collect()
    };
    !difference(body, "reviewers").added.is_empty() || !again("current").is_subset(&again("previous"))
}

/// Whether it stopped being a draft; before 15 only its title tells.
pub(super) fn ready(body: Node<'_>) -> bool {
    let changes = body.at("changes");
    let flags =
        ["draft", "work_in_progress"].map(|name| changes.at(name)).into_iter().find(|flag| flag.is_there());
    if let Some(flag) = flags {
        return flag.at("previous").flag() == Some(true) && flag.at("current").flag() == Some(false);
    }
    let draft = |state: &str| changes.at("title").at(state).text().map(|title| is_draft(&title));
    draft("previous") == Some(true) && draft("current") == Some(false)
}

fn is_draft(title: &str) -> bool {
    let title = title.to_lowercase();
    ["draft:", "[draft]", "(draft)", "wip:", "[wip]"].iter().any(|mark| title.starts_with(mark))
}

/// Whether anything changed that a person would call an edit. Old versions do not say
/// what an update changed.
pub(super) fn edited(body: Node<'_>) -> bool {
    const BOOKKEEPING: &[&str] = &[
        "updated_at",
        "updated_by_id",
        "state_id",
        "closed_at",
        "last_edited_at",
        "last_edited_by_id",
        "relative_position",
        "total_time_spent",
        "time_change",
    ];
    let mut changed = body.at("changes").keys();
    changed.any(|name| !BOOKKEEPING.contains(&name)) || !body.has("changes")
}
