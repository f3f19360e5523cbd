//! `repos`, and the repository of events that name none.

use dispatcher::decide::routing::{ProjectRoute, Routing};
use schemas::event::SourceKind;
use schemas::{ConnectionName, RepoRef};
use serde_json::json;

use super::events::{github, jira, sentry};
use super::{Table, World};

fn repo(name: &str) -> RepoRef {
    name.parse().unwrap()
}

fn routed(routing: Routing) -> World {
    let mut world = World::default();
    world.context.routing = routing;
    world
}

#[test]
fn where_to() {
    let world = &World::default();
    let mut table = Table::default();

    table.group("repos");
    let on = "source: github, event: issue.opened";
    for repos in [
        "['github/acme/*']",
        "['github/acme/api']",
        "['github/other/*']",
        "['github/*']",
        "['github/**']",
        "['github/acme/*', '!github/acme/api']",
        "['!github/acme/web']",
        "['gitlab/acme/*']",
    ] {
        table.row(repos, on, &format!("repos: {repos}"), &github("issue.opened", &[]), world);
    }

    table.group("routing");
    let on = "source: sentry, event: alert.triggered";
    let alert = sentry("alert.triggered", &[]);
    let route = |connection: Option<&str>, project: &str, repository: &str| ProjectRoute {
        kind: SourceKind::Sentry,
        connection: connection.map(ConnectionName::from),
        project: project.to_owned(),
        repository: repo(repository),
    };
    let projects = |projects: Vec<ProjectRoute>| routed(Routing { projects, ..Routing::default() });
    table.row("nothing says where", on, "", &alert, world);
    table.row("run.repo", on, "run: { commands: [make], repo: github/acme/web }", &alert, world);
    table.row("the project", on, "", &alert, &projects(vec![route(None, "api", "github/acme/api")]));
    table.row("another project", on, "", &alert, &projects(vec![route(None, "web", "github/acme/web")]));
    let both = projects(vec![
        route(None, "api", "github/acme/all"),
        route(Some("sentry"), "api", "github/acme/this"),
    ]);
    table.row("the connection's project first", on, "", &alert, &both);
    let elsewhere = projects(vec![route(Some("sentry-eu"), "api", "github/acme/eu")]);
    table.row("another connection's project", on, "", &alert, &elsewhere);
    let only = routed(Routing { only: Some(repo("github/acme/api")), ..Routing::default() });
    table.row("the only repository", on, "", &alert, &only);
    let run = "run: { commands: [make], repo: github/acme/web }";
    table.row("run.repo before the only one", on, run, &alert, &only);
    table.row("repos has to cover it", on, "repos: ['github/other/*']", &alert, &only);

    table.group("a label that names a repository");
    let on = "source: jira, event: issue.opened";
    let more = "allow: { users: [5b10a2] }";
    let aliases =
        vec![("api".to_owned(), repo("github/acme/api")), ("web".to_owned(), repo("github/acme/web"))];
    let world = routed(Routing { aliases, only: Some(repo("github/acme/only")), ..Routing::default() });
    for labels in [
        &["repo-api"][..],
        &["Repo-API"],
        &["bug"],
        &["repo-none"],
        &["repo-api", "repo-web"],
        &["repo-api", "repo-API"],
    ] {
        let event = jira("issue.opened", &[("/issue/fields/labels", json!(labels))]);
        table.row(&format!("{labels:?}"), on, more, &event, &world);
    }
    let event = github("issue.opened", &[("/issue/labels", json!([{ "name": "repo-web" }]))]);
    table.row("the event's own repository first", "source: github, event: issue.opened", "", &event, &world);
    insta::assert_snapshot!(table.text());
}
