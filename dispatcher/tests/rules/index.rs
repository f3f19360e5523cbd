//! The index finds what asking every automation would find, and sets change whole.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::thread;

use dispatcher::rules::{RuleSet, load_texts};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use schemas::event::{Comment, Event, EventType, Repository, SourceKind};
use schemas::{Clock, ConnectionName, DeliveryId, RepoRef, SystemClock, Untrusted};

fn set(automations: &[String]) -> RuleSet {
    let text = format!(
        "version: 1\ndefaults: {{ run: {{ commands: [x] }}, allow: {{ users: [ana] }} }}\nautomations:\n{}",
        automations.concat()
    );
    load_texts(BTreeMap::from([("a.yaml".to_owned(), text)])).unwrap_or_else(|error| panic!("{error:?}"))
}

fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("[{}]", quoted.join(", "))
}

const LABELS: &[&str] = &["a", "b", "c"];
const GLOBS: &[&str] = &[
    "github/acme/api",
    "github/acme/*",
    "github/**",
    "*/acme/api",
    "github/acme/a*",
    "**",
    "!github/acme/web",
    "!github/other/**",
    "gitlab/group/sub/*",
];

/// An entry of `on:`, by source and event, with some of the keys that go with it.
fn trigger() -> impl Strategy<Value = String> {
    let labelled = (select(&["github", "gitlab"][..]), subsequence(LABELS, 0..3), any::<bool>()).prop_map(
        |(source, labels, command)| match labels.as_slice() {
            [one] if command => format!("{{ source: {source}, event: issue.labeled, label_command: {one} }}"),
            [] => format!("{{ source: {source}, event: [issue.labeled, issue.opened] }}"),
            many => format!("{{ source: {source}, event: issue.labeled, label: {} }}", list(many)),
        },
    );
    let commented = subsequence(&["/agent", "/fix"][..], 0..3).prop_map(|words| match words.as_slice() {
        [] => "{ source: github, event: comment.created }".to_owned(),
        words => format!("{{ source: github, event: comment.created, command: {} }}", list(words)),
    });
    let tracked =
        (subsequence(&["PAY", "OPS"][..], 0..3), subsequence(LABELS, 0..2)).prop_map(|(projects, labels)| {
            let project =
                if projects.is_empty() { String::new() } else { format!(", project: {}", list(&projects)) };
            let label = if labels.is_empty() { String::new() } else { format!(", label: {}", list(&labels)) };
            format!("{{ source: jira, event: issue.labeled{project}{label} }}")
        });
    let connected = select(&["github", "ghes"][..])
        .prop_map(|name| format!("{{ source: github, event: push, connection: {name} }}"));
    prop_oneof![labelled, commented, tracked, connected]
}

fn automations() -> impl Strategy<Value = Vec<String>> {
    let one = (
        proptest::collection::btree_set(trigger(), 1..4),
        subsequence(GLOBS, 0..4),
        select(&["live", "observe", "disabled"][..]),
    );
    proptest::collection::vec(one, 0..30).prop_map(|all| {
        let usable = all.into_iter().enumerate().filter(|(_, (_, globs, _))| {
            // What excludes all that it includes is refused at load.
            !globs.contains(&"**") || globs.len() < 4
        });
        usable
            .map(|(number, (on, globs, mode))| {
                let on: Vec<String> = on.into_iter().collect();
                format!(
                    "  - {{ name: a{number}, mode: {mode}, on: [{}], repos: {} }}\n",
                    on.join(", "),
                    list(&globs)
                )
            })
            .collect()
    })
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = [
        (SourceKind::Github, "github", EventType::IssueLabeled),
        (SourceKind::Github, "github", EventType::IssueOpened),
        (SourceKind::Gitlab, "gitlab", EventType::IssueLabeled),
        (SourceKind::Jira, "jira", EventType::IssueLabeled),
        (SourceKind::Github, "github", EventType::CommentCreated),
        (SourceKind::Github, "ghes", EventType::Push),
        (SourceKind::Github, "github", EventType::Push),
    ];
    let repositories = [
        None,
        Some("acme/api"),
        Some("acme/web"),
        Some("other/api"),
        Some("group/sub/app"),
        Some("acme/apix"),
    ];
    let comments = ["/agent do", "> /agent do", "so /fix it", "/fix\n/agent", ""];
    (
        select(kinds.to_vec()),
        select(repositories.to_vec()),
        subsequence(LABELS, 0..3),
        select(comments.to_vec()),
        select(&[None, Some("PAY"), Some("OPS"), Some("X")][..]),
    )
        .prop_map(|((source, connection, kind), repository, labels, comment, project)| {
            let connection = ConnectionName::from(connection);
            let repository = repository.and_then(|path| RepoRef::new(&connection, path).ok());
            let added: Vec<Untrusted> = labels.into_iter().map(Untrusted::from).collect();
            Event {
                repository: repository.map(|name| Repository { name, default_branch: None }),
                label: added.first().cloned(),
                added_labels: added,
                comment: Some(Comment { body: Untrusted::from(comment), ..Comment::default() }),
                project: project.map(str::to_owned),
                ..Event::new(DeliveryId(uuid::Uuid::nil()), source, connection, kind)
            }
        })
}

