//! Who did it: Cloud knows accounts by id alone, Data Center by name.

use schemas::event::{Actor, ActorKind};

use crate::node::Node;

/// The account that acted: `user`, or the author of a comment where Cloud sends no `user`.
pub(super) fn actor(body: Node<'_>, is_edit: bool) -> Option<Actor> {
    let comment = body.at("comment");
    let author = if is_edit { comment.at("updateAuthor") } else { comment.at("author") };
    let account = Some(body.at("user")).filter(|user| user.is_object()).unwrap_or(author);
    let cloud = account.at("accountId").id();
    let kind = match account.at("accountType").word() {
        // A customer of a service desk is a person as well.
        Some("atlassian" | "customer") | None => ActorKind::Human,
        Some("app") => ActorKind::App,
        Some(_) => ActorKind::System,
    };
    let login = login(account)?;
    Some(Actor { id: cloud.unwrap_or_else(|| login.clone()), login, kind })
}

/// What one account alone is called. A display name is chosen freely, and could be another's login.
pub(super) fn login(account: Node<'_>) -> Option<String> {
    ["name", "accountId", "key"].iter().find_map(|name| account.at(name).text())
}
