//! `run:` what a worker could not do.

use schemas::Automation;
use schemas::automation::RunSpec;
use schemas::id::is_label;

use super::texts;
use crate::rules::page::{Page, Spot};
use crate::rules::reference_problem;

/// The longest that commands may take, in seconds.
const LONGEST: u64 = 24 * 3600;
/// The most that something is tried again.
const MOST_RETRIES: u32 = 10;

pub(super) fn check(automation: &Automation, at: Spot<'_>, page: &mut Page<'_>) {
    let run = &automation.run;
    let place = at.at("run");
    work(run, place, page);
    for (key, lines) in [("commands", &run.commands), ("gate", &run.gate)] {
        for (number, line) in lines.iter().enumerate() {
            let here = place.at(key).item(number);
            if line.trim().is_empty() {
                page.say(here, format!("a line of `{key}` is empty"), "remove it");
            }
            texts::command(line, here, page);
        }
    }
    environment(run, place, page);
    if let Some(folder) = &run.working_directory
        && (folder.starts_with('/') || folder.split('/').any(|part| part == ".."))
    {
        let wrong = format!("`working_directory: {folder}` leaves the repository");
        page.say(place.at("working_directory"), wrong, "name a folder below its root");
    }
    if let Some(pool) = &run.pool
        && !is_label(pool.as_str())
    {
        let remedy = "a letter, then at most 62 of a-z, 0-9 and `-`";
        page.say(place.at("pool"), format!("`pool: {pool}` is no name of a pool"), remedy);
    }
    if let Some(timeout) = run.timeout
        && !(1..=LONGEST).contains(&timeout.0.as_secs())
    {
        page.say(place.at("timeout"), format!("`timeout: {timeout}` is out of range"), "between 1s and 24h");
    }
    if let Some(branch) = &run.base
        && let Some(wrong) = reference_problem(branch)
    {
        let wrong = format!("`base: {branch}` is no branch: it {wrong}");
        page.say(place.at("base"), wrong, "for example `base: main`");
    }
    if let Some(approval) = &run.approval
        && approval.expires.is_some_and(|expires| expires.0.is_zero())
    {
        let remedy = "give people time, for example `7d`";
        page.say(place.at("approval").at("expires"), "nobody could approve in no time", remedy);
    }
    if let Some(retry) = &run.retry {
        for (key, times) in [("worker_lost", retry.worker_lost), ("agent_lost", retry.agent_lost)] {
            if times.is_some_and(|times| times > MOST_RETRIES) {
                let here = place.at("retry").at(key);
                page.say(here, format!("`{key}` is out of range"), format!("at most {MOST_RETRIES}"));
            }
        }
    }
}

/// Commands, or an agent that is told something.
fn work(run: &RunSpec, at: Spot<'_>, page: &mut Page<'_>) {
    if run.agent.is_none() {
        if run.commands.iter().all(|command| command.trim().is_empty()) {
            let remedy = "add `commands:` with at least one line, or an `agent:` with its `prompt_file:`";
            page.say(at.key("commands"), "it runs nothing", remedy);
        }
        for key in ["prompt", "prompt_file", "mcp", "max_repairs", "resume"] {
            if at.has(key) {
                page.say(at.key(key), format!("`{key}` is for an agent, and there is none"), "add `agent:`");
            }
        }
        return;
    }
    match (&run.prompt, &run.prompt_file) {
        (Some(_), Some(_)) => {
            page.say(at.key("prompt"), "`prompt` and `prompt_file` are both there", "keep one of them");
        }
        (None, None) => {
            page.say(at.at("agent"), "the agent is told nothing", "add `prompt_file:` or `prompt:`");
        }
        _ => {}
    }
}

fn environment(run: &RunSpec, at: Spot<'_>, page: &mut Page<'_>) {
    for (name, value) in &run.env {
        let ok = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !ok || name.starts_with("PULLWRIGHT_") {
            page.say(
                at.at("env").key(name),
                format!("`{name}` cannot be set in `env`"),
                "names are letters, digits and `_`, and PULLWRIGHT_ is ours",
            );
        }
        texts::text(value, at.at("env").at(name), page);
    }
}