fn names<'a>(rules: impl Iterator<Item = &'a dispatcher::rules::Rule>) -> Vec<&'a str> {
    rules.map(|rule| rule.automation.name.as_str()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_index_finds_what_asking_everybody_finds(
        automations in automations(),
        events in proptest::collection::vec(event(), 1..20),
    ) {
        let set = set(&automations);
        for event in &events {
            let asked = names(set.rules().iter().filter(|rule| rule.listens(event)));
            prop_assert_eq!(names(set.candidates(event)), asked, "{:?}", event);
        }
    }
}

fn labelled(label: &str, repository: &str) -> Event {
    let github = ConnectionName::from("github");
    Event {
        repository: Some(Repository {
            name: RepoRef::new(&github, repository).unwrap(),
            default_branch: None,
        }),
        label: Some(Untrusted::from(label)),
        added_labels: vec![Untrusted::from(label)],
        ..Event::new(DeliveryId(uuid::Uuid::nil()), SourceKind::Github, github, EventType::IssueLabeled)
    }
}

/// Three thousand that listen to other labels, other repositories, or other events, and five that do.
fn large() -> RuleSet {
    let other = |number: usize| match number % 3 {
        0 => format!(
            "  - {{ name: l{number}, on: [{{ source: github, event: issue.labeled, label_command: l{number} }}] }}\n"
        ),
        1 => format!(
            "  - {{ name: r{number}, repos: [github/acme/r{number}], on: [{{ source: github, event: issue.labeled }}] }}\n"
        ),
        _ => format!(
            "  - {{ name: p{number}, on: [{{ source: jira, event: issue.labeled, project: P{number} }}] }}\n"
        ),
    };
    let wanted = (0..5).map(|number| {
        format!("  - {{ name: w{number}, on: [{{ source: github, event: issue.labeled, label_command: 'agent:fix' }}] }}\n")
    });
    let all: Vec<String> = (0..3_000).map(other).chain(wanted).collect();
    let head = "version: 1\ndefaults: { run: { commands: [x] }, allow: { users: [ana] } }\nautomations:\n";
    let files = all.chunks(500).enumerate();
    load_texts(files.map(|(n, part)| (format!("{n}.yaml"), format!("{head}{}", part.concat()))).collect())
        .unwrap()
}

#[test]
fn a_large_set_costs_an_event_little() {
    let set = large();
    let event = labelled("agent:fix", "acme/api");
    assert_eq!(names(set.candidates(&event)), ["w0", "w1", "w2", "w3", "w4"]);
    let clock = SystemClock::new();
    let started = clock.monotonic();
    for _ in 0..1_000 {
        assert_eq!(set.candidates(&event).count(), 5);
    }
    // Unoptimised and on a busy machine; asking each of them takes a hundred times as long.
    let each = (clock.monotonic() - started) / 1_000;
    assert!(each.as_micros() < 500, "{each:?}");
}

#[test]
fn every_event_meets_one_whole_set() {
    let only = |label: &str| {
        let on = format!("{{ source: github, event: issue.labeled, label_command: {label} }}");
        set(&[
            format!("  - {{ name: {label}-1, on: [{on}] }}\n"),
            format!("  - {{ name: {label}-2, on: [{on}] }}\n"),
        ])
    };
    // Both automations of one set hear the one label, both of the other the other.
    let sets = [Arc::new(only("a")), Arc::new(only("b"))];
    let active = RwLock::new(Arc::clone(&sets[0]));
    let events = [labelled("a", "acme/api"), labelled("b", "acme/api")];
    thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            for number in 0..10_000 {
                *active.write().unwrap() = Arc::clone(&sets[number % 2]);
            }
        });
        while !swapping.is_finished() {
            let set = Arc::clone(&active.read().unwrap());
            let found: Vec<usize> = events.iter().map(|event| set.candidates(event).count()).collect();
            assert!(found == [2, 0] || found == [0, 2], "{found:?}");
        }
    });
}
