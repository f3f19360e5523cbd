//! Mistakes in `repositories:`.

use insta::assert_snapshot;

use super::{RIGHT, mistake};

#[test]
fn a_repository_of_no_connection() {
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - match: githb/acme/*\n")), @r"
     × pullwright.yaml:6:12: there is no connection `githb`
      ╭────
    6 │   - match: githb/acme/*
      ·            ──────┬─────
      ·                  ╰── here
      ╰────
     help: did you mean `github`?
    ");
}

#[test]
fn a_broken_glob() {
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - match: \"github/[acme/*\"\n")), @r#"
     × pullwright.yaml:6:12: `github/[acme/*` is no glob: unclosed character class; missing ']'
      ╭────
    6 │   - match: "github/[acme/*"
      ·            ────────┬───────
      ·                    ╰── here
      ╰────
     help: `*` stands for a part of a name, `**` for any number of parts
    "#);
}

#[test]
fn a_rule_twice() {
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - match: github/a/*\n  - match: github/a/*\n")), @r"
     × pullwright.yaml:7:12: `match: github/a/*` appears twice
      ╭────
    7 │   - match: github/a/*
      ·            ─────┬────
      ·                 ╰── here
      ╰────
     help: put both into one entry
    ");
}

#[test]
fn an_alias_of_many() {
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - {{ match: github/acme/*, alias: api }}\n")), @r"
     × pullwright.yaml:6:36: `alias` leads to one repository, and `match: github/acme/*` is no whole
     │ name of one
      ╭────
    6 │   - { match: github/acme/*, alias: api }
      ·                                    ─┬─
      ·                                     ╰── here
      ╰────
     help: move it to an entry such as `match: github/acme/api`
    ");
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - {{ match: github/acme, sentry_projects: [api] }}\n")), @r"
     × pullwright.yaml:6:45: `sentry_projects` leads to one repository, and `match: github/acme` is
     │ no whole name of one
      ╭────
    6 │   - { match: github/acme, sentry_projects: [api] }
      ·                                             ─┬─
      ·                                              ╰── here
      ╰────
     help: move it to an entry such as `match: github/acme/api`
    ");
}

#[test]
fn an_alias_that_cannot_be_one() {
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - {{ match: github/acme/api, alias: The API }}\n")), @r"
     × pullwright.yaml:6:38: `The API` cannot be an alias
      ╭────
    6 │   - { match: github/acme/api, alias: The API }
      ·                                      ───┬───
      ·                                         ╰── here
      ╰────
     help: use at most 45 of a-z, 0-9, `.`, `-` and `_`: the label is `repo-ALIAS`
    ");
}

#[test]
fn an_alias_twice() {
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - {{ match: github/acme/api, alias: api }}\n  - {{ match: github/acme/web, alias: api }}\n")), @r"
     × pullwright.yaml:7:38: the alias `api` is `github/acme/api` already
      ╭────
    7 │   - { match: github/acme/web, alias: api }
      ·                                      ─┬─
      ·                                       ╰── here
      ╰────
     help: give each repository an alias of its own
    ");
}

#[test]
fn a_project_twice() {
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - {{ match: github/acme/api, jira_projects: [PAY] }}\n  - {{ match: github/acme/web, jira_projects: [OPS, PAY] }}\n")), @r"
     × pullwright.yaml:7:52: the project `PAY` belongs to `github/acme/api` already
      ╭────
    7 │   - { match: github/acme/web, jira_projects: [OPS, PAY] }
      ·                                                    ─┬─
      ·                                                     ╰── here
      ╰────
     help: give it to one repository
    ");
}

#[test]
fn projects_that_are_none() {
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - {{ match: github/acme/api, jira_projects: [pay] }}\n")), @r"
     × pullwright.yaml:6:47: `pay` is no key of a Jira project
      ╭────
    6 │   - { match: github/acme/api, jira_projects: [pay] }
      ·                                               ─┬─
      ·                                                ╰── here
      ╰────
     help: did you mean `PAY`?
    ");
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - {{ match: github/acme/api, sentry_projects: [the api] }}\n")), @r"
     × pullwright.yaml:6:49: `the api` is no project
      ╭────
    6 │   - { match: github/acme/api, sentry_projects: [the api] }
      ·                                                 ───┬───
      ·                                                    ╰── here
      ╰────
     help: write Jira's key, such as PAY, or Sentry's slug, such as api; or CONNECTION/PROJECT
    ");
    assert_snapshot!(mistake(&format!("{RIGHT}repositories:\n  - {{ match: github/acme/api, sentry_projects: [sentry/api] }}\n")), @r"
     × pullwright.yaml:6:49: there is no sentry connection `sentry`
      ╭────
    6 │   - { match: github/acme/api, sentry_projects: [sentry/api] }
      ·                                                 ─────┬────
      ·                                                      ╰── here
      ╰────
     help: write the project alone, or the name of a connection before it
    ");
}

#[test]
fn a_repository_of_a_tracker() {
    assert_snapshot!(mistake("connections:\n  jira: { kind: jira, url: https://jira.acme.dev, auth: { token: \"${env:T}\" } }\nrepositories:\n  - match: jira/acme/api\n"), @r"
     × pullwright.yaml:4:12: jira has no repositories
      ╭────
    4 │   - match: jira/acme/api
      ·            ──────┬──────
      ·                  ╰── here
      ╰────
     help: name a connection of GitHub or GitLab
    ");
}
