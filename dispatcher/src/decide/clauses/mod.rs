//! The clauses of `on:`; entries OR, keys AND. First what the event itself says, then what has to
//! be asked, so that nobody is asked in vain.

mod change;
mod globs;
mod labels;
mod said;

use schemas::automation::Trigger;
use schemas::decision::Verdict;
use schemas::event::EventType;
use schemas::{Event, Untrusted};

use super::facts::Facts;
use super::stop::{Stop, not_matched};
use crate::rules::Rule;

pub use globs::EntryGlobs;
pub use said::BUILT_IN;

/// An entry of `on:` with its globs.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) trigger: &'a Trigger,
    globs: &'a EntryGlobs,
}

/// The entries of which everything holds that the event itself says.
///
/// # Errors
/// `not_matched` with the clause that failed in the entry that came furthest, and what it saw.
pub(super) fn heard<'a>(rule: &'a Rule, event: &Event) -> Result<Vec<Entry<'a>>, Verdict> {
    let mut heard = Vec::new();
    let mut closest: Option<(usize, Verdict)> = None;
    for (trigger, globs) in rule.automation.on.iter().zip(&rule.entries) {
        if trigger.source != Some(event.source) || !trigger.event.contains(&event.r#type) {
            continue;
        }
        let entry = Entry { trigger, globs };
        match PLAIN.iter().enumerate().find_map(|(place, holds)| Some((place, holds(entry, event).err()?))) {
            None => heard.push(entry),
            Some(failed) if closest.as_ref().is_none_or(|(furthest, _)| failed.0 > *furthest) => {
                closest = Some(failed);
            }
            Some(_) => {}
        }
    }
    if !heard.is_empty() {
        return Ok(heard);
    }
    Err(closest.map_or_else(
        || not_matched("event", other_events(rule), format!("{} {}", event.source, event.r#type)),
        |(_, verdict)| verdict,
    ))
}

/// The first of these entries of which everything else holds too.
///
/// # Errors
/// `not_matched` or an error for the first entry, or what has to be asked first. No later entry is
/// taken while an earlier one is open: which of them it is must not hang on what is known.
pub(super) fn asked<'a>(entries: Vec<Entry<'a>>, event: &Event, facts: &Facts) -> Result<&'a Trigger, Stop> {
    let mut first = None;
    for entry in entries {
        match change::asked(entry, event, facts) {
            Ok(()) => return Ok(entry.trigger),
            Err(Stop::Verdict(verdict)) => first = first.or(Some(verdict)),
            Err(needs) => return Err(needs),
        }
    }
    let nothing = || Verdict::Error { message: "no entry of `on:` was left".to_owned() };
    Err(Stop::Verdict(first.unwrap_or_else(nothing)))
}

/// What holds or does not by the event alone.
type Plain = fn(Entry<'_>, &Event) -> Result<(), Verdict>;

const PLAIN: [Plain; 13] = [
    connection,
    labels::command,
    labels::changed,
    labels::carried,
    project,
    level,
    environment,
    conclusion,
    to,
    dispatch,
    said::state,
    said::command,
    said::mention,
];

fn other_events(rule: &Rule) -> String {
    let mut words: Vec<String> = rule.automation.on.iter().map(crate::rules::trigger_words).collect();
    words.dedup();
    words.join(" or ")
}

fn connection(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    match &entry.trigger.connection {
        Some(wanted) if *wanted != event.connection => {
            Err(not_matched("connection", wanted.0.clone(), event.connection.0.clone()))
        }
        _ => Ok(()),
    }
}

fn project(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    one_of("project", &entry.trigger.project, event.project.as_deref(), "no project", str::eq)
}

fn level(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let same = str::eq_ignore_ascii_case;
    one_of("level", &entry.trigger.level, event.level.as_deref(), "no level", same)
}

fn environment(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let value = event.environment.as_deref();
    one_of("environment", &entry.trigger.environment, value, "no environment", str::eq)
}

fn conclusion(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let value = event.conclusion.as_deref();
    one_of("conclusion", &entry.trigger.conclusion, value, "no conclusion", str::eq_ignore_ascii_case)
}

fn to(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let value = event.status.as_ref().map(Untrusted::expose);
    // Statuses are in the language of whoever runs the tracker.
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    one_of("to", &entry.trigger.to, value, "no status", same)
}

fn dispatch(entry: Entry<'_>, event: &Event) -> Result<(), Verdict> {
    let value = event.dispatch.as_ref().map(Untrusted::expose);
    one_of("dispatch", &entry.trigger.dispatch, value, "no name", str::eq)
}

/// Whether the event has one of the values, where any is wanted.
fn one_of(
    clause: &str,
    wanted: &[String],
    value: Option<&str>,
    without: &str,
    same: impl Fn(&str, &str) -> bool,
) -> Result<(), Verdict> {
    if wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|wanted| same(wanted, value))) {
        return Ok(());
    }
    Err(not_matched(clause, wanted.join(" or "), value.unwrap_or(without)))
}

/// Whether an event is about the working of a pull request, rather than about a branch alone.
fn is_pipeline(event: &Event) -> bool {
    event.r#type == EventType::PipelineCompleted
}
