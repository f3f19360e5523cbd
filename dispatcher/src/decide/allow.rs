//! Who may start an automation. Whatever cannot be told is a no.

use schemas::automation::{Allow, Permission};
use schemas::event::{Actor, ActorKind, EventType};
use schemas::{Event, RepoRef};

use super::facts::{FactKey, Facts};
use super::pull_request;
use super::stop::{Stop, is, permission};
use crate::rules::Rule;

/// Whether whoever did it may start the rule in `repository`.
pub(super) fn allowed(rule: &Rule, event: &Event, repository: &RepoRef, facts: &Facts) -> Result<(), Stop> {
    if is_by_itself(&event.r#type) {
        return Ok(());
    }
    let allow = rule.allow();
    let Some(actor) = &event.actor else {
        return Err(Stop::denied("somebody unnamed", "the event does not say who did it"));
    };
    forks(&allow, actor, event, facts)?;
    if is_bot(event, actor) {
        let bare = |login: &str| login.strip_suffix("[bot]").unwrap_or(login).to_lowercase();
        let named = allow.bots.iter().any(|name| bare(name) == bare(&actor.login));
        return if named {
            Ok(())
        } else {
            Err(Stop::denied(&actor.login, "bots and apps have to be named in `allow.bots`"))
        };
    }
    // Only the forge that holds the repository knows what its people may do there.
    let at_home = event.connection == repository.connection;
    if allow.restricts_people() {
        belongs(&allow, actor, event, at_home.then_some(repository), facts)?;
    } else if !at_home {
        let because = format!(
            "people of {} have no permission on {repository}; name them in `allow.users`, `groups` or `roles`",
            event.connection
        );
        return Err(Stop::denied(&actor.login, because));
    }
    let least = allow.permission.unwrap_or(Permission::Write);
    if at_home && least > Permission::None { may(actor, repository, least, facts) } else { Ok(()) }
}

/// What a tool does by itself needs nobody.
fn is_by_itself(r#type: &EventType) -> bool {
    use EventType as T;
    matches!(
        r#type,
        T::AlertTriggered | T::AlertResolved | T::ErrorCreated | T::ScheduleFired | T::ManualRequested
    )
}

/// By what the sender says of the account, and by names that GitLab reserves; a suffix alone makes
/// nobody a bot.
fn is_bot(event: &Event, actor: &Actor) -> bool {
    actor.kind != ActorKind::Human
        || (event.source == schemas::event::SourceKind::Gitlab && is_token_user(&actor.login))
}

/// The user that a project or group token makes for itself, `project_12_bot_0c62…`.
fn is_token_user(login: &str) -> bool {
    let rest = login.strip_prefix("project_").or_else(|| login.strip_prefix("group_"));
    rest.and_then(|rest| rest.split_once("_bot"))
        .is_some_and(|(id, _)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

fn forks(allow: &Allow, actor: &Actor, event: &Event, facts: &Facts) -> Result<(), Stop> {
    if allow.forks == Some(true) {
        return Ok(());
    }
    let fork = match &event.change {
        Some(change) => change.fork,
        None => pull_request::view(event, facts)?.is_some_and(|view| view.fork),
    };
    if fork {
        return Err(Stop::denied(
            &actor.login,
            "the change lies in a fork, and `allow.forks` does not say that it may",
        ));
    }
    Ok(())
}

fn may(actor: &Actor, repository: &RepoRef, least: Permission, facts: &Facts) -> Result<(), Stop> {
    let login = &actor.login;
    let question = FactKey::Permission { repository: repository.clone(), login: login.clone() };
    let has = permission(facts, question, &format!("the permission of {login}"))?;
    if has >= least {
        return Ok(());
    }
    Err(Stop::denied(login, format!("needs {least} on {repository}, has {has}")))
}

/// One of `users`, `teams`, `groups` and `roles` has to have them; the first two lists cost least.
fn belongs(
    allow: &Allow,
    actor: &Actor,
    event: &Event,
    home: Option<&RepoRef>,
    facts: &Facts,
) -> Result<(), Stop> {
    let named = |name: &String| name.eq_ignore_ascii_case(&actor.login) || *name == actor.id;
    if allow.users.iter().any(named) {
        return Ok(());
    }
    let mut open = Vec::new();
    let mut failed = None;
    for question in memberships(allow, actor, event, home) {
        match is(facts, question, &format!("what {} belongs to", actor.login)) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(Stop::Needs(questions)) => open.extend(questions),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if !open.is_empty() {
        return Err(Stop::Needs(open));
    }
    let lists = [
        ("users", &allow.users),
        ("teams", &allow.teams),
        ("groups", &allow.groups),
        ("roles", &allow.roles),
    ];
    let lists = lists.iter().filter(|(_, list)| !list.is_empty());
    let lists: Vec<String> = lists.map(|(key, _)| format!("`allow.{key}`")).collect();
    Err(failed
        .unwrap_or_else(|| Stop::denied(&actor.login, format!("{} does not have them", lists.join(" or ")))))
}

/// What has to be asked to know whether they belong: of the forge for its own people, of the
/// tracker for its.
fn memberships(allow: &Allow, actor: &Actor, event: &Event, home: Option<&RepoRef>) -> Vec<FactKey> {
    if let Some(repository) = home {
        let team = |team: &String| FactKey::Team {
            repository: repository.clone(),
            team: team.clone(),
            login: actor.login.clone(),
        };
        return allow.teams.iter().map(team).collect();
    }
    let group = |group: &String| FactKey::Group {
        connection: event.connection.clone(),
        group: group.clone(),
        account: actor.id.clone(),
    };
    let groups = allow.groups.iter().map(group);
    let project = event.project.clone().unwrap_or_default();
    let role = |role: &String| FactKey::Role {
        connection: event.connection.clone(),
        project: project.clone(),
        role: role.clone(),
        account: actor.id.clone(),
    };
    groups.chain(allow.roles.iter().filter(|_| !project.is_empty()).map(role)).collect()
}
