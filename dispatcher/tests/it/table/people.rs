//! `allow`: who may.

use schemas::automation::Permission;
use serde_json::json;

use super::events::{github, gitlab, jira, sentry};
use super::{Table, World};

#[test]
fn people() {
    let world = &World::default();
    let with = |permission| World { permission: Ok(permission), ..World::default() };
    let mut table = Table::default();
    let on = "source: github, event: issue.opened";
    let opened = github("issue.opened", &[]);

    table.group("allow.permission");
    for has in [Permission::None, Permission::Read, Permission::Triage, Permission::Write, Permission::Admin]
    {
        table.row(&format!("write unless said, has {has}"), on, "", &opened, &with(has));
        table.row(&format!("triage, has {has}"), on, "allow: { permission: triage }", &opened, &with(has));
    }
    table.row("none is enough", on, "allow: { permission: none }", &opened, &with(Permission::None));
    let silent = World { permission: Err("no answer".to_owned()), ..World::default() };
    table.row("not answered", on, "", &opened, &silent);
    let member = github("issue.opened", &[("/issue/author_association", json!("OWNER"))]);
    table.row("what the payload says of them counts for nothing", on, "", &member, &with(Permission::Read));
    let gitlab_on = "source: gitlab, event: issue.opened";
    table.row("gitlab", gitlab_on, "", &gitlab("issue.opened", &[]), world);

    table.group("allow.users and allow.teams");
    table.row("named", on, "allow: { users: [Ana] }", &opened, world);
    table.row("another is named", on, "allow: { users: [bo] }", &opened, world);
    table.row(
        "named, without the permission",
        on,
        "allow: { users: [ana] }",
        &opened,
        &with(Permission::Read),
    );
    let in_team = World { memberships: vec!["acme/core"], ..World::default() };
    table.row("in the team", on, "allow: { teams: [acme/core] }", &opened, &in_team);
    table.row("in another team", on, "allow: { teams: [acme/web] }", &opened, &in_team);
    table.row("one of two teams", on, "allow: { teams: [acme/web, acme/core] }", &opened, &in_team);
    table.row("named or in the team", on, "allow: { users: [bo], teams: [acme/core] }", &opened, &in_team);
    table.row(
        "jira's groups say nothing of github's people",
        "source: github, event: issue.opened }, { source: jira, event: issue.opened",
        "allow: { groups: [devs] }",
        &opened,
        &in_team,
    );
    table.row(
        "gitlab, in the group",
        gitlab_on,
        "allow: { teams: [acme/core] }",
        &gitlab("issue.opened", &[]),
        &in_team,
    );

    table.group("allow.bots");
    let bot = |login: &str, kind: &str| {
        github("issue.opened", &[("/sender/login", json!(login)), ("/sender/type", json!(kind))])
    };
    table.row("unnamed", on, "", &bot("renovate[bot]", "Bot"), world);
    table.row("named", on, "allow: { bots: ['renovate[bot]'] }", &bot("renovate[bot]", "Bot"), world);
    table.row(
        "named without the suffix",
        on,
        "allow: { bots: [renovate] }",
        &bot("renovate[bot]", "Bot"),
        world,
    );
    table.row("another bot", on, "allow: { bots: [renovate] }", &bot("evil[bot]", "Bot"), world);
    table.row("the suffix alone", on, "allow: { bots: ['[bot]'] }", &bot("evil[bot]", "Bot"), world);
    table.row(
        "a person of a bot's name",
        on,
        "allow: { bots: [renovate] }",
        &bot("renovate", "User"),
        &with(Permission::Read),
    );
    table.row("an organisation", on, "", &bot("acme", "Organization"), world);
    let token = gitlab("issue.opened", &[("/user/username", json!("project_12_bot_0c62a1"))]);
    table.row("gitlab, a token's user", gitlab_on, "", &token, world);
    table.row(
        "gitlab, a token's user, named",
        gitlab_on,
        "allow: { bots: [project_12_bot_0c62a1] }",
        &token,
        world,
    );
    table.row("nobody", on, "", &github("issue.opened", &[("/sender", json!(null))]), world);

    table.group("allow.forks");
    let on_fork = "source: github, event: pull_request.opened";
    let fork = github("pull_request.opened", &[("/pull_request/head/repo/full_name", json!("eve/api"))]);
    let gone = github("pull_request.opened", &[("/pull_request/head/repo", json!(null))]);
    table.row("unless said", on_fork, "", &fork, world);
    table.row("a fork that is gone", on_fork, "", &gone, world);
    table.row("allowed", on_fork, "allow: { forks: true }", &fork, world);
    table.row(
        "allowed, without the permission",
        on_fork,
        "allow: { forks: true }",
        &fork,
        &with(Permission::Read),
    );
    let link = json!({ "url": "https://api.github.com/repos/acme/api/pulls/12" });
    let comment = github("comment.created", &[("/issue/pull_request", link)]);
    let mut of_fork = world.clone();
    of_fork.pull_request.fork = true;
    table.row(
        "a comment on one from a fork",
        "source: github, event: comment.created",
        "",
        &comment,
        &of_fork,
    );
    let foreign = gitlab("pull_request.opened", &[("/object_attributes/source_project_id", json!(9))]);
    table.row("gitlab, from a fork", "source: gitlab, event: pull_request.opened", "", &foreign, world);

    table.group("people of trackers");
    let on = "source: jira, event: issue.opened";
    let run = "run: { commands: [make], repo: github/acme/api }";
    let opened = jira("issue.opened", &[]);
    let devs = World { memberships: vec!["developers", "Administrators"], ..World::default() };
    for (name, allow, world) in [
        ("named by account", "{ users: [5b10a2] }", world),
        ("another account", "{ users: [other] }", world),
        ("in the group", "{ groups: [developers] }", &devs),
        ("not in the group", "{ groups: [developers] }", world),
        ("in the role", "{ roles: [Administrators] }", &devs),
        ("not in the role", "{ roles: [Users] }", &devs),
        ("group or role", "{ groups: [nobody], roles: [Administrators] }", &devs),
    ] {
        table.row(name, on, &format!("allow: {allow}\n    {run}"), &opened, world);
    }
    let app = jira("issue.opened", &[("/user/accountType", json!("app"))]);
    table.row("an app", on, &format!("allow: {{ users: [5b10a2] }}\n    {run}"), &app, world);
    table.row("an app that is named", on, &format!("allow: {{ bots: [5b10a2] }}\n    {run}"), &app, world);

    table.group("what a tool does by itself");
    for event in ["alert.triggered", "alert.resolved", "error.created", "issue.opened"] {
        let on = format!("source: sentry, event: {event}");
        let more = format!("allow: {{ users: [ana] }}\n    {run}");
        table.row(&format!("sentry, {event}"), &on, &more, &sentry(event, &[]), &with(Permission::None));
    }
    let on = "source: github, event: pipeline.completed";
    table.row(
        "a pipeline needs its actor",
        on,
        "",
        &github("pipeline.completed", &[]),
        &with(Permission::Read),
    );
    insta::assert_snapshot!(table.text());
}
