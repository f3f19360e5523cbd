//! Mistakes in `connections:`.

use insta::assert_snapshot;

use super::{RIGHT, mistake};

#[test]
fn a_token_and_an_app() {
    assert_snapshot!(mistake(&RIGHT.replace("auth: { ", "auth: { app: { id: 1 }, ")), @r#"
     × pullwright.yaml:4:58: `auth` has both a token and an App
      ╭────
    4 │   github: { kind: github, auth: { app: { id: 1 }, token: "${env:TOKEN}" } }
      ·                                                          ───────┬──────
      ·                                                                 ╰── here
      ╰────
     help: keep one: an App where you can, a token otherwise
    "#);
}

#[test]
fn an_app_without_a_key() {
    assert_snapshot!(mistake(&RIGHT.replace("token: \"${env:TOKEN}\"", "app: { id: 7 }")), @r"
     × pullwright.yaml:4:46: the App has no `private_key`
      ╭────
    4 │   github: { kind: github, auth: { app: { id: 7 } } }
      ·                                              ┬
      ·                                              ╰── here
      ╰────
     help: add `private_key: ${file:/path/to/app.pem}`
    ");
}

#[test]
fn a_forge_without_encryption() {
    assert_snapshot!(mistake(&RIGHT.replace("auth:", "url: http://git.example.com/api/v3, auth:")), @r#"
     × pullwright.yaml:4:32: the credential would travel unencrypted
      ╭────
    4 │   github: { kind: github, url: http://git.example.com/api/v3, auth: { token: "${env:TOKEN}" } }
      ·                                ──────────────┬──────────────
      ·                                              ╰── here
      ╰────
     help: write it like https://gitlab.example.com, and https://github.example.com/api/v3 for a
           GitHub of your own
    "#);
}

#[test]
fn a_kind_that_needs_no_connection() {
    assert_snapshot!(mistake("connections:\n  it: { kind: linear, auth: { token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:15: this version does not call linear
      ╭────
    2 │   it: { kind: linear, auth: { token: "${env:T}" } }
      ·               ───┬──
      ·                  ╰── here
      ╰────
     help: leave it out: events of a linear webhook need no connection
    "#);
    assert_snapshot!(mistake("connections:\n  it: { kind: generic, auth: { token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:15: a connection has a kind of its own
      ╭────
    2 │   it: { kind: generic, auth: { token: "${env:T}" } }
      ·               ───┬───
      ·                  ╰── here
      ╰────
     help: leave it out: events of a generic webhook belong to any connection, or to none
    "#);
    assert_snapshot!(mistake("connections:\n  it: { kind: trello, auth: { token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:15: `trello` is not possible here
      ╭────
    2 │   it: { kind: trello, auth: { token: "${env:T}" } }
      ·               ───┬──
      ·                  ╰── here
      ╰────
     help: possible here: github, gitlab, jira, sentry, gitea, bitbucket, linear, slack, generic
    "#);
}

#[test]
fn a_jira_without_an_address() {
    assert_snapshot!(mistake("connections:\n  it: { kind: jira, auth: { token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:7: the connection `it` has no `url`
      ╭────
    2 │   it: { kind: jira, auth: { token: "${env:T}" } }
      ·       ┬
      ·       ╰── here
      ╰────
     help: add `url: https://YOUR-SITE.atlassian.net`, or where your own Jira is
    "#);
}

#[test]
fn a_jira_cloud_without_an_email() {
    assert_snapshot!(mistake("connections:\n  it: { kind: jira, url: https://acme.atlassian.net, auth: { token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:7: the connection `it` has a token without its `email`
      ╭────
    2 │   it: { kind: jira, url: https://acme.atlassian.net, auth: { token: "${env:T}" } }
      ·       ┬
      ·       ╰── here
      ╰────
     help: add the account's: `auth: { email: …, token: … }`; Jira Cloud takes both together
    "#);
}

#[test]
fn an_email_that_is_none() {
    assert_snapshot!(mistake("connections:\n  it: { kind: jira, url: https://acme.atlassian.net, auth: { email: bot, token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:69: `bot` is no e-mail address
      ╭────
    2 │   it: { kind: jira, url: https://acme.atlassian.net, auth: { email: bot, token: "${env:T}" } }
      ·                                                                     ─┬─
      ·                                                                      ╰── here
      ╰────
     help: write the one that the account logs in with
    "#);
    assert_snapshot!(mistake("connections:\n  it: { kind: jira, url: https://acme.atlassian.net, auth: { email: bot@acme.dev } }\n"), @r"
     × pullwright.yaml:2:69: `auth` has an `email` and no `token`
      ╭────
    2 │   it: { kind: jira, url: https://acme.atlassian.net, auth: { email: bot@acme.dev } }
      ·                                                                     ──────┬─────
      ·                                                                           ╰── here
      ╰────
     help: add `token: ${env:NAME}`
    ");
}

#[test]
fn who_we_are_elsewhere() {
    assert_snapshot!(mistake("connections:\n  it: { kind: gitlab, auth: { app: { id: 7, private_key: \"${env:K}\" } } }\n"), @r#"
     × pullwright.yaml:2:42: `app` is GitHub's
      ╭────
    2 │   it: { kind: gitlab, auth: { app: { id: 7, private_key: "${env:K}" } } }
      ·                                          ┬
      ·                                          ╰── here
      ╰────
     help: a gitlab connection has `auth: { token: "${env:NAME}" }`
    "#);
    assert_snapshot!(mistake("connections:\n  it: { kind: sentry, auth: { email: bot@acme.dev, token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:38: `email` is Jira's
      ╭────
    2 │   it: { kind: sentry, auth: { email: bot@acme.dev, token: "${env:T}" } }
      ·                                      ──────┬─────
      ·                                            ╰── here
      ╰────
     help: a sentry connection has `auth: { token: "${env:NAME}" }`
    "#);
    assert_snapshot!(mistake("connections:\n  it: { kind: gitlab }\n"), @r#"
     × pullwright.yaml:2:7: the connection `it` has no `auth`
      ╭────
    2 │   it: { kind: gitlab }
      ·       ┬
      ·       ╰── here
      ╰────
     help: add `auth: { token: "${env:NAME}" }`
    "#);
}
