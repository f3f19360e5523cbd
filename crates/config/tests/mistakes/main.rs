//! What a person sees who made a mistake in `pullwright.yaml`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod artifacts;
mod automations;
mod broker;
mod connections;
mod generic;
mod intake;
mod repositories;
mod webhooks;

use std::collections::BTreeMap;
use std::path::Path;

use config::{ConfigError, Loaded, Role, load};
use insta::assert_snapshot;
use miette::{GraphicalReportHandler, GraphicalTheme};

/// A file that is right, to be spoilt by each case.
const RIGHT: &str = "\
webhooks:
  github: { kind: github, secret: \"${env:HOOK}\" }
connections:
  github: { kind: github, auth: { token: \"${env:TOKEN}\" } }
";

fn environment(folder: &Path, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let fixed = [("PWD", folder.to_str().unwrap()), ("XDG_CONFIG_HOME", "/nowhere")];
    fixed.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str, more: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pullwright.yaml"), text).unwrap();
    load(None, &environment(folder.path(), more))
}

fn drawn(error: &ConfigError) -> String {
    let mut out = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut out, error)
        .unwrap();
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn mistake(text: &str) -> String {
    drawn(&read(text, &[]).unwrap_err())
}

fn mistake_in_variable(name: &str, value: &str) -> String {
    drawn(&read(RIGHT, &[(name, value)]).unwrap_err())
}

#[test]
fn the_right_file_is_right() {
    read(RIGHT, &[]).unwrap();
}

#[test]
fn an_unknown_key() {
    assert_snapshot!(mistake("webhooks:\n  github: { kind: github, secret: \"${env:HOOK}\", conection: github }\n"), @r#"
     × pullwright.yaml:2:50: unknown key `conection`
      ╭────
    2 │   github: { kind: github, secret: "${env:HOOK}", conection: github }
      ·                                                  ────┬────
      ·                                                      ╰── here
      ╰────
     help: did you mean `connection`?
    "#);
}

#[test]
fn an_unknown_section() {
    assert_snapshot!(mistake("lisen: { webhooks: 127.0.0.1:8080 }\n"), @r"
     × pullwright.yaml:1:1: unknown key `lisen`
      ╭────
    1 │ lisen: { webhooks: 127.0.0.1:8080 }
      · ──┬──
      ·   ╰── here
      ╰────
     help: did you mean `listen`?
    ");
}

#[test]
fn a_key_with_no_near_word() {
    assert_snapshot!(mistake("workers:\n  colour: blue\n"), @r"
     × pullwright.yaml:2:3: unknown key `colour`
      ╭────
    2 │   colour: blue
      ·   ───┬──
      ·      ╰── here
      ╰────
     help: possible here: slots, sandbox, toolchains, memory, processes, file_size, output
    ");
}

#[test]
fn a_key_twice() {
    assert_snapshot!(mistake("data_dir: a\nautomations: b\ndata_dir: c\n"), @r"
     × pullwright.yaml:3:1: the key `data_dir` appears twice
      ╭────
    3 │ data_dir: c
      · ────┬───
      ·     ╰── here
      ╰────
     help: keep one of the two
    ");
}

#[test]
fn a_section_as_text() {
    assert_snapshot!(mistake("workers: two\n"), @r"
     × pullwright.yaml:1:10: expected a map of keys
      ╭────
    1 │ workers: two
      ·          ─┬─
      ·           ╰── here
      ╰────
    ");
}

#[test]
fn broken_yaml() {
    assert_snapshot!(mistake("listen: { webhooks: 127.0.0.1:8080\ndata_dir: x\n"), @r"
     × pullwright.yaml:1:21: `127.0.0.1:8080 data_dir` is not an address to listen on
      ╭────
    1 │ listen: { webhooks: 127.0.0.1:8080
      ·                     ───────┬──────
      ·                            ╰── here
      ╰────
     help: write an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080
    ");
}

#[test]
fn a_tab() {
    assert_snapshot!(mistake("listen:\n\twebhooks: 127.0.0.1:8080\n"), @r"
     × pullwright.yaml:2:2: tabs disallowed within this context (block indentation)
      ╭────
    2 │     webhooks: 127.0.0.1:8080
      ·     ┬
      ·     ╰── here
      ╰────
    ");
}

#[test]
fn a_host_name_to_listen_on() {
    assert_snapshot!(mistake("listen:\n  webhooks: localhost:8080\n"), @r"
     × pullwright.yaml:2:13: `localhost:8080` is not an address to listen on
      ╭────
    2 │   webhooks: localhost:8080
      ·             ───────┬──────
      ·                    ╰── here
      ╰────
     help: write an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080
    ");
}

#[test]
fn a_secret_in_the_file() {
    assert_snapshot!(mistake("webhooks:\n  github: { kind: github, secret: hunter2hunter2 }\n"), @r"
     × pullwright.yaml:2:35: a secret belongs elsewhere: only a reference to it is possible here
      ╭────
    2 │   github: { kind: github, secret: ****************
      ·                                   ───────┬──────
      ·                                          ╰── here
      ╰────
     help: write a reference, ${env:NAME} or ${file:/path}; if this was a real secret, replace it
           where it was issued
    ");
}

#[test]
fn a_secret_in_a_list() {
    assert_snapshot!(mistake("webhooks:\n  github:\n    kind: github\n    secret:\n      - ${env:HOOK}\n      - hunter2hunter2\n"), @r"
     × pullwright.yaml:6:9: a secret belongs elsewhere: only a reference to it is possible here
      ╭────
    6 │       - **************
      ·         ───────┬──────
      ·                ╰── here
      ╰────
     help: write a reference, ${env:NAME} or ${file:/path}; if this was a real secret, replace it
           where it was issued
    ");
}

#[test]
fn a_token_where_a_map_belongs() {
    assert_snapshot!(mistake("connections:\n  github: { kind: github, auth: ghp_hunter2 }\n"), @r"
     × pullwright.yaml:2:33: expected a map of keys
      ╭────
    2 │   github: { kind: github, auth: *********** }
      ·                                 ─────┬─────
      ·                                      ╰── here
      ╰────
    ");
}

#[test]
fn a_key_of_a_later_version() {
    assert_snapshot!(mistake("offline: true\n"), @r"
     × pullwright.yaml:1:1: the key `offline` is not supported by this version
      ╭────
    1 │ offline: true
      · ───┬───
      ·    ╰── here
      ╰────
     help: leave it out
    ");
}

#[test]
fn a_password_in_the_address_of_the_database() {
    assert_snapshot!(mistake("database: postgres://user:hunter2@db/pullwright\n"), @r"
     × pullwright.yaml:1:11: a secret belongs elsewhere: only a reference to it is possible here
      ╭────
    1 │ database: *************************************
      ·           ──────────────────┬──────────────────
      ·                             ╰── here
      ╰────
     help: write a reference, ${env:NAME} or ${file:/path}; if this was a real secret, replace it
           where it was issued
    ");
}

#[test]
fn an_address_without_a_database() {
    assert_snapshot!(mistake("database: postgres://user:${env:DB_PASSWORD}@db\n"), @r"
     × pullwright.yaml:1:11: the address names no database
      ╭────
    1 │ database: *************************************
      ·           ──────────────────┬──────────────────
      ·                             ╰── here
      ╰────
     help: write postgres://USER:${env:PASSWORD}@HOST:5432/DATABASE
    ");
}

#[test]
fn a_way_of_encryption_that_there_is_not() {
    assert_snapshot!(mistake("database: postgres://user@db/pullwright?sslmode=on\n"), @r"
     × pullwright.yaml:1:11: this `sslmode` is unknown
      ╭────
    1 │ database: ****************************************
      ·           ────────────────────┬───────────────────
      ·                               ╰── here
      ╰────
     help: choose disable, prefer, require, verify-ca or verify-full
    ");
}

#[test]
fn no_database_at_all() {
    assert_snapshot!(mistake("database: mysql\n"), @r"
     × pullwright.yaml:1:11: this is no database
      ╭────
    1 │ database: *****
      ·           ──┬──
      ·             ╰── here
      ╰────
     help: write `sqlite`, or postgres://USER:${env:PASSWORD}@HOST/DATABASE
    ");
}

#[test]
fn no_sandbox() {
    assert_snapshot!(mistake("workers: { sandbox: none }\n"), @r"
     × pullwright.yaml:1:21: commands never run without a sandbox
      ╭────
    1 │ workers: { sandbox: none }
      ·                     ──┬─
      ·                       ╰── here
      ╰────
     help: write `sandbox: bubblewrap`
    ");
}

#[test]
fn a_toolchain_that_shows_the_data_folder() {
    let text = format!(
        "data_dir: /srv/pullwright/data\nworkers:\n  toolchains: [/opt/node, /srv/pullwright]\n{RIGHT}"
    );
    assert_snapshot!(mistake(&text), @r"
     × pullwright.yaml:3:27: commands would see `data_dir`, with the API's token and all records
      ╭────
    3 │   toolchains: [/opt/node, /srv/pullwright]
      ·                           ───────┬───────
      ·                                  ╰── here
      ╰────
     help: name a folder beside it, or move `data_dir`
    ");
}

#[test]
fn a_size_and_a_time_that_are_none() {
    assert_snapshot!(mistake("intake: { max_body: 1TB }\n"), @r"
     × pullwright.yaml:1:21: `1TB` is not a size
      ╭────
    1 │ intake: { max_body: 1TB }
      ·                     ─┬─
      ·                      ╰── here
      ╰────
     help: write it like 512KiB, 25MiB or 2GiB
    ");
    assert_snapshot!(mistake("intake: { max_body: 100MiB }\n"), @r"
     × pullwright.yaml:1:21: no body of this size can be stored
      ╭────
    1 │ intake: { max_body: 100MiB }
      ·                     ───┬──
      ·                        ╰── here
      ╰────
     help: choose at most 64MiB; GitHub sends up to 25MiB
    ");
    assert_snapshot!(mistake("runs: { lease: fast }\n"), @r"
     × pullwright.yaml:1:16: `fast` is not a length of time such as `90s`, `45m`, `2h` or `1d`
      ╭────
    1 │ runs: { lease: fast }
      ·                ──┬─
      ·                  ╰── here
      ╰────
    ");
    assert_snapshot!(mistake("runs: { lease: 1s }\n"), @r"
     × pullwright.yaml:1:16: a lease of 1s cannot work
      ╭────
    1 │ runs: { lease: 1s }
      ·                ─┬
      ·                 ╰── here
      ╰────
     help: choose between 5s and 1h: a shorter one is lost to a slow disk, a longer one holds up
           retries
    ");
    assert_snapshot!(mistake("retention: { logs: 12h }\n"), @r"
     × pullwright.yaml:1:20: 12h is too short to look into what went wrong
      ╭────
    1 │ retention: { logs: 12h }
      ·                    ─┬─
      ·                     ╰── here
      ╰────
     help: keep it for `1d` or longer
    ");
}

#[test]
fn a_variable_for_an_unknown_key() {
    assert_snapshot!(mistake_in_variable("PULLWRIGHT__WORKERS__SLOT", "3"), @r"
     × PULLWRIGHT__WORKERS__SLOT: unknown key `slot`
      ╭────
    2 │   slot: 3
      ·   ──┬─
      ·     ╰── here
      ╰────
     help: did you mean `slots`?
    ");
}

#[test]
fn a_variable_with_a_wrong_value() {
    assert_snapshot!(mistake_in_variable("PULLWRIGHT__WORKERS__SLOTS", "many"), @r"
     × PULLWRIGHT__WORKERS__SLOTS: expected a whole number that is not negative and not too large
      ╭────
    2 │   slots: many
      ·          ──┬─
      ·            ╰── here
      ╰────
    ");
    assert_snapshot!(mistake_in_variable("PULLWRIGHT__WORKERS__SLOTS", "1025"), @r"
     × PULLWRIGHT__WORKERS__SLOTS: this number of slots cannot work
      ╭────
    2 │   slots: 1025
      ·          ──┬─
      ·            ╰── here
      ╰────
     help: choose between 0 and 1024
    ");
    assert_snapshot!(mistake_in_variable("PULLWRIGHT__WEBHOOKS__GITHUB__SECRET", "hunter2hunter2"), @r"
     × PULLWRIGHT__WEBHOOKS__GITHUB__SECRET: a secret belongs elsewhere: only a reference to it is
     │ possible here
      ╭────
    3 │     secret: **************
      ·             ───────┬──────
      ·                    ╰── here
      ╰────
     help: write a reference, ${env:NAME} or ${file:/path}; if this was a real secret, replace it
           where it was issued
    ");
    assert_snapshot!(mistake_in_variable("PULLWRIGHT__DATA_DIR", "a\noffline: true"), @r"
    × PULLWRIGHT__DATA_DIR: the value has more than one line
    help: write lists and maps on one line: `[a, b]`, `{ a: 1 }`
    ");
    assert_snapshot!(mistake_in_variable("PULLWRIGHT__", "a"), @r"
    × PULLWRIGHT__: this variable names no key
    help: write PULLWRIGHT__ and the keys, with `__` between them
    ");
}

#[test]
fn a_missing_secret() {
    let loaded = read(RIGHT, &[]).unwrap();
    let missing =
        |env: &BTreeMap<String, String>| drawn(&loaded.secrets(Role::Up, env).expect_err("missing"));
    assert_snapshot!(missing(&BTreeMap::new()), @r#"
     × pullwright.yaml:2:35: the secret of the webhook `github` is missing: the variable HOOK is not
     │ set
      ╭────
    2 │   github: { kind: github, secret: "${env:HOOK}" }
      ·                                   ──────┬──────
      ·                                         ╰── here
      ╰────
     help: set HOOK and start again
    "#);
    let half = BTreeMap::from([("HOOK".to_owned(), "a".to_owned()), ("TOKEN".to_owned(), "\n".to_owned())]);
    assert_snapshot!(missing(&half), @r#"
     × pullwright.yaml:4:42: the credential of the connection `github` is empty: ${env:TOKEN} holds
     │ nothing
      ╭────
    4 │   github: { kind: github, auth: { token: "${env:TOKEN}" } }
      ·                                          ───────┬──────
      ·                                                 ╰── here
      ╰────
     help: put the secret into ${env:TOKEN}
    "#);
}

#[test]
fn a_secret_of_another_role() {
    let loaded = read(RIGHT, &[]).unwrap();
    let both = BTreeMap::from([("HOOK".to_owned(), "a".to_owned()), ("TOKEN".to_owned(), "b".to_owned())]);
    assert_snapshot!(drawn(&loaded.secrets(Role::Ingress, &both).expect_err("too much")), @r#"
     × pullwright.yaml:4:42: the role `ingress` may not hold the credential of the connection
     │ `github`, and ${env:TOKEN} is within its reach
      ╭────
    4 │   github: { kind: github, auth: { token: "${env:TOKEN}" } }
      ·                                          ───────┬──────
      ·                                                 ╰── here
      ╰────
     help: start this role in an environment without it
    "#);
}

#[test]
fn no_file() {
    let folder = BTreeMap::from([
        ("PWD".to_owned(), "/nowhere/here".to_owned()),
        ("XDG_CONFIG_HOME".to_owned(), "/nowhere/config".to_owned()),
    ]);
    assert_snapshot!(drawn(&load(None, &folder).expect_err("no file")), @r"
    × there is no configuration: looked for /nowhere/here/pullwright.yaml, /nowhere/config/
    │ pullwright/pullwright.yaml
    help: `pullwright init` writes one; `--config` names one elsewhere
    ");
    assert_snapshot!(drawn(&load(Some(Path::new("mine.yaml")), &folder).expect_err("no file")), @r"
    × the configuration /nowhere/here/mine.yaml cannot be read
    ╰─▶ No such file or directory (os error 2)
    help: check its name and that this account may read it
    ");
}

#[test]
fn no_message_repeats_a_secret() {
    let spoilt = [
        "webhooks: { github: { kind: github, secret: hunter2 } }",
        "webhooks: { github: { kind: github, secret: [hunter2] } }",
        "webhooks:\n  github:\n    kind: github\n    secret: |\n      hunter2\n",
        "webhooks: { github: { secret: hunter2, knd: github } }",
        "webhooks: { github: { knd: github, secret: 'hunter2' } }",
        "connections: { github: { auth: hunter2 } }",
        "connections: { github: { auth: [hunter2] } }",
        "connections: { github: { auth: { token: hunter2 } } }",
        "connections: { github: { auth: { app: { private_key: hunter2 } } } }",
        "connections: { github: { auth: { app: { private_key: \"hunter2 } } } }",
        "connections: { github: { auth: { token: \"${env:hunter2\" } } }",
        "webhooks: { gitlab: { kind: gitlab, signing_token: whsec_hunter2 } }",
        "webhooks: { gitlab: { kind: gitlab, secret_token: [hunter2] } }",
        "webhooks: { jira: { kind: jira, oauth: hunter2 } }",
        "webhooks: { jira: { kind: linear, oauth: hunter2 } }",
        "webhooks: { any: { kind: generic, scheme: hunter2 } }",
        "webhooks: { any: { kind: generic, scheme: { bearer: hunter2 } } }",
        "webhooks: { any: { kind: generic, scheme: { standard_webhooks: hunter2, x: 1 } } }",
        "webhooks: { any: { kind: generic, scheme: { hmac: { secret: hunter2 } } } }",
        "connections: { jira: { auth: { email: a@b, token: hunter2 } } }",
        "database: postgres://hunter2@db",
        "database: postgres://user:hunter2@db/pullwright",
        "database: mysql://user:hunter2@db/pullwright",
        "broker: amqp://hunter2@mq",
        "broker: amqps://u:hunter2@mq",
        "broker: amqps://u:hunt@er2@mq/v",
        "broker: rabbit://u:hunter2@mq",
        "broker: { amqp: { address: \"amqp://u:hunter2@mq\" } }",
    ];
    for text in spoilt {
        let error = read(text, &[]).expect_err(text);
        for shown in [drawn(&error), error.to_string()] {
            assert!(!shown.contains("hunter2"), "{text}\n{shown}");
        }
    }
}

#[test]
fn a_control_plane_that_cannot_be_called() {
    for (text, wrong) in [
        ("control_plane: { enrolment: \"${env:X}\" }\n", "`control_plane` needs a `url`"),
        ("control_plane: { url: pullwright }\n", "this is no address of an API"),
        ("control_plane: { url: http://pullwright.example.com }\n", "would travel unencrypted"),
        ("control_plane: { url: \"https://a:b@pullwright\" }\n", "an address holds no credential"),
    ] {
        let said = mistake(text);
        assert!(said.contains(wrong), "{said}");
    }
}
