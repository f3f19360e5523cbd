//! One event against one automation.

use std::collections::BTreeMap;

use dispatcher::decide::facts::{Answer, FactKey, Facts};
use dispatcher::decide::{Context, Evaluation, Matched, decide};
use dispatcher::rules::{RuleSet, load_texts};
use schemas::automation::Permission;
use schemas::decision::Verdict;
use schemas::event::{ActorKind, Event, EventType};

use crate::support::{FIX, labeled, repo};

fn set(text: &str) -> RuleSet {
    load_texts(BTreeMap::from([("a.yaml".to_owned(), text.to_owned())])).unwrap()
}

fn facts(login: &str, permission: Result<Permission, String>) -> Facts {
    let mut facts = Facts::default();
    facts.insert(
        FactKey::Permission { repository: repo(), login: login.into() },
        permission.map(Answer::Permission),
    );
    facts
}

fn word(text: &str, event: &Event, context: &Context, facts: &Facts) -> String {
    let set = set(text);
    match decide(&set.rules()[0], event, context, facts) {
        Evaluation::Match(Matched { repository, .. }) => format!("match {repository}"),
        Evaluation::NeedsFacts(_) => "needs facts".into(),
        Evaluation::Verdict(verdict) => format!("{}: {}", verdict.word(), verdict.sentence()),
    }
}

#[test]
fn the_table() {
    let write = || facts("ana", Ok(Permission::Write));
    let mut rows = Vec::new();
    let mut row = |name: &str, text: String, event: Event, facts: Facts| {
        rows.push(format!("{name}\n    {}", word(&text, &event, &Context::default(), &facts)));
    };
    row("everything holds", FIX.into(), labeled("agent:fix"), write());
    row("another label", FIX.into(), labeled("bug"), write());
    row("permission not asked yet", FIX.into(), labeled("agent:fix"), Facts::default());
    row("too little permission", FIX.into(), labeled("agent:fix"), facts("ana", Ok(Permission::Triage)));
    row("forge did not answer", FIX.into(), labeled("agent:fix"), facts("ana", Err("timeout".into())));

    let allow = |list: &str| FIX.replace("    run:", &format!("    allow: {{ {list} }}\n    run:"));
    row("users names him", allow("users: [Ana]"), labeled("agent:fix"), write());
    row("users names another", allow("users: [bo]"), labeled("agent:fix"), write());
    row("more than write", allow("permission: admin"), labeled("agent:fix"), write());

    let mut bot = labeled("agent:fix");
    bot.actor.as_mut().unwrap().kind = ActorKind::Bot;
    bot.actor.as_mut().unwrap().login = "renovate[bot]".into();
    row("a bot", FIX.into(), bot.clone(), write());
    row("a named bot", allow("bots: ['renovate[bot]']"), bot.clone(), Facts::default());

    let mut nobody = labeled("agent:fix");
    nobody.actor = None;
    row("nobody", FIX.into(), nobody, write());

    let repos = |list: &str| FIX.replace("    run:", &format!("    repos: {list}\n    run:"));
    row("repository covered", repos("['github/acme/*']"), labeled("agent:fix"), write());
    row("repository excluded", repos("['github/acme/*', '!github/acme/api']"), labeled("agent:fix"), write());
    row("repository elsewhere", repos("['github/other/*']"), labeled("agent:fix"), write());
    row("one star is one part", repos("['github/*']"), labeled("agent:fix"), write());

    let mut homeless = labeled("agent:fix");
    homeless.repository = None;
    row("no repository", FIX.into(), homeless.clone(), write());
    let with_repo = FIX.replace("commands: ['true']", "commands: ['true'], repo: github/acme/api");
    row("the automation's repository", with_repo, homeless, write());

    let labels = |filter: &str| FIX.replace("label_command: 'agent:fix'", &format!("labels: {{ {filter} }}"));
    row("any of", labels("any: [bug, 'agent:fix']"), labeled("agent:fix"), write());
    row("all of", labels("all: [bug, 'agent:fix']"), labeled("agent:fix"), write());
    row("none of", labels("none: ['agent:fix']"), labeled("agent:fix"), write());

    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn candidates_are_those_that_listen() {
    let set = set(FIX);
    assert_eq!(set.candidates(&labeled("agent:fix")).count(), 1);
    assert_eq!(set.candidates(&labeled("another")).count(), 0);
    let mut other = labeled("agent:fix");
    other.r#type = EventType::IssueOpened;
    assert_eq!(set.candidates(&other).count(), 0);
    let disabled = FIX.replace("    run:", "    mode: disabled\n    run:");
    assert_eq!(self::set(&disabled).candidates(&labeled("agent:fix")).count(), 0);
}

#[test]
fn long_values_are_cut_in_decisions() {
    let verdict = match decide(
        &set(FIX).rules()[0],
        &labeled(&"x".repeat(10_000)),
        &Context::default(),
        &Facts::default(),
    ) {
        Evaluation::Verdict(verdict @ Verdict::NotMatched { .. }) => verdict,
        other => panic!("{other:?}"),
    };
    assert!(verdict.sentence().len() < 1_000);
}
