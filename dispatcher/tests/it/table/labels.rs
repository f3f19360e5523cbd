//! `label_command`, `label`, `labels`.

use serde_json::json;

use super::events::{github, gitlab, jira};
use super::{Table, World};

#[test]
fn labels() {
    let world = &World::default();
    let mut table = Table::default();
    let label = |name: &str| {
        github("issue.labeled", &[("/label/name", json!(name)), ("/issue/labels/0/name", json!(name))])
    };
    let carries = |names: &[&str]| {
        let labels: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
        github("issue.opened", &[("/issue/labels", json!(labels))])
    };

    table.group("label_command");
    let on = "source: github, event: issue.labeled, label_command: 'agent:fix'";
    for name in ["agent:fix", "bug", "Agent:Fix", "agent:fix2"] {
        table.row(&format!("github, {name} put on"), on, "", &label(name), world);
    }
    table.row("github, another event", on, "", &carries(&["agent:fix"]), world);
    let on = "source: github, event: pull_request.labeled, label_command: 'agent:fix'";
    for name in ["agent:fix", "bug"] {
        let event = github("pull_request.labeled", &[("/label/name", json!(name))]);
        table.row(&format!("github pull request, {name} put on"), on, "", &event, world);
    }
    let gitlab_labels = |before: &[&str], after: &[&str]| {
        let list =
            |names: &[&str]| names.iter().map(|name| json!({ "id": 1, "title": name })).collect::<Vec<_>>();
        let changes = json!({ "labels": { "previous": list(before), "current": list(after) } });
        gitlab("issue.labeled", &[("/changes", changes), ("/labels", json!(list(after)))])
    };
    let on = "source: gitlab, event: issue.labeled, label_command: 'agent:fix'";
    for (name, before, after) in [
        ("alone", &[][..], &["agent:fix"][..]),
        ("the second of two", &[], &["bug", "agent:fix"]),
        ("there before", &["agent:fix"], &["agent:fix", "bug"]),
        ("two others", &[], &["bug", "urgent"]),
    ] {
        table.row(&format!("gitlab, {name}"), on, "", &gitlab_labels(before, after), world);
    }
    let jira_labels = |before: &str, after: &str| {
        let change =
            json!({ "field": "labels", "fieldtype": "jira", "fromString": before, "toString": after });
        jira("issue.labeled", &[("/changelog/items", json!([change]))])
    };

    table.group("label");
    let on = "source: jira, event: issue.labeled, label: agent-fix";
    let more = "allow: { users: [5b10a2] }\n    run: { commands: [make], repo: github/acme/api }";
    for (name, before, after) in [
        ("alone", "", "agent-fix"),
        ("the second of two", "", "bug agent-fix"),
        ("there before", "agent-fix", "agent-fix bug"),
    ] {
        table.row(&format!("jira, {name}"), on, more, &jira_labels(before, after), world);
    }
    let on = "source: github, event: issue.labeled, label: [bug, crash]";
    for name in ["bug", "crash", "docs"] {
        table.row(&format!("github, {name} put on"), on, "", &label(name), world);
    }
    let on = "source: gitlab, event: issue.labeled, label: crash";
    table.row("gitlab, one of two", on, "", &gitlab_labels(&[], &["bug", "crash"]), world);
    table.row("gitlab, none of two", on, "", &gitlab_labels(&[], &["bug", "docs"]), world);

    table.group("labels");
    let rows: [(&str, &str, &[&str]); 11] = [
        ("any, one of them", "any: [bug, crash]", &["crash", "docs"]),
        ("any, another", "any: [bug, crash]", &["docs"]),
        ("any, none at all", "any: [bug, crash]", &[]),
        ("all, both", "all: [bug, crash]", &["crash", "bug", "docs"]),
        ("all, one missing", "all: [bug, crash]", &["bug"]),
        ("none, free of it", "none: [wontfix]", &["bug"]),
        ("none, not free of it", "none: [wontfix]", &["bug", "wontfix"]),
        ("none, no labels", "none: [wontfix]", &[]),
        ("all three hold", "any: [bug], all: [crash], none: [wontfix]", &["bug", "crash"]),
        ("any holds, none does not", "any: [bug], none: [wontfix]", &["bug", "wontfix"]),
        ("case counts", "any: [bug]", &["Bug"]),
    ];
    for (name, filter, labels) in rows {
        let on = format!("source: github, event: issue.opened, labels: {{ {filter} }}");
        table.row(name, &on, "", &carries(labels), world);
    }
    insta::assert_snapshot!(table.text());
}
