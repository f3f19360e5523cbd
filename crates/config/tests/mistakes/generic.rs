//! Mistakes in webhooks of `kind: generic`.

use insta::assert_snapshot;

use super::mistake;

#[test]
fn no_mapping() {
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\" }\n"), @r"
     × pullwright.yaml:3:5: the webhook `builds` has no `mapping`
      ╭────
    3 │     kind: generic
      ·     ┬
      ·     ╰── here
      ╰────
     help: say where its bodies hold what: `mapping: { type: dispatch.received, title: /title }`
    ");
}

#[test]
fn no_type() {
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\" }\n    mapping: { title: /title }\n"), @r"
     × pullwright.yaml:5:16: the key `type` is missing
      ╭────
    5 │     mapping: { title: /title }
      ·                ──┬──
      ·                  ╰── here
      ╰────
     help: add `type:` here
    ");
}

#[test]
fn a_pointer_that_is_none() {
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\" }\n    mapping:\n      type: push\n      title: /a~2\n"), @r"
     × pullwright.yaml:7:14: `/a~2` is no JSON Pointer: after `~` only `0` and `1` may stand (RFC
     │ 6901)
      ╭────
    7 │       title: /a~2
      ·              ──┬─
      ·                ╰── here
      ╰────
    ");
}

#[test]
fn an_unknown_place() {
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\" }\n    mapping: { type: push, titel: /title }\n"), @r"
     × pullwright.yaml:5:28: unknown key `titel`
      ╭────
    5 │     mapping: { type: push, titel: /title }
      ·                            ──┬──
      ·                              ╰── here
      ╰────
     help: did you mean `title`?
    ");
}

#[test]
fn a_dedupe_that_is_none() {
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\" }\n    mapping: { type: push, dedupe: bodies }\n"), @r"
     × pullwright.yaml:5:36: `bodies` is not possible here
      ╭────
    5 │     mapping: { type: push, dedupe: bodies }
      ·                                    ───┬──
      ·                                       ╰── here
      ╰────
     help: possible here: header, body, none
    ");
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\" }\n    mapping: { type: push, dedupe: { header: X Id } }\n"), @r"
     × pullwright.yaml:5:14: `X Id` is no name of a header
      ╭────
    5 │     mapping: { type: push, dedupe: { header: X Id } }
      ·              ┬
      ·              ╰── here
      ╰────
     help: write the name alone, such as X-Request-Id
    ");
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\" }\n    mapping: { type: push, dedupe: { headers: X-Id } }\n"), @r"
     × pullwright.yaml:5:38: `headers` is not possible here
      ╭────
    5 │     mapping: { type: push, dedupe: { headers: X-Id } }
      ·                                      ───┬───
      ·                                         ╰── here
      ╰────
     help: did you mean `header`?
    ");
}

#[test]
fn a_repository_without_a_forge() {
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\" }\n    mapping: { type: push, repository: /repo }\n"), @r"
     × pullwright.yaml:5:14: `builds` is no connection with repositories
      ╭────
    5 │     mapping: { type: push, repository: /repo }
      ·              ┬
      ·              ╰── here
      ╰────
     help: add `connection:` with one of GitHub or GitLab, or leave out `repository`
    ");
}

#[test]
fn a_scheme_that_is_none() {
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: {}\n    mapping: { type: push }\n"), @r"
     × pullwright.yaml:4:13: `scheme` needs one way of proof, and no second one
      ╭────
    4 │     scheme: {}
      ·             ┬
      ·             ╰── here
      ╰────
     help: write `standard_webhooks`, `hmac` or `bearer`
    ");
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { bearer: \"${env:S}\", standard_webhooks: \"${env:T}\" }\n    mapping: { type: push }\n"), @r#"
     × pullwright.yaml:4:13: `scheme` needs one way of proof, and no second one
      ╭────
    4 │     scheme: { bearer: "${env:S}", standard_webhooks: "${env:T}" }
      ·             ┬
      ·             ╰── here
      ╰────
     help: write `standard_webhooks`, `hmac` or `bearer`
    "#);
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { basic: \"${env:S}\" }\n    mapping: { type: push }\n"), @r#"
     × pullwright.yaml:4:15: unknown key `basic`
      ╭────
    4 │     scheme: { basic: "${env:S}" }
      ·               ──┬──
      ·                 ╰── here
      ╰────
     help: possible here: standard_webhooks, hmac, bearer
    "#);
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: bearer\n    mapping: { type: push }\n"), @r"
     × pullwright.yaml:4:13: expected a map of keys
      ╭────
    4 │     scheme: ******
      ·             ───┬──
      ·                ╰── here
      ╰────
    ");
}

#[test]
fn an_hmac_that_is_none() {
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { hmac: { secret: \"${env:S}\" } }\n    mapping: { type: push }\n"), @r#"
     × pullwright.yaml:4:21: `hmac` has no `header`
      ╭────
    4 │     scheme: { hmac: { secret: "${env:S}" } }
      ·                     ┬
      ·                     ╰── here
      ╰────
     help: add the header that holds the signature, such as `header: X-Signature`
    "#);
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { hmac: { header: X-Signature } }\n    mapping: { type: push }\n"), @r"
     × pullwright.yaml:4:21: `hmac` has no `secret`
      ╭────
    4 │     scheme: { hmac: { header: X-Signature } }
      ·                     ┬
      ·                     ╰── here
      ╰────
     help: add `secret: ${env:NAME}`: without it anybody could deliver
    ");
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { hmac: { header: X Sig, secret: \"${env:S}\" } }\n    mapping: { type: push }\n"), @r#"
     × pullwright.yaml:4:31: `X Sig` is no name of a header
      ╭────
    4 │     scheme: { hmac: { header: X Sig, secret: "${env:S}" } }
      ·                               ──┬──
      ·                                 ╰── here
      ╰────
     help: write the name alone, such as X-Signature
    "#);
    assert_snapshot!(mistake("webhooks:\n  builds:\n    kind: generic\n    scheme: { hmac: { header: X-Signature, encoding: HEX, secret: \"${env:S}\" } }\n    mapping: { type: push }\n"), @r#"
     × pullwright.yaml:4:54: `HEX` is not possible here
      ╭────
    4 │     scheme: { hmac: { header: X-Signature, encoding: HEX, secret: "${env:S}" } }
      ·                                                      ─┬─
      ·                                                       ╰── here
      ╰────
     help: possible here: hex, base64
    "#);
}
