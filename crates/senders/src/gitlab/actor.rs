//! Who did it. GitLab has no flag for bots; their names are reserved patterns.

use schemas::event::{Actor, ActorKind};

use crate::node::Node;

/// Accounts that GitLab itself acts through (gitlabhq, lib/users/internal.rb). What `support-bot`
/// opens was written by whoever sent an e-mail to Service Desk.
const INTERNAL: &[&str] = &[
    "support-bot",
    "alert-bot",
    "security-bot",
    "migration-bot",
    "automation-bot",
    "visual-review-bot",
    "gitlab-security-bot",
    "gitlab-automation-bot",
    "gitlab-admin-bot",
    "gitlabduo",
];

/// The account of `user`; of `user_id` and `user_username` in a push. In hooks about members those
/// are the member.
pub(super) fn actor(kind: &str, body: Node<'_>) -> Option<Actor> {
    let user = body.at("user");
    let (id, login) = match kind {
        // `user_name` is what a person calls himself, and may be another's login.
        "push" | "tag_push" => (body.at("user_id").id(), body.at("user_username").text()?),
        _ => (user.at("id").id(), user.at("username").text()?),
    };
    let kind = if is_bot(&login) { ActorKind::Bot } else { ActorKind::Human };
    // GitLab before 13.4 sends no id; no account id begins with an at sign.
    let id = id.unwrap_or_else(|| format!("@{login}"));
    Some(Actor { id, login, kind })
}

/// Users of access tokens are `project_<id>_bot...` and `group_<id>_bot...`; service accounts
/// begin with `service_account_` unless renamed.
fn is_bot(login: &str) -> bool {
    let login = login.to_ascii_lowercase();
    let of_token = |prefix| {
        let rest = login.strip_prefix(prefix)?;
        let (id, _) = rest.split_once("_bot")?;
        Some(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
    };
    of_token("project_").or_else(|| of_token("group_")).unwrap_or(false)
        || login.starts_with("service_account_")
        // A taken name gets a number at its end.
        || INTERNAL.contains(&login.trim_end_matches(|c: char| c.is_ascii_digit()))
}
