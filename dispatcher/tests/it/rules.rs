//! What `check` says of automations that cannot be.

use std::collections::BTreeMap;

use dispatcher::rules::{LoadError, load_texts};

fn load(text: &str) -> Result<dispatcher::rules::RuleSet, LoadError> {
    load_texts(BTreeMap::from([("a.yaml".to_owned(), text.to_owned())]))
}

/// Every mistake as `line:column message · remedy`.
fn mistakes(text: &str) -> String {
    match load(text).unwrap_err() {
        LoadError::Mistakes { mistakes, .. } => mistakes
            .iter()
            .map(|mistake| {
                format!(
                    "{}:{} {} · {}",
                    mistake.line().unwrap_or(0),
                    mistake.column().unwrap_or(0),
                    mistake.message(),
                    mistake.remedy().unwrap_or("-")
                )
            })
            .collect::<Vec<_>>()
            .join("\n"),
        LoadError::Unreadable { .. } => unreachable!(),
    }
}

/// One automation with some lines replaced.
fn with(on: &str, rest: &str) -> String {
    format!("version: 1\nautomations:\n  - name: fix\n    on: [{on}]\n{rest}")
}

const LABEL: &str = "{ source: github, event: issue.labeled, label_command: x }";
const RUN: &str = "    run: { commands: ['true'] }\n";

#[test]
fn mistakes_name_the_place_and_the_remedy() {
    let cases = [
        ("unknown key", with(LABEL, "    rum: { commands: [x] }\n")),
        ("doubled key", with(LABEL, &format!("{RUN}{RUN}"))),
        ("unknown event", with("{ source: github, event: issue.labelled }", RUN)),
        ("unknown source", with("{ source: githup, event: issue.labeled }", RUN)),
        ("label on another event", with("{ source: github, event: issue.opened, label_command: x }", RUN)),
        ("no trigger", with("", RUN)),
        ("no command", with(LABEL, "    run: { commands: [] }\n")),
        ("interpolation", with(LABEL, "    run: { commands: ['echo ${{ event.title }}'] }\n")),
        ("folder outside", with(LABEL, "    run: { commands: [x], working_directory: ../x }\n")),
        ("timeout", with(LABEL, "    run: { commands: [x], timeout: soon }\n")),
        ("long timeout", with(LABEL, "    run: { commands: [x], timeout: 2d }\n")),
        ("base", with(LABEL, "    run: { commands: [x], base: 'a..b' }\n")),
        ("env", with(LABEL, "    run: { commands: [x], env: { PULLWRIGHT_RUN: y } }\n")),
        ("prefix", with(LABEL, &format!("{RUN}    output: {{ pull_request: {{ branch_prefix: '' }} }}\n"))),
        ("repo glob", with(LABEL, &format!("{RUN}    repos: ['acme']\n"))),
        ("mode", with(LABEL, &format!("{RUN}    mode: on\n"))),
        ("name", with(LABEL, RUN).replace("name: fix", "name: Fix It")),
        ("version", with(LABEL, RUN).replace("version: 1", "version: 2")),
        (
            "twice",
            format!(
                "{}{}",
                with(LABEL, RUN),
                "  - name: fix\n    on: [{ source: github, event: push }]\n    run: { commands: [x] }\n"
            ),
        ),
    ];
    let seen: Vec<String> =
        cases.iter().map(|(name, text)| format!("# {name}\n{}", mistakes(text))).collect();
    insta::assert_snapshot!(seen.join("\n\n"));
}

#[test]
fn defaults_merge_and_lists_replace() {
    let text = "
version: 1
defaults: { mode: observe, allow: { permission: admin, users: [ana] } }
automations:
  - name: one
    on: [{ source: github, event: push }]
    run: { commands: ['true'] }
  - name: two
    mode: live
    allow: { users: [bo] }
    on: [{ source: github, event: push }]
    run: { commands: ['true'] }
";
    let set = load(text).unwrap();
    let seen: Vec<_> = set
        .rules()
        .iter()
        .map(|rule| format!("{:?} {:?} {:?}", rule.mode(), rule.allow().permission, rule.allow().users))
        .collect();
    assert_eq!(seen, [r#"Observe Some(Admin) ["ana"]"#, r#"Live Some(Admin) ["bo"]"#]);
}

#[test]
fn branches_are_judged_as_git_judges_them() {
    for good in ["main", "pullwright/fix/12-abc", "release/1.0"] {
        assert_eq!(dispatcher::rules::reference_problem(good), None, "{good}");
    }
    for bad in [
        "", "a b", "a..b", "/a", "a/", "a.lock", ".a", "a/.b", "a@{1}", "-a", "a\u{7}", "a~1", "a^", "a:b",
        "a\\b", "a//b",
    ] {
        assert!(dispatcher::rules::reference_problem(bad).is_some(), "{bad}");
    }
}
