//! The pictures of mistakes, by subject: each names what is wrong, where, and what to do.

use crate::support::{LABEL, RUN, assert_gallery, one};

#[test]
fn in_the_file() {
    let twice = "  - name: fix\n    on: [{ source: github, event: push }]\n    run: { commands: [x] }\n";
    assert_gallery(
        "mistakes_in_the_file",
        &[
            ("an unknown key", one(LABEL, "    rum: { commands: [x] }\n")),
            ("an unknown key of a trigger", one("{ source: github, event: push, branch: main }", RUN)),
            ("a key that is there twice", one(LABEL, &format!("{RUN}{RUN}"))),
            ("another version", one(LABEL, RUN).replace("version: 1", "version: 2")),
            ("a name that is none", one(LABEL, RUN).replace("name: fix", "name: Fix It")),
            ("a name that is taken", format!("{}{twice}", one(LABEL, RUN))),
            ("a mode that is none", one(LABEL, &format!("{RUN}    mode: on\n"))),
            ("a name that is still in use", {
                let was = twice.replace("name: fix", "name: other\n    was: fix");
                format!("{}{was}", one(LABEL, RUN))
            }),
            ("two that were one", {
                let was = |name: &str| twice.replace("name: fix", &format!("name: {name}\n    was: old"));
                format!("{}{}{}", one(LABEL, RUN), was("b"), was("c"))
            }),
            ("a mistake in `defaults`, told once", {
                let text = format!("{}{}", one(LABEL, RUN), twice.replace("name: fix", "name: other"));
                text.replace("automations:", "defaults: { concurrency: { limit: 0 } }\nautomations:")
            }),
            (
                "three mistakes in one automation",
                one(
                    "{ source: gitlab, event: issue.transitioned }",
                    "    budget: { run_usd: 5, day_usd: 1 }\n    run: { commands: [x], timeout: 2d }\n",
                ),
            ),
        ],
    );
}

#[test]
fn in_events() {
    let on = |entry: &str| one(entry, RUN);
    assert_gallery(
        "mistakes_in_events",
        &[
            ("no trigger", on("")),
            ("no source", on("{ event: push }")),
            ("no event", on("{ source: github }")),
            ("an unknown event", on("{ source: github, event: issue.labelled }")),
            ("an unknown source", on("{ source: githup, event: push }")),
            ("an event that this source never sends", on("{ source: sentry, event: push }")),
            ("Jira closes nothing", on("{ source: jira, event: issue.closed }")),
            ("one event of several", on("{ source: gitlab, event: [push, dispatch.received] }")),
            ("another tool's unmapped event", on("{ source: github, event: unmapped.gitlab.build }")),
            ("ourselves", on("{ source: pullwright, event: schedule.fired }")),
            ("an unknown connection", on("{ source: github, connection: githup, event: push }")),
            ("a connection to another tool", on("{ source: github, connection: gitlab, event: push }")),
            ("the same twice", on(&format!("{LABEL}, {LABEL}"))),
        ],
    );
}

#[test]
fn in_keys_of_events() {
    let on = |entry: &str| one(entry, RUN);
    let people = "    allow: { users: [ana] }\n    run: { commands: ['true'] }\n";
    assert_gallery(
        "mistakes_in_keys_of_events",
        &[
            ("paths of an issue", on("{ source: github, event: issue.opened, paths: 'src/**' }")),
            (
                "labels of a Jira comment",
                one("{ source: jira, event: comment.created, labels: { any: [x] } }", people),
            ),
            ("the level of a push", on("{ source: github, event: push, level: error }")),
            ("a draft that was pushed", on("{ source: gitlab, event: push, draft: false }")),
            (
                "a label command in Jira",
                one("{ source: jira, event: issue.labeled, label_command: x }", people),
            ),
            (
                "a label command on another event",
                on("{ source: github, event: issue.opened, label_command: x }"),
            ),
            ("an empty label command", on("{ source: github, event: issue.labeled, label_command: '' }")),
            (
                "an order and a state",
                on("{ source: github, event: issue.labeled, label_command: x, label: x }"),
            ),
            ("a timezone without a schedule", on("{ source: github, event: push, timezone: UTC }")),
            (
                "a conclusion that is none",
                on("{ source: github, event: pipeline.completed, conclusion: failed }"),
            ),
            ("a level that is none", on("{ source: sentry, event: alert.triggered, level: eror }")),
            ("a command without its sign", on("{ source: github, event: comment.created, command: agent }")),
            ("a mention of two words", on("{ source: github, event: comment.created, mention: '@a b' }")),
            ("a branch as a ref", on("{ source: github, event: push, branches: refs/heads/main }")),
            ("a glob that is none", on("{ source: github, event: push, paths: 'src/[a' }")),
        ],
    );
}

