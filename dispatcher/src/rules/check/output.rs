//! `output:` what could not be written.

use schemas::Automation;
use schemas::automation::PullRequestOutput;

use super::texts;
use crate::rules::page::{Page, Spot};
use crate::rules::reference_problem;

/// Forges cut longer titles or refuse them.
const LONGEST_TITLE: usize = 250;

pub(super) fn check(automation: &Automation, at: Spot<'_>, page: &mut Page<'_>) {
    let output = &automation.output;
    let place = at.at("output");
    if let Some(pull_request) = &output.pull_request {
        self::pull_request(pull_request, place.at("pull_request"), page);
    }
    if output.commits == Some(true) && !automation.on.iter().any(about_a_pull_request) {
        let remedy = "listen to comments, reviews or pull requests as well, or use `pull_request: {}`";
        page.say(place.at("commits"), "nothing that starts it is about a pull request", remedy);
    }
}

fn about_a_pull_request(trigger: &schemas::automation::Trigger) -> bool {
    let about = ["pull_request.", "comment.", "review", "pipeline.", "dispatch."];
    trigger.event.iter().any(|event| about.iter().any(|start| event.to_string().starts_with(start)))
}

fn pull_request(output: &PullRequestOutput, at: Spot<'_>, page: &mut Page<'_>) {
    if let Some(title) = &output.title {
        let here = at.at("title");
        if title.trim().is_empty() || title.contains('\n') || title.len() > LONGEST_TITLE {
            page.say(here, "a title is one line of at most 250 letters", "shorten it, or remove the key");
        }
        texts::check(title, here, page);
    }
    let prefix = output.branch_prefix();
    let here = at.at("branch_prefix");
    if prefix.is_empty() {
        let wrong = "`branch_prefix` is empty: it is what keeps pushes away from other branches";
        page.say(here, wrong, "for example `branch_prefix: pullwright/`");
    } else if let Some(wrong) = reference_problem(&format!("{prefix}x")) {
        let wrong = format!("`branch_prefix: {prefix}` {wrong}");
        page.say(here, wrong, "for example `branch_prefix: pullwright/`");
    }
    for (key, names) in [("labels", &output.labels), ("reviewers", &output.reviewers)] {
        for (number, _) in names.iter().enumerate().filter(|(_, name)| name.trim().is_empty()) {
            page.say(at.at(key).item(number), format!("a name in `{key}` is empty"), "remove it");
        }
    }
    let Some(limits) = &output.limits else { return };
    for (key, limit) in [("files", limits.files), ("lines", limits.lines)] {
        if limit == Some(0) {
            page.say(
                at.at("limits").at(key),
                format!("`{key}: 0` lets nothing be published"),
                "write 1 or more",
            );
        }
    }
}
