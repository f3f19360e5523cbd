//! What conditions say of an event that has everything and of one that has nothing.

use dispatcher::condition::{Condition, EventValue};
use schemas::Untrusted;
use schemas::event::Item;

use crate::support::{everything, holds, nothing};

/// A condition; whether it holds for the event that has everything, and for the one that has nothing.
const TABLE: &[(&str, bool, bool)] = &[
    ("event.id == '00000000-0000-0000-0000-000000000007'", true, true),
    ("event.source == 'github'", true, true),
    ("event.connection == 'github'", true, true),
    ("event.type == 'comment.created'", true, false),
    ("event.type in ['push', 'issue.opened']", false, true),
    ("event.time == '2026-11-21T10:00:00Z'", true, false),
    ("event.time < '2026-12'", true, true),
    ("event.work_item == 'github:acme/api#12'", true, false),
    ("has(event.repository)", true, false),
    ("event.repository.name == 'github/acme/api'", true, false),
    ("event.repository.path.startsWith('acme/')", true, false),
    ("event.repository.default_branch == 'main'", true, false),
    ("has(event.actor)", true, false),
    ("event.actor.id == '1'", true, false),
    ("event.actor.login != 'ana'", false, true),
    ("event.actor.kind in ['bot', 'app']", false, false),
    ("has(event.item)", true, false),
    ("!has(event.item)", false, true),
    ("event.item.key == '12'", true, false),
    ("int(event.item.key) >= 12", true, false),
    ("event.item.title.lower().contains('crash')", true, false),
    ("event.item.body.contains('Größe')", true, false),
    ("event.item.url.endsWith('/12')", true, false),
    ("size(event.item.labels) == 2", true, false),
    ("event.item.author == 'bo'", true, false),
    ("event.item.is_pull_request", true, false),
    ("event.item.draft", true, false),
    ("!event.item.draft && event.item.author != ''", false, false),
    ("'bug' in event.labels", true, false),
    ("!('wontfix' in event.labels)", true, true),
    ("!event.labels.exists(l, l == 'wontfix')", true, true),
    ("event.labels.exists(l, l.startsWith('area/'))", true, false),
    ("event.labels.all(l, l != 'wontfix')", true, true),
    ("event.labels.exists_one(l, l.matches('^area/[A-Z]'))", true, false),
    ("event.labels.filter(l, l != 'bug') == ['area/Parser']", true, false),
    ("'area/parser' in event.labels.map(l, l.lower())", true, false),
    ("event.labels.exists(l, ['area/', 'kind/'].exists(p, l.startsWith(p)))", true, false),
    ("event.labels == []", false, true),
    ("has(event.labels)", true, false),
    ("event.label == 'bug'", true, false),
    ("has(event.label)", true, false),
    ("event.added_labels.exists(l, l == event.label)", true, false),
    ("has(event.comment)", true, false),
    ("event.comment.id == '77'", true, false),
    ("event.comment.body.matches('(?m)^/agent +fix')", true, false),
    ("event.comment.url != ''", true, false),
    ("event.comment.state == 'changes_requested'", true, false),
    ("event.comment.path.endsWith('.rs')", true, false),
    ("event.comment.line > 30 && event.comment.line % 2 == 0", true, false),
    ("has(event.comment.line)", true, false),
    ("-event.comment.line + 50 == 10", true, false),
    ("string(event.comment.line) == '40'", true, false),
    ("has(event.change)", true, false),
    ("event.change.head_ref == 'feature/x'", true, false),
    ("event.change.head.size() == 40", true, false),
    ("event.change.base_ref == event.repository.default_branch", true, true),
    ("event.change.base.startsWith('bbb')", true, false),
    ("event.change.fork", true, false),
    ("event.status == 'In Progress'", true, false),
    ("event.conclusion == 'failure'", true, false),
    ("event.project == 'PAY'", true, false),
    ("event.level in ['error', 'fatal']", true, false),
    ("event.environment == 'production'", true, false),
    ("event.culprit == 'app.main'", true, false),
    ("event.dispatch == 'nightly'", true, false),
    ("event.confidential", true, false),
    ("event.confidential ? event.label == 'bug' : event.label == ''", true, true),
    ("event.labels.size() > 0 && event.labels[0] == 'bug'", true, false),
    ("event.label == 'x' || event.label == 'bug'", true, false),
    ("(event.item.draft ? 'a' : 'b') == 'a'", true, false),
    // Whitespace, comments, and quotes of both kinds.
    ("event.label // the one that was put on\n  == \"bug\"", true, false),
];

#[test]
fn each_says_of_an_event_what_it_says() {
    let (full, empty) = (everything(), nothing());
    for (text, of_full, of_empty) in TABLE {
        assert_eq!(holds(text, &full), Ok(*of_full), "{text}");
        if *text == "int(event.item.key) >= 12" {
            assert!(holds(text, &empty).is_err(), "an empty text is no number");
        } else {
            assert_eq!(holds(text, &empty), Ok(*of_empty), "{text}");
        }
    }
}

#[test]
fn what_cannot_be_told_is_an_error_and_never_no() {
    let empty = nothing();
    let mut many = everything();
    let item = Item { labels: vec![Untrusted::from("x"); 1001], ..Item::default() };
    many.item = Some(item);
    let mut said = Vec::new();
    for (text, event) in [
        ("event.labels[3] == 'x'", &empty),
        ("1 / event.comment.line == 1", &empty),
        ("1 % event.comment.line == 1", &empty),
        ("event.comment.line + 9223372036854775807 > 0", &everything()),
        ("int(event.item.key) == 1", &empty),
        ("'x' in event.labels", &many),
        ("event.labels.exists(l, l == 'x')", &many),
    ] {
        said.push(format!("{text}\n    {}", holds(text, event).unwrap_err()));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_side_that_decides_makes_up_for_one_that_cannot_be_told() {
    assert_eq!(holds("event.labels[3] == 'x' || event.type == 'push'", &nothing()), Ok(true));
    assert_eq!(holds("event.type != 'push' && event.labels[3] == 'x'", &nothing()), Ok(false));
}

#[test]
fn texts_are_seen_to_their_bounds() {
    let mut event = everything();
    let item = event.item.as_mut().unwrap();
    item.body = Untrusted::new("ä".repeat(40_000) + "end");
    item.title = Untrusted::new("ä".repeat(1_000) + "end");
    assert_eq!(holds("event.item.body.contains('end')", &event), Ok(false));
    assert_eq!(holds("event.item.body.size() == 32768", &event), Ok(true));
    assert_eq!(holds("event.item.title.size() == 512", &event), Ok(true));
}

#[test]
fn a_decision_shows_what_the_condition_looked_at() {
    let text = "event.labels.exists(l, l == 'x') && event.item.draft && has(event.comment) && event.item.body == '' \
                && event.comment.line == 1";
    let condition = Condition::compile(text).unwrap();
    let mut event = everything();
    event.item.as_mut().unwrap().body = Untrusted::new("long ".repeat(100));
    insta::assert_snapshot!(condition.saw(&EventValue::new(&event)).replace(", event", ",\nevent"));
}
