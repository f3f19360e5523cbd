//! Filters of `on:` that can never hold, whatever the event.

use config::yaml::closest;
use schemas::automation::{OneOrMany, Trigger};
use schemas::event::{EventType, SourceKind};

use crate::rules::page::{Page, Spot};

/// How pipelines end, in GitHub's words; other forges' words are translated into them.
const CONCLUSIONS: &[&str] = &[
    "success",
    "failure",
    "cancelled",
    "skipped",
    "neutral",
    "timed_out",
    "action_required",
    "stale",
    "startup_failure",
];

/// Severities that Sentry tells.
const LEVELS: &[&str] = &["fatal", "critical", "error", "warning", "info", "debug", "log", "sample", "open"];

pub(super) fn check(trigger: &Trigger, source: SourceKind, at: Spot<'_>, page: &mut Page<'_>) {
    empty_lists(trigger, at, page);
    labels(trigger, at, page);
    globs("branches", &trigger.branches, at, page);
    globs("paths", &trigger.paths, at, page);
    for (number, branch) in trigger.branches.iter().enumerate() {
        if let Some(short) = branch.strip_prefix("refs/heads/") {
            let here = at.at("branches").item(number);
            page.say(here, "branches are named without `refs/heads/`", format!("write `{short}`"));
        }
    }
    words("command", &trigger.command, '/', at, page);
    words("mention", &trigger.mention, '@', at, page);
    known("conclusion", &trigger.conclusion, CONCLUSIONS, at, page);
    if source == SourceKind::Sentry {
        known("level", &trigger.level, LEVELS, at, page);
    }
}

/// An empty list is taken for a key that is not set, which is not what its writer meant.
fn empty_lists(trigger: &Trigger, at: Spot<'_>, page: &mut Page<'_>) {
    let lists = [
        ("label", trigger.label.is_unset()),
        ("branches", trigger.branches.is_unset()),
        ("paths", trigger.paths.is_unset()),
        ("state", trigger.state.is_unset()),
        ("command", trigger.command.is_unset()),
        ("mention", trigger.mention.is_unset()),
        ("project", trigger.project.is_unset()),
        ("level", trigger.level.is_unset()),
        ("environment", trigger.environment.is_unset()),
        ("conclusion", trigger.conclusion.is_unset()),
        ("to", trigger.to.is_unset()),
        ("dispatch", trigger.dispatch.is_unset()),
    ];
    for (key, _) in lists.into_iter().filter(|(key, is_empty)| *is_empty && at.has(key)) {
        page.say(
            at.at(key),
            format!("`{key}` is empty: nothing would match"),
            "name a value, or remove the key",
        );
    }
}

fn labels(trigger: &Trigger, at: Spot<'_>, page: &mut Page<'_>) {
    if let Some(label) = &trigger.label_command {
        if label.trim().is_empty() {
            page.say(at.at("label_command"), "the label is empty", "name it, for example `agent:fix`");
        }
        if !trigger.label.is_unset() {
            let remedy = "keep `label_command` where the label is an order, `label` where it is a state";
            page.say(at.key("label"), "`label` and `label_command` are about one label", remedy);
        }
    }
    let Some(filter) = &trigger.labels else { return };
    let place = at.at("labels");
    if filter.any.is_empty() && filter.all.is_empty() && filter.none.is_empty() {
        page.say(place, "`labels` asks for nothing", "add `any:`, `all:` or `none:` with labels");
    }
    let refused = |label: &String| filter.none.contains(label);
    for (number, label) in filter.all.iter().enumerate().filter(|(_, label)| refused(label)) {
        let wrong = format!("`{label}` is wanted by `labels.all` and refused by `labels.none`");
        page.say(place.at("all").item(number), wrong, "no item can have it both ways: remove one of them");
    }
    if !filter.any.is_empty() && filter.any.iter().all(refused) {
        let wrong = "every label of `labels.any` is refused by `labels.none`";
        page.say(place.at("any"), wrong, "no item can have it both ways: remove one of them");
    }
    // An item has the label that was just put on, and has not the one that was just taken off.
    let off = |event: &EventType| *event == EventType::IssueUnlabeled;
    let put_on = trigger.label_command.iter().chain(trigger.label.iter());
    if trigger.event.iter().any(|event| !off(event))
        && put_on.clone().next().is_some()
        && put_on.clone().all(refused)
    {
        let wrong = "the label that was just put on is refused by `labels.none`";
        page.say(place.at("none"), wrong, "remove it there");
    }
    let taken = |label: &String| trigger.label.len() == 1 && trigger.label.contains(label);
    if trigger.event.iter().any(off) && filter.all.iter().any(taken) {
        let wrong = "the label that was just taken off is wanted by `labels.all`";
        page.say(place.at("all"), wrong, "remove it there");
    }
}

fn globs(key: &str, patterns: &OneOrMany<String>, at: Spot<'_>, page: &mut Page<'_>) {
    for (number, pattern) in patterns.iter().enumerate() {
        let bare = pattern.strip_prefix('!').unwrap_or(pattern);
        let here = at.at(key).item(number);
        if bare.trim().is_empty() {
            page.say(here, "the pattern is empty", "for example `src/**`");
        } else if let Err(error) = globset::Glob::new(bare) {
            page.say(here, format!("`{pattern}` is no glob: {}", error.kind()), "for example `src/**`");
        }
    }
    if patterns.iter().any(|pattern| pattern == "!**") {
        let remedy = "exclude less, for example `!docs/**`";
        page.say(at.at(key), format!("`{key}` excludes everything"), remedy);
    }
}

fn words(key: &str, words: &OneOrMany<String>, sign: char, at: Spot<'_>, page: &mut Page<'_>) {
    for (number, word) in words.iter().enumerate() {
        let rest = word.strip_prefix(sign);
        let ok = rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace));
        if !ok {
            let bare: String =
                word.trim_start_matches(sign).split_whitespace().next().unwrap_or("agent").to_owned();
            page.say(
                at.at(key).item(number),
                format!("a `{key}` is one word that begins with `{sign}`"),
                format!("for example `{sign}{bare}`"),
            );
        }
    }
}

fn known(key: &str, words: &OneOrMany<String>, possible: &[&'static str], at: Spot<'_>, page: &mut Page<'_>) {
    // In any case of letters, as they are decided.
    let is_known = |word: &str| possible.iter().any(|known| known.eq_ignore_ascii_case(word));
    for (number, word) in words.iter().enumerate().filter(|(_, word)| !is_known(word)) {
        let remedy = match closest(word, possible.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("possible here: {}", possible.join(", ")),
        };
        page.say(at.at(key).item(number), format!("no `{key}` is called `{word}`"), remedy);
    }
}