#[test]
fn in_conditions_that_can_never_hold() {
    let on = |entry: &str| one(entry, RUN);
    assert_gallery(
        "mistakes_in_conditions_that_can_never_hold",
        &[
            (
                "wanted and refused",
                on("{ source: github, event: issue.opened, labels: { all: [a, b], none: [b] } }"),
            ),
            (
                "any of what is refused",
                on("{ source: github, event: issue.opened, labels: { any: [a], none: [a] } }"),
            ),
            (
                "put on and refused",
                on("{ source: github, event: issue.labeled, label_command: x, labels: { none: [x] } }"),
            ),
            (
                "taken off and wanted",
                on("{ source: github, event: issue.unlabeled, label: x, labels: { all: [x] } }"),
            ),
            ("nothing asked of labels", on("{ source: github, event: issue.opened, labels: {} }")),
            ("ready and a draft", on("{ source: github, event: pull_request.ready, draft: true }")),
            ("an empty list", on("{ source: github, event: review.submitted, state: [] }")),
            (
                "a verdict that GitLab has not",
                on("{ source: gitlab, event: review.submitted, state: changes_requested }"),
            ),
            (
                "paths that exclude everything",
                on("{ source: github, event: push, paths: ['src/**', '!**'] }"),
            ),
            ("forks that may not", on("{ source: github, event: pull_request.opened, fork: true }")),
        ],
    );
}

#[test]
fn in_schedules() {
    let on = |entry: &str| one(entry, RUN);
    assert_gallery(
        "mistakes_in_schedules",
        &[
            ("a field that is wrong", on("{ schedule: '0 6 * * Monday' }")),
            (
                "a field that is wrong, in two lines",
                one("{ schedule: x }", RUN)
                    .replace("[{ schedule: x }]", "\n      - schedule: >-\n          0 6\n          * 13 *"),
            ),
            ("seconds", on("{ schedule: '0 0 6 * * MON' }")),
            ("a date that no year has", on("{ schedule: '0 6 31 2 *' }")),
            ("a zone that is none", on("{ schedule: '0 6 * * MON', timezone: Europe/Berln }")),
            ("an event as well", on("{ schedule: '0 6 * * MON', source: github, event: push }")),
            ("a filter as well", on("{ schedule: '0 6 * * MON', branches: main }")),
            ("a limit of nothing", on("{ schedule: '0 6 * * MON', catch_up_limit: 3 }")),
            ("a limit of zero", on("{ schedule: '0 6 * * MON', catch_up: all, catch_up_limit: 0 }")),
            ("a jitter beyond the next time", on("{ schedule: '*/10 * * * *', jitter: 15m }")),
        ],
    );
}

#[test]
fn in_people_and_repositories() {
    let with = |rest: &str| one(LABEL, &format!("{RUN}{rest}"));
    assert_gallery(
        "mistakes_in_people_and_repositories",
        &[
            ("nobody of Jira", one("{ source: jira, event: issue.labeled, label: x }", RUN)),
            ("nobody of Sentry", one("{ source: sentry, event: [alert.triggered, issue.assigned] }", RUN)),
            ("groups without Jira", with("    allow: { groups: [developers] }\n")),
            (
                "teams without a forge",
                one(
                    "{ source: jira, event: issue.opened }",
                    &format!("{RUN}    allow: {{ users: [ana], teams: [acme/core] }}\n"),
                ),
            ),
            ("a permission that is none", with("    allow: { permission: owner }\n")),
            ("a glob that names no connection", with("    repos: [acme]\n")),
            ("a glob that is none", with("    repos: ['github/[a']\n")),
            ("an unknown connection", with("    repos: [github/acme/*, 'gitlap/acme/*']\n")),
            ("everything is excluded", with("    repos: ['!**']\n")),
            ("each is excluded", with("    repos: [github/acme/*, '!github/acme/*']\n")),
            (
                "a repository outside",
                one(
                    LABEL,
                    "    repos: [github/acme/*]\n    run: { commands: [x], repo: github/other/api }\n",
                ),
            ),
            ("a repository that is none", one(LABEL, "    run: { commands: [x], repo: api }\n")),
        ],
    );
}

