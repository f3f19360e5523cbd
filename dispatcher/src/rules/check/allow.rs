//! `allow:` whether anybody at all could start the automation.

use schemas::Automation;
use schemas::automation::{Allow, Trigger};
use schemas::event::{EventType, SourceKind};

use super::keys;
use crate::rules::page::{Page, Spot};

pub(super) fn check(automation: &Automation, at: Spot<'_>, page: &mut Page<'_>) {
    let allow = automation.allow.clone().unwrap_or_default();
    let place = at.at("allow");
    let listens = |sources: &[SourceKind]| {
        automation.on.iter().any(|trigger| trigger.source.is_some_and(|source| sources.contains(&source)))
    };
    if !allow.teams.is_empty() && !listens(&[SourceKind::Github, SourceKind::Gitlab]) {
        page.say(
            place.key("teams"),
            "`teams` are GitHub's and GitLab's; nothing here listens to them",
            "remove it",
        );
    }
    for (key, given) in [("groups", &allow.groups), ("roles", &allow.roles)] {
        if !given.is_empty() && !listens(&[SourceKind::Jira]) {
            page.say(place.key(key), format!("`{key}` are Jira's; nothing here listens to it"), "remove it");
        }
    }
    for (number, team) in allow.teams.iter().enumerate().filter(|(_, team)| !is_team(team)) {
        let remedy = "write GitHub's `org/team` or GitLab's `group`";
        page.say(place.at("teams").item(number), format!("`{team}` is no team"), remedy);
    }
    let lists =
        [("users", &allow.users), ("groups", &allow.groups), ("roles", &allow.roles), ("bots", &allow.bots)];
    for (key, list) in lists {
        for (number, _) in list.iter().enumerate().filter(|(_, name)| name.trim().is_empty()) {
            page.say(place.at(key).item(number), format!("a name in `{key}` is empty"), "remove it");
        }
    }
    for (number, trigger) in automation.on.iter().enumerate() {
        let entry = at.at("on").item(number);
        if trigger.fork == Some(true) && allow.forks != Some(true) {
            let remedy = "add `allow: { forks: true }`, or remove `fork`";
            page.say(entry.at("fork"), "changes in forks may not start it", remedy);
        }
        nobody(trigger, &allow, entry, page);
    }
}

/// People of a tracker have no permission on a repository, so that somebody has to be named.
fn nobody(trigger: &Trigger, allow: &Allow, entry: Spot<'_>, page: &mut Page<'_>) {
    use EventType::{AlertResolved, AlertTriggered, ErrorCreated};
    let Some(source) = trigger.source else { return };
    let by_somebody = |event: &EventType| {
        keys::sends(source, event) && !matches!(event, AlertTriggered | AlertResolved | ErrorCreated)
    };
    let trackers = [SourceKind::Jira, SourceKind::Linear, SourceKind::Sentry, SourceKind::Slack];
    let groups = source == SourceKind::Jira && !(allow.groups.is_empty() && allow.roles.is_empty());
    let named = groups || !allow.users.is_empty() || !allow.bots.is_empty();
    if trackers.contains(&source) && !named && trigger.event.iter().any(by_somebody) {
        let who = if source == SourceKind::Jira { "`users`, `groups` or `roles`" } else { "`users`" };
        page.say(
            entry.at("source"),
            format!("nobody may start it: people of {source} have no permission on a repository"),
            format!("name them in {who} of `allow`"),
        );
    }
}

fn is_team(team: &str) -> bool {
    !team.is_empty() && team.split('/').all(|part| !part.is_empty()) && !team.contains(char::is_whitespace)
}
