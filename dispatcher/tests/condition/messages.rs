//! What people read about a mistake: what is wrong, where, and what to write instead.

use dispatcher::condition::Condition;

/// The text with the place marked below it.
fn explained(text: &str) -> String {
    let error = Condition::compile(text).unwrap_err();
    let shown: String = text.chars().take(100).collect();
    let before = text[..error.offset].chars().count();
    let marked = text[error.offset..error.offset + error.len].chars().count().clamp(1, 100);
    format!("{shown}\n{}{}\n{}\n  {}\n", " ".repeat(before), "^".repeat(marked), error.message, error.remedy)
}

fn all(texts: &[&str]) -> String {
    texts.iter().map(|text| explained(text)).collect::<Vec<_>>().join("\n")
}

#[test]
fn names() {
    insta::assert_snapshot!(all(&[
        "event.lables.exists(l, l == 'bug')",
        "event.item.titel == 'x'",
        "event.item.number == 5",
        "labels.exists(l, l == 'bug')",
        "evnt.label == 'bug'",
        "event.label == bug",
        "event.label.name == 'bug'",
        "event.labels.exists(l, l.name == 'bug')",
        "event.labels.exists(l, x == 'bug')",
        "event.labels.exists(event, event == 'bug')",
        "has(event.lable)",
        "event.typ == 'push'",
        "github.event.label == 'bug'",
    ]));
}

#[test]
fn kinds() {
    insta::assert_snapshot!(all(&[
        "event.comment.line == '5'",
        "event.item.key == 12",
        "event.labels == 'bug'",
        "event.label in event.item.title",
        "5 in event.labels",
        "event.labels.contains('bug')",
        "event.item.draft > 0",
        "event.item == 'x'",
        "event.label",
        "event.labels",
        "event.item",
        "event.comment.line",
        "event.label && event.item.draft",
        "event.labels.all(l, l)",
        "event.labels.filter(l, l == 'x')",
        "event.label.exists(l, l == 'x')",
        "event.item.title + 'x' == 'y'",
        "event.labels + ['x'] == []",
        "event.label == null",
        "event.comment.line > 1.5",
        "event.item['key'] == '12'",
        "event.labels['x'] == '12'",
        "['a', 1].exists(x, event.label == x)",
        "(event.item.draft ? 'a' : 1) == 'a'",
        "{'a': event.label} == {'b': 'c'}",
        "size(event.item) > 1",
        "int(event.labels) > 1",
        "event.type == 'issue.labelled'",
        "event.type in ['issue.opened', 'issue.create']",
        "event.actor.kind == 'user'",
        "event.source == 'github.com'",
    ]));
}

#[test]
fn functions() {
    insta::assert_snapshot!(all(&[
        "event.label.toLowerCase() == 'bug'",
        "event.label.startswith('x')",
        "event.label.starts_with('x')",
        "event.labels.any(l, l == 'x')",
        "len(event.labels) > 1",
        "startsWith(event.label, 'x')",
        "event.label.startsWith()",
        "event.label.startsWith('a', 'b')",
        "event.label.startsWith(5)",
        "event.labels.exists('bug')",
        "event.label.matches(event.item.title)",
        "event.label.matches('(unclosed')",
        "event.label.matches('(a{500}){500}')",
        "event.label.frobnicate()",
        "getenv('HOME') == event.label",
    ]));
}

#[test]
fn syntax() {
    insta::assert_snapshot!(all(&[
        "",
        "   ",
        "event.label ==",
        "event.label = 'bug'",
        "event.label == 'bug' and event.item.draft",
        "event.label == 'bug' or event.item.draft",
        "not event.item.draft",
        "event.label == 'bug",
        "(event.label == 'bug'",
        "event.label == 'bug')",
        "event.label == 'bug' event.item.draft",
        "event.label == 'bug' & event.item.draft",
        "event.labels.exists(l.x, l == 'a')",
        "'Größe' == event.label &&\n  event.lable == 'x'",
        "event.?label == 'x'",
        "${{ event.label }} == 'x'",
        "true",
        "1 == 1",
    ]));
}

#[test]
fn bounds() {
    let deep = format!("{}event.item.draft{}", "(".repeat(31), ")".repeat(31));
    let long = format!("event.label == '{}'", "x".repeat(4096));
    let many = vec!["event.item.draft"; 240].join("||");
    insta::assert_snapshot!(all(&[
        &deep,
        &long,
        &many,
        "event.labels.exists(a, event.labels.exists(b, a == b && a != 'x'))",
        "event.labels.exists(a, ['x'].exists(b, ['y'].exists(c, a == b && b == c)))",
        "event.labels.exists(l, event.item.body.matches('x+y'))",
    ]));
}