#[test]
fn in_numbers() {
    let with = |rest: &str| one(LABEL, &format!("{RUN}{rest}"));
    assert_gallery(
        "mistakes_in_numbers",
        &[
            ("a day below a run", with("    budget: { run_usd: 4.00, day_usd: 0.50 }\n")),
            ("no money", with("    budget: { day_usd: 0 }\n")),
            ("less than no money", with("    budget: { day_usd: -1 }\n")),
            ("a wait below the window", with("    debounce: { window: 10m, max_wait: 1m }\n")),
            ("no window", with("    debounce: { window: 0s }\n")),
            ("a group of none", with("    concurrency: { limit: 0 }\n")),
            ("a group with spaces", with("    concurrency: { group: my group }\n")),
            ("a word that is none", with("    concurrency: { on_full: wait }\n")),
        ],
    );
}

#[test]
fn in_runs() {
    let run = |keys: &str| one(LABEL, &format!("    run: {{ {keys} }}\n"));
    assert_gallery(
        "mistakes_in_runs",
        &[
            ("nothing to do", run("commands: []")),
            ("an empty line", run("commands: [make, '']")),
            ("a text that others wrote", run("commands: [\"echo '${{ item.title }}' > x\"]")),
            ("a value that is the command", run("commands: ['${{ item.key }} x']")),
            ("a name that is none", run("commands: [x], env: { ID: '${{ run.idd }}' }")),
            ("an interpolation without an end", run("commands: ['echo ${{ run.id']")),
            ("a folder outside", run("commands: [x], working_directory: ../x")),
            ("no name of a pool", run("commands: [x], pool: GPU nodes")),
            ("a timeout that is none", run("commands: [x], timeout: soon")),
            ("a long timeout", run("commands: [x], timeout: 2d")),
            ("a branch that is none", run("commands: [x], base: 'a..b'")),
            ("a variable of ours", run("commands: [x], env: { PULLWRIGHT_RUN: y }")),
            ("an agent in live mode", run("agent: claude-code, prompt: Fix it")),
            ("an agent that is told nothing", run("agent: claude-code")),
            ("an agent that is told two things", run("agent: claude-code, prompt: x, prompt_file: y.md")),
            ("a prompt for nobody", run("commands: [x], prompt: Fix it")),
            (
                "a prompt that is not there",
                one(LABEL, "    mode: observe\n    run: { agent: codex, prompt_file: prompts/fix.md }\n"),
            ),
            ("a network", run("commands: [x], network: [npm]")),
        ],
    );
}

#[test]
fn in_outputs() {
    let output = |keys: &str| one(LABEL, &format!("{RUN}    output: {{ {keys} }}\n"));
    assert_gallery(
        "mistakes_in_outputs",
        &[
            ("a prefix of nothing", output("pull_request: { branch_prefix: '' }")),
            ("a prefix that git refuses", output("pull_request: { branch_prefix: 'a b/' }")),
            ("a title of two lines", output("pull_request: { title: \"a\\nb\" }")),
            ("limits of nothing", output("pull_request: { limits: { files: 0 } }")),
            ("a link back in live mode", output("link_back: true")),
            ("a comment that is none", output("comment: yes")),
        ],
    );
}

#[test]
fn in_expressions() {
    let with = |text: &str| one(LABEL, &format!("    if: {text}\n{RUN}"));
    assert_gallery(
        "mistakes_in_expressions",
        &[
            ("no CEL", with("\"event.labels.exists(l, l == )\"")),
            ("an unknown field", with("event.titel == 'x'")),
            ("a number and a text", with("event.item.title == 3")),
            ("no condition", with("event.labels.size()")),
            ("in two lines", with("|\n      event.item.draft &&\n      event.itm.key == '1'")),
        ],
    );
}

#[test]
fn in_tests() {
    let test = |keys: &str| one(LABEL, &format!("{RUN}    tests:\n      - {{ {keys} }}\n"));
    assert_gallery(
        "mistakes_in_tests",
        &[
            (
                "a decision that is none",
                test("payload: a.json, webhook: github, expect: { decision: match }"),
            ),
            ("a webhook that is none", test("payload: a.json, webhook: jira, expect: { decision: matched }")),
            (
                "a clause of a match",
                test("payload: a.json, webhook: github, expect: { decision: matched, clause: labels }"),
            ),
        ],
    );
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
