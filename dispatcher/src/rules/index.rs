//! From an event to the automations that it could start, without asking all of them.
//!
//! Each entry of `on:` is filed under its source and event, then under the first of label, command
//! and project that it names, then under the literal beginnings of its repository globs. An event
//! is looked up by the few of these that it has; what is found is asked the rest of its keys.

use std::cell::OnceCell;
use std::collections::HashMap;

use schemas::automation::{Mode, Trigger};
use schemas::event::{EventType, SourceKind};
use schemas::{Event, Untrusted};

use super::Rule;
use crate::decide::text;

/// Positions in the set's rules.
type Numbers = Vec<usize>;

#[derive(Debug, Default)]
pub(super) struct Index(HashMap<(SourceKind, EventType), Listeners>);

/// Who listens to one kind of event, by what else they name.
#[derive(Debug, Default)]
struct Listeners {
    labels: HashMap<String, ByRepository>,
    commands: HashMap<String, ByRepository>,
    projects: HashMap<String, ByRepository>,
    others: ByRepository,
}

#[derive(Debug, Default)]
struct ByRepository {
    /// For events that name no repository.
    all: Numbers,
    /// By what every repository that the globs cover begins with.
    beginnings: HashMap<String, Numbers>,
}

/// The command words of an event's comment, read once and only if somebody asks.
#[derive(Default)]
pub(super) struct Said(OnceCell<Vec<String>>);

impl Said {
    fn words(&self, event: &Event) -> &[String] {
        self.0.get_or_init(|| {
            let body = event.comment.as_ref().map_or("", |comment| comment.body.expose());
            text::commands(event.source, body).into_iter().map(|line| line.word).collect()
        })
    }
}

impl Index {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.mode() != Mode::Disabled) {
            for trigger in &rule.automation.on {
                let Some(source) = trigger.source else { continue };
                for event in trigger.event.iter() {
                    index.0.entry((source, event.clone())).or_default().file(trigger, rule, number);
                }
            }
        }
        index
    }

    pub(super) fn candidates<'a>(&self, rules: &'a [Rule], event: &Event) -> Vec<&'a Rule> {
        let Some(listeners) = self.0.get(&(event.source, event.r#type.clone())) else { return Vec::new() };
        let said = Said::default();
        let mut numbers = Numbers::new();
        let repository = event.repository.as_ref().map(|repository| repository.name.to_string());
        let mut look = |found: Option<&ByRepository>| {
            if let Some(found) = found {
                found.collect(repository.as_deref(), &mut numbers);
            }
        };
        look(Some(&listeners.others));
        if !listeners.labels.is_empty() {
            labels(event).for_each(|label| look(listeners.labels.get(label)));
        }
        if !listeners.commands.is_empty() {
            said.words(event).iter().for_each(|word| look(listeners.commands.get(word)));
        }
        if let Some(project) = &event.project {
            look(listeners.projects.get(project));
        }
        numbers.sort_unstable();
        numbers.dedup();
        let found = numbers.into_iter().filter_map(|number| rules.get(number));
        found.filter(|rule| listens(rule, event, &said)).collect()
    }
}

impl Listeners {
    fn file(&mut self, trigger: &Trigger, rule: &Rule, number: usize) {
        let labels = trigger.label_command.iter().chain(trigger.label.iter());
        let keys = [
            (&mut self.labels, labels.collect::<Vec<_>>()),
            (&mut self.commands, trigger.command.iter().collect()),
            (&mut self.projects, trigger.project.iter().collect()),
        ];
        match keys.into_iter().find(|(_, words)| !words.is_empty()) {
            Some((map, words)) => {
                for word in words {
                    map.entry(word.clone()).or_default().file(rule, number);
                }
            }
            None => self.others.file(rule, number),
        }
    }
}

impl ByRepository {
    fn file(&mut self, rule: &Rule, number: usize) {
        self.all.push(number);
        let patterns = rule.automation.repos.iter().map(String::as_str);
        let mut included = patterns.filter(|pattern| !pattern.starts_with('!')).peekable();
        if included.peek().is_none() {
            self.beginnings.entry(String::new()).or_default().push(number);
        }
        for pattern in included {
            self.beginnings.entry(literal_beginning(pattern).to_owned()).or_default().push(number);
        }
    }

    fn collect(&self, repository: Option<&str>, numbers: &mut Numbers) {
        let Some(repository) = repository else { return numbers.extend(&self.all) };
        let folders = repository.match_indices('/').map(|(at, _)| at + 1);
        for end in folders.chain([0, repository.len()]) {
            let beginning = repository.get(..end).and_then(|beginning| self.beginnings.get(beginning));
            numbers.extend(beginning.into_iter().flatten());
        }
    }
}

/// A whole name, or the folders before a glob's first sign.
fn literal_beginning(pattern: &str) -> &str {
    let Some(sign) = pattern.find(['*', '?', '[', '{', '\\']) else { return pattern };
    let literal = pattern.get(..sign).unwrap_or_default();
    literal.rfind('/').and_then(|slash| literal.get(..=slash)).unwrap_or_default()
}

/// The labels that were put on or taken off by an event.
fn labels(event: &Event) -> impl Iterator<Item = &str> {
    event.added_labels.iter().chain(&event.label).map(Untrusted::expose)
}

pub(super) fn listens(rule: &Rule, event: &Event, said: &Said) -> bool {
    let covered = event.repository.as_ref().is_none_or(|repository| rule.covers(&repository.name));
    rule.mode() != Mode::Disabled
        && rule.automation.on.iter().any(|trigger| is_heard(trigger, event, said))
        && covered
}

fn is_heard(trigger: &Trigger, event: &Event, said: &Said) -> bool {
    trigger.source == Some(event.source)
        && trigger.event.contains(&event.r#type)
        && trigger.connection.as_ref().is_none_or(|name| *name == event.connection)
        && trigger.label_command.as_ref().is_none_or(|wanted| labels(event).any(|label| label == wanted))
        && (trigger.label.is_unset()
            || trigger.label.iter().any(|wanted| labels(event).any(|label| label == wanted)))
        && (trigger.project.is_unset()
            || event.project.as_ref().is_some_and(|key| trigger.project.contains(key)))
        && (trigger.command.is_unset() || trigger.command.iter().any(|word| said.words(event).contains(word)))
}
