//! Automations in a few words, and their mistakes as people see them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dispatcher::rules::{Known, LoadError, RuleSet, load_texts_knowing};
use miette::{GraphicalReportHandler, GraphicalTheme};
use schemas::ConnectionName;
use schemas::event::SourceKind;

pub const LABEL: &str = "{ source: github, event: issue.labeled, label_command: x }";
pub const RUN: &str = "    run: { commands: ['true'] }\n";

/// What the configuration has: connections to GitHub, GitLab and Jira.
pub fn known() -> Known {
    let kinds = [("github", SourceKind::Github), ("gitlab", SourceKind::Gitlab), ("jira", SourceKind::Jira)];
    Known {
        connections: kinds.map(|(name, kind)| (ConnectionName::from(name), kind)).into(),
        webhooks: BTreeSet::from(["github".into(), "gitlab".into()]),
    }
}

pub fn load(text: &str) -> Result<RuleSet, LoadError> {
    load_texts_knowing(BTreeMap::from([("a.yaml".to_owned(), text.to_owned())]), Some(&known()))
}

/// A file with one automation that `on` starts; `rest` are further lines of it.
pub fn one(on: &str, rest: &str) -> String {
    format!("version: 1\nautomations:\n  - name: fix\n    on: [{on}]\n{rest}")
}

/// Every mistake with its picture, as `pullwright check` prints it.
pub fn pictures(error: &LoadError) -> String {
    let LoadError::Mistakes { mistakes, .. } = error else { panic!("{error:?}") };
    let printer = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut text = String::new();
    for mistake in mistakes {
        printer.render_report(&mut text, mistake).unwrap();
    }
    text.lines().fold(String::new(), |mut all, line| {
        writeln!(all, "{}", line.trim_end()).unwrap();
        all
    })
}

/// The pictures of all cases: what each is about, and what is said of it.
pub fn assert_gallery(name: &str, cases: &[(&str, String)]) {
    let mut text = String::new();
    for (about, automations) in cases {
        let error = load(automations).err().unwrap_or_else(|| panic!("{about}: nothing was found wrong"));
        write!(text, "# {about}\n{}", pictures(&error)).unwrap();
    }
    assert_shown(name, &text);
}

/// What people read, as it was looked at.
pub fn assert_shown(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}
