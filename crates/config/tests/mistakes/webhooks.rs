//! Mistakes in `webhooks:`.

use insta::assert_snapshot;

use super::{RIGHT, mistake, mistake_in_variable};

#[test]
fn a_webhook_without_a_secret() {
    assert_snapshot!(mistake(&RIGHT.replace(", secret: \"${env:HOOK}\"", "")), @r"
     × pullwright.yaml:2:11: the webhook `github` has no `secret`
      ╭────
    2 │   github: { kind: github }
      ·           ┬
      ·           ╰── here
      ╰────
     help: add `secret: ${env:NAME}`: without it anybody could deliver
    ");
}

#[test]
fn a_webhook_without_a_connection() {
    assert_snapshot!(mistake(&RIGHT.replace("connections:\n  github:", "connections:\n  githup:")), @r#"
     × pullwright.yaml:2:11: the webhook `github` belongs to no connection: there is no `github`
      ╭────
    2 │   github: { kind: github, secret: "${env:HOOK}" }
      ·           ┬
      ·           ╰── here
      ╰────
     help: did you mean `connection: githup`?
    "#);
}

#[test]
fn an_unknown_kind() {
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitlib }\n"), @r"
     × pullwright.yaml:2:17: `gitlib` is not possible here
      ╭────
    2 │   hook: { kind: gitlib }
      ·                 ───┬──
      ·                    ╰── here
      ╰────
     help: did you mean `gitlab`?
    ");
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: trello }\n"), @r"
     × pullwright.yaml:2:17: `trello` is not possible here
      ╭────
    2 │   hook: { kind: trello }
      ·                 ───┬──
      ·                    ╰── here
      ╰────
     help: possible here: github, gitlab, jira, sentry, gitea, bitbucket, linear, slack, generic
    ");
}

#[test]
fn no_kind() {
    assert_snapshot!(mistake("webhooks:\n  hook: { secret: \"${env:S}\" }\n"), @r#"
     × pullwright.yaml:2:9: the webhook `hook` says no `kind`
      ╭────
    2 │   hook: { secret: "${env:S}" }
      ·         ┬
      ·         ╰── here
      ╰────
     help: add `kind: github`, or another sender's
    "#);
}

#[test]
fn a_name_that_cannot_be_one() {
    assert_snapshot!(mistake("webhooks:\n  Hook: { kind: gitea, secret: \"${env:S}\" }\n"), @r#"
     × pullwright.yaml:2:3: `Hook` cannot be a name
      ╭────
    2 │   Hook: { kind: gitea, secret: "${env:S}" }
      ·   ──┬─
      ·     ╰── here
      ╰────
     help: start with a letter and use at most 63 of a-z, 0-9, `-` and `_`: it becomes part of
           addresses
    "#);
    assert_snapshot!(mistake("webhooks:\n  schedule: { kind: gitea, secret: \"${env:S}\" }\n"), @r#"
     × pullwright.yaml:2:3: `schedule` cannot be a name: what schedules start is named so
      ╭────
    2 │   schedule: { kind: gitea, secret: "${env:S}" }
      ·   ────┬───
      ·       ╰── here
      ╰────
     help: choose another name
    "#);
}

#[test]
fn a_webhook_of_any_kind_without_a_secret() {
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitlab }\n"), @r"
     × pullwright.yaml:2:9: the webhook `hook` has no `signing_token` or `secret_token`
      ╭────
    2 │   hook: { kind: gitlab }
      ·         ┬
      ·         ╰── here
      ╰────
     help: add `signing_token: ${env:NAME}`: without it anybody could deliver
    ");
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: jira }\n"), @r"
     × pullwright.yaml:2:9: the webhook `hook` has no `secret` or `oauth`
      ╭────
    2 │   hook: { kind: jira }
      ·         ┬
      ·         ╰── here
      ╰────
     help: add `secret: ${env:NAME}`: without it anybody could deliver
    ");
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: generic, mapping: { type: push } }\n"), @r#"
     × pullwright.yaml:2:9: the webhook `hook` has no `scheme`
      ╭────
    2 │   hook: { kind: generic, mapping: { type: push } }
      ·         ┬
      ·         ╰── here
      ╰────
     help: add `scheme: { hmac: { header: X-Signature, secret: "${env:NAME}" } }`: without it anybody
           could deliver
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: slack, insecure: false }\n"), @r"
     × pullwright.yaml:2:9: the webhook `hook` has no `secret`
      ╭────
    2 │   hook: { kind: slack, insecure: false }
      ·         ┬
      ·         ╰── here
      ╰────
     help: add `secret: ${env:NAME}`: without it anybody could deliver
    ");
}

