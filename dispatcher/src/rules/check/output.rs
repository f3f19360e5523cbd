//! `output:` what could not be written.

use schemas::Automation;
use schemas::automation::PullRequestOutput;

use super::texts;
use crate::rules::page::{Page, Spot};
use crate::rules::reference_problem;

/// Forges cut longer titles or refuse them.
const LONGEST_TITLE: usize = 250;

pub(super) fn check(automation: &Automation, at: Spot<'_>, page: &mut Page<'_>) {
    if let Some(pull_request) = &automation.output.pull_request {
        self::pull_request(pull_request, at.at("output").at("pull_request"), page);
    }
}

fn pull_request(output: &PullRequestOutput, at: Spot<'_>, page: &mut Page<'_>) {
    if let Some(title) = &output.title {
        let here = at.at("title");
        if title.trim().is_empty() || title.contains('\n') || title.len() > LONGEST_TITLE {
            page.say(here, "a title is one line of at most 250 letters", "shorten it, or remove the key");
        }
        texts::text(title, here, page);
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
    // No lines are changed by a new binary file, nor by a file that moved.
    if output.limits.as_ref().is_some_and(|limits| limits.files == Some(0)) {
        page.say(at.at("limits").at("files"), "`files: 0` lets nothing be published", "write 1 or more");
    }
}
