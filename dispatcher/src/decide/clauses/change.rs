//! The change that an event is about: branches, files, drafts, forks, whose it is. What a delivery
//! does not carry is asked, never guessed.

use forge::ChangeRange;
use schemas::event::EventType;
use schemas::{Event, Untrusted};

use super::{Entry, is_pipeline};
use crate::decide::facts::{Answer, FactKey, Facts};
use crate::decide::pull_request::{self, PullRequestView};
use crate::decide::stop::{Stop, is, known, other_kind};

/// Every clause that may have to be asked, those first that an event mostly carries.
pub(super) fn asked(entry: Entry<'_>, event: &Event, facts: &Facts) -> Result<(), Stop> {
    branches(entry, event, facts)?;
    flag("draft", entry.trigger.draft, event, facts, |view| view.draft)?;
    flag("fork", entry.trigger.fork, event, facts, |view| view.fork)?;
    own_pull_request(entry, event, facts)?;
    paths(entry, event, facts)
}

fn branches(entry: Entry<'_>, event: &Event, facts: &Facts) -> Result<(), Stop> {
    let wanted = &entry.trigger.branches;
    if wanted.is_unset() {
        return Ok(());
    }
    let branch = match &event.change {
        Some(change) if is_pipeline(event) => change.head_ref.as_ref().map(Untrusted::expose),
        Some(change) => change.base_ref.as_ref().map(Untrusted::expose),
        None => None,
    };
    let branch = match branch {
        Some(branch) => Some(branch.to_owned()),
        None => pull_request::view(event, facts)?.map(|view| view.base_ref),
    };
    // A push names its ref in full; a tag is no branch.
    let branch = branch.filter(|branch| !branch.starts_with("refs/tags/"));
    let branch = branch.as_deref().map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(branch));
    if branch.is_some_and(|branch| entry.globs.take_branch(branch)) {
        return Ok(());
    }
    Err(Stop::fails("branches", wanted.join(" or "), branch.unwrap_or("no branch")))
}

fn flag(
    clause: &str,
    wanted: Option<bool>,
    event: &Event,
    facts: &Facts,
    of: impl Fn(&PullRequestView) -> bool,
) -> Result<(), Stop> {
    let Some(wanted) = wanted else { return Ok(()) };
    let value = pull_request::view(event, facts)?.as_ref().map(of);
    agrees(clause, wanted, value)
}

fn own_pull_request(entry: Entry<'_>, event: &Event, facts: &Facts) -> Result<(), Stop> {
    let Some(wanted) = entry.trigger.own_pull_request else { return Ok(()) };
    let about = "whether the pull request is ours";
    let value = match (pull_request::of(event), &event.change, &event.repository) {
        (Some((repository, number)), ..) => {
            let repository = repository.clone();
            Some(is(facts, FactKey::OwnPullRequest { repository, number }, about)?)
        }
        // A pipeline is known by the commit it ran on: of several pull requests it names none.
        (None, Some(change), Some(repository)) if is_pipeline(event) => match &change.head {
            Some(commit) => {
                let (repository, commit) = (repository.name.clone(), commit.clone());
                Some(is(facts, FactKey::OwnCommit { repository, branch: None, commit }, about)?)
            }
            None => None,
        },
        _ => None,
    };
    agrees("own_pull_request", wanted, value)
}

fn agrees(clause: &str, wanted: bool, value: Option<bool>) -> Result<(), Stop> {
    if value == Some(wanted) {
        return Ok(());
    }
    let value = value.map_or_else(|| "no pull request".to_owned(), |value| value.to_string());
    Err(Stop::fails(clause, wanted.to_string(), value))
}

fn paths(entry: Entry<'_>, event: &Event, facts: &Facts) -> Result<(), Stop> {
    let wanted = &entry.trigger.paths;
    if wanted.is_unset() {
        return Ok(());
    }
    let fails = |value: String| Err(Stop::fails("paths", wanted.join(" or "), value));
    let Some(question) = changed_paths(event)? else { return fails("no change".to_owned()) };
    let Answer::Paths(paths) = known(facts, question, "the changed files")? else {
        return Err(other_kind("the changed files"));
    };
    if paths.iter().any(|path| entry.globs.take_path(path)) {
        return Ok(());
    }
    match paths.as_slice() {
        [] => fails("no changed file".to_owned()),
        [path] => fails(path.clone()),
        [path, rest @ ..] => fails(format!("{path} and {} more", rest.len())),
    }
}

/// The question for the files of an event's change.
fn changed_paths(event: &Event) -> Result<Option<FactKey>, Stop> {
    if let Some((repository, number)) = pull_request::of(event) {
        let of = ChangeRange::PullRequest(number);
        return Ok(Some(FactKey::ChangedPaths { repository: repository.clone(), of }));
    }
    let (Some(repository), Some(change)) = (&event.repository, &event.change) else { return Ok(None) };
    let head = change.head.as_ref().filter(|head| !head.is_zero() && event.r#type == EventType::Push);
    let Some(head) = head else { return Ok(None) };
    // A new branch has no commit before; what it brings is what the default branch has not.
    let before = change.base.as_ref().filter(|base| !base.is_zero()).map(ToString::to_string);
    let base = before.or_else(|| repository.default_branch.clone());
    let unknown = || Stop::error("the push does not say which branch it would be compared with");
    let of = ChangeRange::Commits { base: base.ok_or_else(unknown)?, head: head.clone() };
    Ok(Some(FactKey::ChangedPaths { repository: repository.name.clone(), of }))
}