#[test]
fn keys_of_another_kind() {
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: github, signing_token: \"${env:S}\" }\n"), @r#"
     × pullwright.yaml:2:40: `signing_token` is GitLab's
      ╭────
    2 │   hook: { kind: github, signing_token: "${env:S}" }
      ·                                        ─────┬────
      ·                                             ╰── here
      ╰────
     help: a github webhook has `secret`
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitlab, secret: \"${env:S}\" }\n"), @r#"
     × pullwright.yaml:2:33: a gitlab webhook has no `secret`
      ╭────
    2 │   hook: { kind: gitlab, secret: "${env:S}" }
      ·                                 ─────┬────
      ·                                      ╰── here
      ╰────
     help: a gitlab webhook has `signing_token` or `secret_token`
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: sentry, oauth: \"${env:S}\" }\n"), @r#"
     × pullwright.yaml:2:32: `oauth` is Jira's
      ╭────
    2 │   hook: { kind: sentry, oauth: "${env:S}" }
      ·                                ─────┬────
      ·                                     ╰── here
      ╰────
     help: a sentry webhook has `secret`
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", mapping: { type: push } }\n"), @r#"
     × pullwright.yaml:2:53: `mapping` is for `kind: generic`
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", mapping: { type: push } }
      ·                                                     ┬
      ·                                                     ╰── here
      ╰────
     help: a gitea webhook has `secret`
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: generic, secret: \"${env:S}\" }\n"), @r#"
     × pullwright.yaml:2:34: a generic webhook has no `secret`
      ╭────
    2 │   hook: { kind: generic, secret: "${env:S}" }
      ·                                  ─────┬────
      ·                                       ╰── here
      ╰────
     help: a generic webhook has `scheme`
    "#);
}

#[test]
fn two_schemes_of_jira() {
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: jira, secret: \"${env:S}\", oauth: \"${env:T}\" }\n"), @r#"
     × pullwright.yaml:2:50: `secret` and `oauth` are two schemes, and a webhook has one
      ╭────
    2 │   hook: { kind: jira, secret: "${env:S}", oauth: "${env:T}" }
      ·                                                  ─────┬────
      ·                                                       ╰── here
      ╰────
     help: keep the one that this webhook was made with
    "#);
}

#[test]
fn an_insecure_webhook_with_a_secret() {
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", insecure: true }\n"), @r#"
     × pullwright.yaml:2:54: the webhook `hook` has a secret, and `insecure: true` ignores it
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", insecure: true }
      ·                                                      ──┬─
      ·                                                        ╰── here
      ╰────
     help: remove `insecure`, or remove the secret
    "#);
}

