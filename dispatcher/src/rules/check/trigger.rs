//! One entry of `on:` that listens to events: whether such events exist, and can ever match.

use config::yaml::closest;
use schemas::automation::{ReviewState, Trigger};
use schemas::event::{EventType, SourceKind};

use super::filters;
use super::keys;
use crate::rules::Known;
use crate::rules::page::{Page, Spot};

/// The keys of a schedule.
const SCHEDULE: [&str; 4] = ["timezone", "catch_up", "catch_up_limit", "jitter"];

pub(super) fn check(trigger: &Trigger, at: Spot<'_>, known: Option<&Known>, page: &mut Page<'_>) {
    for key in SCHEDULE {
        if at.has(key) {
            page.say(at.key(key), format!("`{key}` belongs to a schedule"), "add `schedule:`, or remove it");
        }
    }
    let Some(source) = trigger.source else {
        let remedy = "add `source: github` and `event:`, or a `schedule:`";
        return page.say(at, "the entry names no `source`", remedy);
    };
    if source == SourceKind::Pullwright {
        let remedy = "for times write `schedule: \"0 6 * * MON\"` alone";
        return page.say(at.at("source"), "nothing arrives from `pullwright` itself", remedy);
    }
    connection(trigger, source, at, known, page);
    if trigger.event.is_unset() {
        let remedy = format!("add `event:`, for example `event: {}`", example(source));
        return page.say(at.at("event"), "the entry names no `event`", remedy);
    }
    for (number, event) in trigger.event.iter().enumerate() {
        let here = at.at("event").item(number);
        if !keys::sends(source, event) {
            page.say(here, format!("{source} sends no `{event}`"), instead(source, event));
            continue;
        }
        for key in keys::filters(trigger) {
            if !keys::goes_with(key, source, event) {
                page.say(
                    at.key(key),
                    format!("`{key}` does not go with {source} `{event}`"),
                    goes_with(key, source),
                );
            }
        }
        if *event == EventType::PullRequestReady && trigger.draft == Some(true) {
            let remedy = "remove `draft`: it is ready when this happens";
            page.say(at.at("draft"), "a pull request that became ready is no draft", remedy);
        }
    }
    filters::check(trigger, source, at, page);
    verdicts(trigger, source, at, page);
}

fn example(source: SourceKind) -> &'static str {
    let usual = ["issue.labeled", "alert.triggered", "comment.created"];
    usual.into_iter().find(|word| keys::sent(source).any(|sent| sent == *word)).unwrap_or("push")
}

/// What to write instead of an event that a source never sends.
fn instead(source: SourceKind, event: &EventType) -> String {
    let word = event.to_string();
    match event {
        EventType::Unmapped(_) => return format!("such a name begins with `unmapped.{source}.`"),
        EventType::ScheduleFired => {
            return "write `schedule: \"0 6 * * MON\"` without `source` and `event`".to_owned();
        }
        EventType::IssueClosed | EventType::IssueReopened if source == SourceKind::Jira => {
            return "Jira moves issues: use `issue.transitioned` with `to: Done`".to_owned();
        }
        _ => {}
    }
    match closest(&word, keys::sent(source)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it sends {}", keys::sent(source).collect::<Vec<_>>().join(", ")),
    }
}

fn goes_with(key: &str, source: SourceKind) -> String {
    let events: Vec<&str> = keys::events_for(key, source).collect();
    if events.is_empty() {
        format!("it goes with {}", keys::sources_for(key).join(", "))
    } else {
        format!("of {source} it goes with {}", events.join(", "))
    }
}

fn connection(
    trigger: &Trigger,
    source: SourceKind,
    at: Spot<'_>,
    known: Option<&Known>,
    page: &mut Page<'_>,
) {
    let (Some(name), Some(known)) = (&trigger.connection, known) else { return };
    match known.connections.get(name) {
        None => page.say(
            at.at("connection"),
            format!("there is no connection `{name}`"),
            known.other_connection(name.as_str()),
        ),
        Some(kind) if *kind != source => page.say(
            at.at("connection"),
            format!("`{name}` is a connection to {kind}, the source is {source}"),
            format!("name a connection of kind {source}"),
        ),
        Some(_) => {}
    }
}

/// Reviews have other verdicts at other forges.
fn verdicts(trigger: &Trigger, source: SourceKind, at: Spot<'_>, page: &mut Page<'_>) {
    for (number, state) in trigger.state.iter().enumerate() {
        let never = match source {
            SourceKind::Gitlab => *state != ReviewState::Approved,
            SourceKind::Bitbucket => *state == ReviewState::Commented,
            _ => false,
        };
        if never {
            page.say(
                at.at("state").item(number),
                format!("{source} tells no review that is `{}`", state.as_str()),
                "use `approved`; remarks arrive as `review_comment.created`",
            );
        }
    }
}
