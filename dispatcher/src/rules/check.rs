//! What types cannot say of an automation: each mistake named with its place and remedy.

use std::collections::HashMap;

use config::yaml::{Sources, YamlError};
use schemas::automation::{Automation, AutomationFile, PullRequestOutput, Trigger};
use schemas::event::EventType;

use super::load::{AutomationPlaces, Places};
use super::repo_glob;

/// The longest name, so that branches and markers made from it stay short.
const LONGEST_NAME: usize = 64;

pub(super) fn file(
    file: &AutomationFile,
    places: &Places,
    sources: &Sources,
    names: &mut HashMap<String, String>,
    name: &str,
    mistakes: &mut Vec<YamlError>,
) {
    if file.version != 1 {
        mistakes.push(
            sources
                .error_at(places.version.place, format!("version {} is not known", file.version))
                .with_help("this release reads `version: 1`"),
        );
    }
    for (automation, place) in file.automations.iter().zip(&places.automations) {
        if let Some(other) = names.insert(automation.name.0.clone(), name.to_owned()) {
            mistakes.push(
                sources
                    .error_at(place.name.place, format!("there is another automation `{}`", automation.name))
                    .with_help(format!("a name is an id; the other one is in {other}")),
            );
        }
        one(automation, place, sources, mistakes);
    }
}

fn one(automation: &Automation, place: &AutomationPlaces, sources: &Sources, mistakes: &mut Vec<YamlError>) {
    let mut say =
        |at, wrong: String, remedy: &str| mistakes.push(sources.error_at(at, wrong).with_help(remedy));
    if !is_slug(&automation.name.0) {
        say(
            place.name.place,
            format!("`{}` is no name", automation.name),
            "a name is at most 64 lower-case letters, digits and `-`: it goes into branches and comments",
        );
    }
    if automation.on.is_empty() {
        say(place.name.place, "it has no trigger".to_owned(), "add an entry to `on:`");
    }
    for (trigger, at) in automation.on.iter().zip(&place.on) {
        if let Some((wrong, remedy)) = trigger_problem(trigger) {
            say(at.place, wrong, remedy);
        }
    }
    for (pattern, at) in automation.repos.iter().zip(&place.repos) {
        let bare = pattern.strip_prefix('!').unwrap_or(pattern);
        if let Err(error) = repo_glob(bare) {
            say(at.place, format!("`{pattern}` is no glob: {}", error.kind()), "for example `github/acme/*`");
        } else if bare.split('/').count() < 2 {
            say(
                at.place,
                format!("`{pattern}` matches no repository"),
                "a repository is named by its connection first: `github/acme/api`",
            );
        }
    }
    run_problems(automation, place, &mut say);
    if let Some(pull_request) = &automation.output.pull_request
        && let Some(wrong) = output_problem(pull_request)
    {
        say(place.output.as_ref().and_then(|at| at.place), wrong, "for example `branch_prefix: pullwright/`");
    }
}

fn trigger_problem(trigger: &Trigger) -> Option<(String, &'static str)> {
    if trigger.source.is_none() {
        return Some(("the entry names no `source`".to_owned(), "add `source: github` and `event:`"));
    }
    let labels = [EventType::IssueLabeled, EventType::PullRequestLabeled];
    let labeled = trigger.event.iter().all(|event| labels.contains(event));
    match &trigger.label_command {
        Some(_) if !labeled => Some((
            format!("`{}` never carries a `label_command`", super::trigger_words(trigger)),
            "use it with `issue.labeled` or `pull_request.labeled`; `labels:` looks at the labels an item has",
        )),
        Some(label) if label.trim().is_empty() => {
            Some(("the `label_command` is empty".to_owned(), "name the label, for example `agent:fix`"))
        }
        _ => None,
    }
}

fn run_problems(
    automation: &Automation,
    place: &AutomationPlaces,
    say: &mut impl FnMut(Option<config::yaml::Place>, String, &str),
) {
    let run = &automation.run;
    let at = place.run.place;
    if run.commands.iter().all(|command| command.trim().is_empty()) {
        say(at, "it runs nothing".to_owned(), "add at least one line to `run.commands`");
    }
    let texts = run.commands.iter().chain(run.env.values()).chain(automation.title());
    if texts.clone().any(|text| text.contains("${{")) {
        say(
            at,
            "`${{ }}` is not interpolated".to_owned(),
            "texts of an event never reach a command line; read them from the file $PULLWRIGHT_EVENT",
        );
    }
    if texts.clone().any(|text| text.contains('\0')) {
        say(at, "a text holds U+0000".to_owned(), "remove it");
    }
    if let Some(folder) = &run.working_directory
        && (folder.starts_with('/') || folder.split('/').any(|part| part == ".."))
    {
        say(
            at,
            format!("`working_directory: {folder}` leaves the repository"),
            "name a folder below its root",
        );
    }
    for name in run.env.keys() {
        let ok = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !ok || name.starts_with("PULLWRIGHT_") {
            say(
                at,
                format!("`{name}` cannot be set in `env`"),
                "names are letters, digits and `_`, and PULLWRIGHT_ is ours",
            );
        }
    }
    if let Some(timeout) = run.timeout
        && (timeout.0.is_zero() || timeout.0.as_secs() > 24 * 3600)
    {
        say(at, format!("`timeout: {timeout}` is out of range"), "between 1s and 24h");
    }
    if let Some(branch) = &run.base
        && let Some(wrong) = reference_problem(branch)
    {
        say(at, format!("`base: {branch}` is no branch: {wrong}"), "for example `base: main`");
    }
}

fn output_problem(output: &PullRequestOutput) -> Option<String> {
    let prefix = output.branch_prefix();
    if prefix.is_empty() {
        return Some("`branch_prefix` is empty: it is what keeps pushes away from other branches".to_owned());
    }
    reference_problem(&format!("{prefix}x")).map(|wrong| format!("`branch_prefix: {prefix}` {wrong}"))
}

/// What git would have against a branch of this name (git-check-ref-format(1)); `None` when nothing.
#[must_use]
pub fn reference_problem(branch: &str) -> Option<&'static str> {
    let bad_char = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    if branch.is_empty() || branch.len() > 200 {
        Some("has no allowed length")
    } else if branch.chars().any(bad_char) {
        Some("holds a character that git refuses in names")
    } else if branch.contains("..") || branch.contains("@{") || branch.contains("//") {
        Some("holds `..`, `@{` or `//`")
    } else if branch.starts_with(['/', '-', '.']) || branch.ends_with(['/', '.']) {
        Some("starts or ends with a character that git refuses there")
    } else if branch.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) {
        Some("has a part that starts with `.` or ends with `.lock`")
    } else {
        None
    }
}

fn is_slug(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