#[test]
fn an_insecure_webhook_on_the_network() {
    assert_snapshot!(mistake("listen: { webhooks: 0.0.0.0:8080 }\nwebhooks:\n  hook: { kind: gitea, insecure: true }\n"), @r"
     × pullwright.yaml:3:34: anybody who reaches 0.0.0.0:8080 could deliver to an insecure webhook
      ╭────
    3 │   hook: { kind: gitea, insecure: true }
      ·                                  ──┬─
      ·                                    ╰── here
      ╰────
     help: write `listen: { webhooks: 127.0.0.1:8080 }`, or give the webhook a secret
    ");
    assert_snapshot!(mistake_in_variable("PULLWRIGHT__WEBHOOKS__HOOK", "{ kind: gitea, insecure: yes }"), @r"
     × PULLWRIGHT__WEBHOOKS__HOOK: expected `true` or `false`
      ╭────
    2 │   hook: { kind: gitea, insecure: yes }
      ·                                  ─┬─
      ·                                   ╰── here
      ╰────
     help: words like yes, no, on and off are text here
    ");
}

#[test]
fn the_name_of_another_kind_of_connection() {
    assert_snapshot!(mistake("webhooks:\n  gh: { kind: linear, secret: \"${env:S}\" }\nconnections:\n  gh: { kind: github, auth: { token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:7: the linear webhook `gh` has the name of a github connection: their work
     │ items could not be told apart
      ╭────
    2 │   gh: { kind: linear, secret: "${env:S}" }
      ·       ┬
      ·       ╰── here
      ╰────
     help: rename one of the two, or name the webhook's own with `connection:`
    "#);
}

#[test]
fn a_connection_of_another_kind() {
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: linear, secret: \"${env:S}\", connection: gh }\nconnections:\n  gh: { kind: github, auth: { token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:57: a linear webhook cannot belong to a github connection
      ╭────
    2 │   hook: { kind: linear, secret: "${env:S}", connection: gh }
      ·                                                         ─┬
      ·                                                          ╰── here
      ╰────
     help: name one of its own kind
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: linear, secret: \"${env:S}\", connection: chat }\n  chat: { kind: slack, secret: \"${env:S}\" }\n"), @r#"
     × pullwright.yaml:2:57: a linear webhook cannot share the name of a slack webhook
      ╭────
    2 │   hook: { kind: linear, secret: "${env:S}", connection: chat }
      ·                                                         ──┬─
      ·                                                           ╰── here
      ╰────
     help: leave `connection` out, or name one of its own kind
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitlab, secret_token: \"${env:S}\", connection: gitlap }\nconnections:\n  gitlab: { kind: gitlab, auth: { token: \"${env:T}\" } }\n"), @r#"
     × pullwright.yaml:2:63: the webhook `hook` belongs to no connection: there is no `gitlap`
      ╭────
    2 │   hook: { kind: gitlab, secret_token: "${env:S}", connection: gitlap }
      ·                                                               ───┬──
      ·                                                                  ╰── here
      ╰────
     help: did you mean `connection: gitlab`?
    "#);
}

#[test]
fn networks_that_are_none() {
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", networks: [192.30.252.0/33] }\n"), @r#"
     × pullwright.yaml:2:55: `192.30.252.0/33` is no network
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", networks: [192.30.252.0/33] }
      ·                                                       ───────┬───────
      ·                                                              ╰── here
      ╰────
     help: write an address and the length of its prefix, such as 192.30.252.0/22 or 2a0a:a440::/29
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", networks: [10.0.0.1/8] }\n"), @r#"
     × pullwright.yaml:2:55: `10.0.0.1/8` names an address within a network
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", networks: [10.0.0.1/8] }
      ·                                                       ─────┬────
      ·                                                            ╰── here
      ╰────
     help: write 10.0.0.0/8 for the network, or 10.0.0.1 for the one address
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", networks: [] }\n"), @r#"
     × pullwright.yaml:2:54: nobody may deliver to a webhook without a network
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", networks: [] }
      ·                                                      ┬
      ·                                                      ╰── here
      ╰────
     help: list some, or leave `networks` out to let all in
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", networks: 10.0.0.0/8 }\n"), @r#"
     × pullwright.yaml:2:54: expected a list
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", networks: 10.0.0.0/8 }
      ·                                                      ─────┬────
      ·                                                           ╰── here
      ╰────
    "#);
}

#[test]
fn rates_that_are_none() {
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", rate: fast }\n"), @r#"
     × pullwright.yaml:2:50: `fast` is no rate
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", rate: fast }
      ·                                                  ──┬─
      ·                                                    ╰── here
      ╰────
     help: write it like 600/m or 10/s, or `{ per_minute: 600, burst: 100 }`
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", rate: 600 }\n"), @r#"
     × pullwright.yaml:2:50: `600` is no rate
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", rate: 600 }
      ·                                                  ─┬─
      ·                                                   ╰── here
      ╰────
     help: write it like 600/m or 10/s, or `{ per_minute: 600, burst: 100 }`
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", rate: { per_minute: 0 } }\n"), @r#"
     × pullwright.yaml:2:52: expected a whole number from 1, found a number
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", rate: { per_minute: 0 } }
      ·                                                    ─────┬────
      ·                                                         ╰── here
      ╰────
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", rate: { per_minute: 60, bursts: 1 } }\n"), @r#"
     × pullwright.yaml:2:68: unknown key `bursts`
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", rate: { per_minute: 60, bursts: 1 } }
      ·                                                                    ───┬──
      ·                                                                       ╰── here
      ╰────
     help: did you mean `burst`?
    "#);
    assert_snapshot!(mistake("webhooks:\n  hook: { kind: gitea, secret: \"${env:S}\", rate: { burst: 1 } }\n"), @r#"
     × pullwright.yaml:2:52: the key `per_minute` is missing
      ╭────
    2 │   hook: { kind: gitea, secret: "${env:S}", rate: { burst: 1 } }
      ·                                                    ──┬──
      ·                                                      ╰── here
      ╰────
     help: add `per_minute:` here
    "#);
}
