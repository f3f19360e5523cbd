//! What an `update` changed: GitLab gives both states, not the difference.

use std::collections::BTreeSet;

use crate::node::Node;

/// What a list gained and lost.
pub(super) struct Difference<'a> {
    pub added: Vec<Node<'a>>,
    pub removed: Vec<Node<'a>>,
}

/// Two states of the list `name`, compared by id; a list that did not change is not in `changes`.
pub(super) fn difference<'a>(body: Node<'a>, name: &str) -> Difference<'a> {
    let change = body.at("changes").at(name);
    let only_in = |here: &str, there: &str| {
        let known: BTreeSet<String> = change.at(there).items().filter_map(id_of).collect();
        change.at(here).items().filter(|one| id_of(*one).is_some_and(|id| !known.contains(&id))).collect()
    };
    Difference { added: only_in("current", "previous"), removed: only_in("previous", "current") }
}

fn id_of(one: Node<'_>) -> Option<String> {
    one.at("id").id().or_else(|| one.at("username").text()).or_else(|| one.at("title").text())
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
        reviewers.filter(|one| one.at("re_requested").flag() == Some(true)).filter_map(id_of).collect()
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

/// Whether anything changed that a person would call an edit.
pub(super) fn edited(body: Node<'_>) -> bool {
    const BOOKKEEPING: &[&str] = &[
        "updated_at",
        "updated_by_id",
        "last_edited_at",
        "last_edited_by_id",
        "relative_position",
        "total_time_spent",
        "time_change",
    ];
    body.at("changes").keys().any(|name| !BOOKKEEPING.contains(&name))
}
