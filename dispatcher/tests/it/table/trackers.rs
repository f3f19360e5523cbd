//! `project`, `level`, `environment`, `to`, `connection`.

use serde_json::json;

use super::events::{github, jira, sentry};
use super::{Table, World};

const HERE: &str = "run: { commands: [make], repo: github/acme/api }";

#[test]
fn trackers() {
    let world = &World::default();
    let mut table = Table::default();

    table.group("project");
    for wanted in ["api", "[web, api]", "web", "API"] {
        let on = format!("source: sentry, event: alert.triggered, project: {wanted}");
        table.row(&format!("sentry, {wanted}"), &on, HERE, &sentry("alert.triggered", &[]), world);
    }
    let more = format!("allow: {{ users: [5b10a2] }}\n    {HERE}");
    for wanted in ["PAY", "OPS"] {
        let on = format!("source: jira, event: issue.opened, project: {wanted}");
        table.row(&format!("jira, {wanted}"), &on, &more, &jira("issue.opened", &[]), world);
    }

    table.group("level");
    for (wanted, level) in
        [("error", "error"), ("[error, fatal]", "fatal"), ("error", "warning"), ("Error", "error")]
    {
        let on = format!("source: sentry, event: error.created, level: {wanted}");
        let event = sentry("error.created", &[("/data/error/level", json!(level))]);
        table.row(&format!("{wanted}, it is {level}"), &on, HERE, &event, world);
    }
    let on = "source: sentry, event: alert.triggered, level: error";
    table.row("an alert", on, HERE, &sentry("alert.triggered", &[]), world);

    table.group("environment");
    for wanted in ["production", "[staging, production]", "staging"] {
        let on = format!("source: sentry, event: alert.triggered, environment: {wanted}");
        table.row(wanted, &on, HERE, &sentry("alert.triggered", &[]), world);
    }
    let on = "source: sentry, event: alert.triggered, environment: staging";
    let tags = json!([["environment", "staging"]]);
    let event =
        sentry("alert.triggered", &[("/data/event/environment", json!(null)), ("/data/event/tags", tags)]);
    table.row("by its tag", on, HERE, &event, world);
    let tags = json!([{ "key": "environment", "value": "staging" }]);
    let event =
        sentry("alert.triggered", &[("/data/event/environment", json!(null)), ("/data/event/tags", tags)]);
    table.row("by its tag, spelt out", on, HERE, &event, world);
    let event = sentry(
        "alert.triggered",
        &[("/data/event/environment", json!(null)), ("/data/event/tags", json!([]))],
    );
    table.row("none", on, HERE, &event, world);

    table.group("to");
    for wanted in ["In Progress", "in progress", "Done", "[Done, In Progress]"] {
        let on = format!("source: jira, event: issue.transitioned, to: {wanted}");
        table.row(wanted, &on, &more, &jira("issue.transitioned", &[]), world);
    }

    table.group("connection");
    for wanted in ["github", "ghes"] {
        let on = format!("source: github, event: issue.opened, connection: {wanted}");
        table.row(wanted, &on, "", &github("issue.opened", &[]), world);
    }

    table.group("event");
    let on = "source: github, event: [issue.opened, issue.reopened]";
    table.row("one of two", on, "", &github("issue.opened", &[]), world);
    table.row("neither", on, "", &github("issue.labeled", &[]), world);
    let two = "source: github, event: issue.opened, labels: { any: [bug] } }, { source: github, event: issue.opened, labels: { any: [crash] }";
    let carries = |name: &str| github("issue.opened", &[("/issue/labels", json!([{ "name": name }]))]);
    for name in ["bug", "crash", "docs"] {
        table.row(&format!("two entries, {name}"), two, "", &carries(name), world);
    }
    insta::assert_snapshot!(table.text());
}
