//! What deciding an event costs, by the number of automations; five of them listen to it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use anyhow::ensure;
use dispatcher::condition::{Condition, EventValue};
use dispatcher::decide::facts::Facts;
use dispatcher::decide::{Context, decide};
use dispatcher::rules::{RuleSet, load_texts};
use schemas::event::{Actor, ActorKind, EventType, Item, Repository, SourceKind};
use schemas::{Clock, ConnectionName, DeliveryId, Event, RepoRef, SystemClock, Untrusted, WorkItem};

use crate::process;
use crate::spread::Spread;
use crate::table::{Figure, Table, Target};

const SIZES: [usize; 3] = [100, 1_000, 10_000];
const CANDIDATES: usize = 5;
/// Automations of one file.
const FILE: usize = 100;
const ROUNDS: usize = 4_000;
/// One that looks at what conditions look at, and holds.
const CONDITION: &str = "!event.labels.exists(l, l == 'wontfix') && event.item.title.contains('name') && event.actor.kind == 'human'";

pub fn measure(table: &mut Table) -> anyhow::Result<()> {
    let event = event()?;
    for condition in [None, Some(CONDITION)] {
        let mut of_a_hundred = None;
        for size in SIZES {
            let spread = deciding(&set(size, condition)?, &event)?;
            let micros = spread.median().as_secs_f64() * 1e6;
            println!(
                "  {size:>6} automations{}: {spread}",
                if condition.is_some() { ", a condition each" } else { "" }
            );
            let (name, target) = match condition {
                None => {
                    (format!("decide, {size} automations"), if size == 10_000 { 20.0 } else { f64::INFINITY })
                }
                Some(_) => (
                    format!("decide, {size}, a condition each"),
                    if size == 10_000 { 150.0 } else { f64::INFINITY },
                ),
            };
            let target = if target.is_finite() { Target::AtMost(target) } else { Target::None };
            table.add(Figure { name, unit: "µs", measured: micros, floor: None, target });
            if let (None, 10_000, Some(floor)) = (condition, size, of_a_hundred) {
                table.add(Figure {
                    name: "decide, 10,000 beside 100 automations".to_owned(),
                    unit: "µs",
                    measured: micros,
                    floor: Some(floor),
                    target: Target::AtMostOfFloor(2.0),
                });
            }
            of_a_hundred.get_or_insert(micros);
        }
    }
    conditions(table, &event)?;
    memory(table)
}

/// Every candidate of an event decided once, many times over.
fn deciding(set: &RuleSet, event: &Event) -> anyhow::Result<Spread> {
    ensure!(set.candidates(event).count() == CANDIDATES, "the set has other candidates");
    let (context, facts) = (Context::default(), Facts::default());
    let clock = SystemClock::new();
    let spread = (0..ROUNDS).map(|_| {
        let start = clock.monotonic();
        for rule in set.candidates(black_box(event)) {
            black_box(decide(rule, event, &context, &facts));
        }
        clock.monotonic() - start
    });
    Ok(spread.collect())
}

/// Reading the event, and asking a condition, by themselves.
fn conditions(table: &mut Table, event: &Event) -> anyhow::Result<()> {
    let condition = Condition::compile(CONDITION)?;
    let clock = SystemClock::new();
    let value = EventValue::new(event);
    let timed = |work: &mut dyn FnMut()| -> Duration {
        let spread = (0..ROUNDS).map(|_| {
            let start = clock.monotonic();
            work();
            clock.monotonic() - start
        });
        spread.collect::<Spread>().median()
    };
    let compiled = timed(&mut || drop(black_box(Condition::compile(CONDITION))));
    let first = timed(&mut || drop(black_box(condition.holds(&EventValue::new(black_box(event))))));
    let again = timed(&mut || drop(black_box(condition.holds(black_box(&value)))));
    for (name, time) in [
        ("condition, compiled and checked", compiled),
        ("condition, the event read for it", first.saturating_sub(again)),
        ("condition, evaluated", again),
    ] {
        let measured = time.as_secs_f64() * 1e6;
        table.add(Figure { name: name.to_owned(), unit: "µs", measured, floor: None, target: Target::None });
    }
    Ok(())
}

/// What ten thousand automations hold in memory.
fn memory(table: &mut Table) -> anyhow::Result<()> {
    let before = process::memory_of(std::process::id())?.now;
    let set = set(10_000, None)?;
    let measured = process::memory_of(std::process::id())?.now - before;
    black_box(&set);
    table.add(Figure {
        name: "memory, 10,000 automations".to_owned(),
        unit: "MB",
        measured,
        floor: None,
        target: Target::None,
    });
    Ok(())
}

/// So many automations, of which [`CANDIDATES`] listen to [`event`], spread among the others.
fn set(size: usize, condition: Option<&str>) -> anyhow::Result<RuleSet> {
    let mut files = BTreeMap::new();
    let every = size / CANDIDATES;
    for start in (0..size).step_by(FILE) {
        let mut text = "version: 1\nautomations:\n".to_owned();
        for number in start..(start + FILE).min(size) {
            let (label, repo) = if number % every == 0 {
                ("agent:fix".to_owned(), "github/acme/demo".to_owned())
            } else {
                (format!("agent:fix-{}", number % 50), format!("github/acme/service-{number}"))
            };
            write!(
                text,
                "  - name: fix-{number}\n    on: [{{ source: github, event: issue.labeled, label_command: '{label}' }}]\n    \
                 repos: ['{repo}']\n    run: {{ commands: ['make fix'] }}\n    output: {{ pull_request: {{}} }}\n"
            )?;
            if let Some(condition) = condition {
                writeln!(text, "    if: \"{condition}\"")?;
            }
        }
        files.insert(format!("{start:05}.yaml"), text);
    }
    Ok(load_texts(files)?)
}

fn event() -> anyhow::Result<Event> {
    let github = ConnectionName::from("github");
    let id = DeliveryId::fresh(&SystemClock::new());
    Ok(Event {
        work_item: Some(WorkItem::from("github:acme/demo#1")),
        repository: Some(Repository {
            name: RepoRef::new(&github, "acme/demo")?,
            default_branch: Some("main".to_owned()),
        }),
        actor: Some(Actor { id: "1".to_owned(), login: "ana".to_owned(), kind: ActorKind::Human }),
        item: Some(Item {
            key: "1".to_owned(),
            title: Untrusted::from("It fails without a name"),
            body: Untrusted::new("The request fails. ".repeat(600)),
            labels: ["bug", "agent:fix", "area/parser"].map(Untrusted::from).into(),
            ..Item::default()
        }),
        label: Some(Untrusted::from("agent:fix")),
        ..Event::new(id, SourceKind::Github, github, EventType::IssueLabeled)
    })
}
