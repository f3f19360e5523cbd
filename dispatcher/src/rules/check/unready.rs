//! Keys that the format has and this version does not carry out: good to observe with, not to run.

use schemas::Automation;
use schemas::automation::Mode;

use crate::rules::page::{Page, Spot};

pub(super) fn check(automation: &Automation, at: Spot<'_>, page: &mut Page<'_>) {
    let mode = automation.mode.unwrap_or_default();
    if matches!(mode, Mode::Disabled | Mode::Observe) {
        return;
    }
    let (run, output) = (&automation.run, &automation.output);
    let retries_agents = run.retry.as_ref().is_some_and(|retry| retry.agent_lost.is_some());
    let of_run = [
        ("agent", run.agent.is_some()),
        ("mcp", !run.mcp.is_empty()),
        ("network", !run.network.is_empty()),
        ("image", run.image.as_ref().is_some_and(|image| image != "host")),
        ("context_repos", !run.context_repos.is_empty()),
        ("retry", retries_agents),
    ];
    let of_output = [
        ("review", output.review == Some(true)),
        ("issue", output.issue.is_some()),
        ("link_back", output.link_back == Some(true)),
        ("transition", output.transition.is_some()),
    ];
    let remedy = "write `mode: observe` to see what it would be started by, or remove the key";
    for (section, keys) in [("run", &of_run[..]), ("output", &of_output[..])] {
        for (key, _) in keys.iter().filter(|(_, is_set)| *is_set) {
            let wrong = format!("this version does not carry out `{section}.{key}`");
            page.say(at.at(section).key(key), wrong, remedy);
        }
    }
}
