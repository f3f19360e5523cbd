//! `command`, `mention`, `state`, `dispatch`, and the loop guard, which reads what was written too.

use forge::Identity;
use schemas::ConnectionName;
use serde_json::json;

use super::events::{github, gitlab, jira};
use super::{Table, World};

#[test]
fn said() {
    let world = &World::default();
    let mut table = Table::default();
    let says = |text: &str| github("comment.created", &[("/comment/body", json!(text))]);

    table.group("command");
    let on = "source: github, event: comment.created, command: /agent";
    for text in [
        "/agent fix it",
        "Thanks!\n\n/agent",
        "/Agent fix it",
        "/agent: fix it",
        "please /agent fix it",
        "> /agent fix it",
        "> /agent fix it\n\nno",
        "`/agent fix it`",
        "```\n/agent\n```",
        "    /agent",
        "<!-- \n/agent\n-->",
        "/agents fix it",
        "/other",
        "/agent why",
        "/agent approve 12345678",
        "/agent cancel",
        "/agent whyever",
        "hello",
    ] {
        table.row(&format!("{text:?}"), on, "", &says(text), world);
    }
    let on = "source: gitlab, event: comment.created, command: [/agent, /fix]";
    for text in ["/fix now", "/assign @ana"] {
        let event = gitlab("comment.created", &[("/object_attributes/note", json!(text))]);
        table.row(&format!("gitlab, {text:?}"), on, "", &event, world);
    }
    let on = "source: jira, event: comment.created, command: /agent";
    let more = "allow: { users: [5b10a2] }\n    run: { commands: [make], repo: github/acme/api }";
    for text in ["/agent fix it", "{quote}\n/agent fix it\n{quote}", "{code}\n/agent\n{code}", "bq. /agent"] {
        table.row(
            &format!("jira, {text:?}"),
            on,
            more,
            &jira("comment.created", &[("/comment/body", json!(text))]),
            world,
        );
    }

    table.group("mention");
    let on = "source: github, event: comment.created, mention: '@pullwright'";
    for text in
        ["@pullwright please", "ask @Pullwright.", "@pullwright-bot", "> @pullwright", "`@pullwright`"]
    {
        table.row(&format!("{text:?}"), on, "", &says(text), world);
    }
    let on = "source: github, event: issue.opened, mention: '@pullwright'";
    let event = github("issue.opened", &[("/issue/body", json!("For @pullwright"))]);
    table.row("in the text of an issue", on, "", &event, world);

    table.group("state");
    for state in ["changes_requested", "approved", "commented"] {
        let on = "source: github, event: review.submitted, state: [changes_requested, commented]";
        table.row(state, on, "", &github("review.submitted", &[("/review/state", json!(state))]), world);
    }

    table.group("dispatch");
    for name in ["update-dependencies", "other"] {
        let on = format!("source: github, event: dispatch.received, dispatch: {name}");
        table.row(name, &on, "", &github("dispatch.received", &[]), world);
    }

    table.group("the loop guard");
    let on = "source: github, event: comment.created";
    let marked = |instance: &str, depth: u32| format!("<!-- pullwright:origin {instance} {depth} -->");
    table.row("our own marker", on, "", &says(&format!("done\n{}", marked("us", 1))), world);
    table.row("our own marker, quoted", on, "", &says(&format!("> {}\n\nwhy?", marked("us", 1))), world);
    for depth in [1, 2, 3, 4_000_000_000] {
        let text = format!("done\n{}\n", marked("them", depth));
        table.row(&format!("another's marker, depth {depth}"), on, "", &says(&text), world);
    }
    let opened = |depth| {
        let text = format!("For #12\n\n{}\n", marked("them", depth));
        github("pull_request.opened", &[("/pull_request/body", json!(text))])
    };
    for depth in [2, 3] {
        let name = format!("another's pull request, depth {depth}");
        table.row(&name, "source: github, event: pull_request.opened", "", &opened(depth), world);
    }
    table.row("no marker at all", on, "", &says("<!-- pullwright:origin -->"), world);
    let account = |machine| {
        let mut world = world.clone();
        let us = Identity { id: "1001".into(), login: "ana".into(), machine, grants: None, clock: None };
        world.context.accounts.insert(ConnectionName::from("github"), us);
        world
    };
    table.row("our machine account", on, "", &says("hello"), &account(true));
    table.row("an owner who lends us his token", on, "", &says("hello"), &account(false));
    let on = "source: github, event: pipeline.completed";
    table.row(
        "a pipeline of our machine account",
        on,
        "",
        &github("pipeline.completed", &[]),
        &account(true),
    );
    let own = World { own: true, ..world.clone() };
    for event in ["push", "pull_request.opened", "pull_request.updated"] {
        let on = format!("source: github, event: {event}");
        table.row(&format!("{event} of our commit"), &on, "", &github(event, &[]), &own);
        table.row(&format!("{event} of another's"), &on, "", &github(event, &[]), world);
    }
    let event = github("issue.labeled", &[("/action", json!("unlabeled"))]);
    let on = "source: github, event: issue.unlabeled";
    table.row("a label that we took off", on, "", &event, &own);
    table.row("a label that somebody took off", on, "", &event, world);
    insta::assert_snapshot!(table.text());
}
