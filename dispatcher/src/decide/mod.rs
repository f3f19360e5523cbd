//! One event against one automation: pure, so that the same facts always give the same decision.

mod allow;
pub mod clauses;
mod condition;
pub mod facts;
mod own;
mod pull_request;
pub mod routing;
mod stop;
pub mod text;

use std::collections::BTreeMap;

use forge::Identity;
use schemas::automation::Trigger;
use schemas::decision::Verdict;
use schemas::{ConnectionName, Event, RepoRef, WorkItem};

use crate::rules::Rule;
use facts::{Answer, FactKey, Facts};
use routing::Routing;
use stop::{Stop, known, other_kind};

pub use own::MOST_DEPTH;

/// What is the same for all events: who we are, and where work goes.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The id of this installation, in the markers of what it writes.
    pub instance: String,
    /// Who we are on each connection, where it is known.
    pub accounts: BTreeMap<ConnectionName, Identity>,
    /// Where work goes that names no repository.
    pub routing: Routing,
}

/// What a decision came to, before runs of the same work item are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// Every clause held, for this repository.
    Match(Matched),
    /// It is decided, and no run follows.
    Verdict(Verdict),
    /// It cannot be decided without asking.
    NeedsFacts(Vec<FactKey>),
}

/// A match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Where the run works.
    pub repository: RepoRef,
    /// The command label to take off, where one started it.
    pub command_label: Option<String>,
    /// How many runs caused each other, this one included.
    pub depth: u32,
    /// Whether somebody asked for it, by a command or a command label.
    pub commanded: bool,
    /// Whether another installation of Pullwright wrote what it would answer.
    pub answers: bool,
}

/// Decides one automation about one event.
#[must_use]
pub fn decide(rule: &Rule, event: &Event, context: &Context, facts: &Facts) -> Evaluation {
    match evaluate(rule, event, context, facts) {
        Ok(matched) => Evaluation::Match(matched),
        Err(Stop::Verdict(verdict)) => Evaluation::Verdict(verdict),
        Err(Stop::Needs(questions)) => Evaluation::NeedsFacts(questions),
    }
}

/// Decides one automation about a tick of its own schedule in one repository: nobody did it, so that
/// of all clauses only `if` and `dedupe` have something to ask.
pub(crate) fn decide_tick(rule: &Rule, event: &Event, repository: RepoRef, facts: &Facts) -> Evaluation {
    let holds = condition::holds(rule, event);
    match holds.and_then(|()| no_open_pull_request(rule, event.work_item.as_ref(), &repository, facts)) {
        Ok(()) => Evaluation::Match(Matched {
            repository,
            command_label: None,
            depth: 1,
            commanded: false,
            answers: false,
        }),
        Err(Stop::Verdict(verdict)) => Evaluation::Verdict(verdict),
        Err(Stop::Needs(questions)) => Evaluation::NeedsFacts(questions),
    }
}

/// What costs nothing comes first, what a forge has to be asked for last.
fn evaluate(rule: &Rule, event: &Event, context: &Context, facts: &Facts) -> Result<Matched, Stop> {
    let entries = clauses::heard(rule, event).map_err(Stop::Verdict)?;
    let routed = context.routing.repository(rule, event);
    let repository = routed.map_err(|because| Stop::Verdict(Verdict::NoRepository { because }))?;
    if !rule.covers(&repository) {
        return Err(Stop::fails("repos", rule.automation.repos.join(", "), repository.to_string()));
    }
    condition::holds(rule, event)?;
    let own::Cause { depth, answers } = own::cause(event, context, facts)?;
    let trigger = clauses::asked(entries, event, facts)?;
    allow::allowed(rule, event, &repository, facts)?;
    no_open_pull_request(rule, event.work_item.as_ref(), &repository, facts)?;
    let command_label = trigger.label_command.clone();
    Ok(Matched { repository, command_label, depth, commanded: is_command(trigger), answers })
}

fn is_command(trigger: &Trigger) -> bool {
    trigger.label_command.is_some() || !trigger.command.is_unset()
}

/// What `dedupe.skip_if_open_pr` asks.
pub(crate) fn open_pull_request(
    rule: &Rule,
    work_item: Option<&WorkItem>,
    repository: &RepoRef,
) -> Option<FactKey> {
    rule.automation.dedupe.as_ref().filter(|dedupe| dedupe.skip_if_open_pr == Some(true))?;
    let work_item = work_item.cloned()?;
    Some(FactKey::OpenPullRequest { repository: repository.clone(), work_item })
}

fn no_open_pull_request(
    rule: &Rule,
    work_item: Option<&WorkItem>,
    repository: &RepoRef,
    facts: &Facts,
) -> Result<(), Stop> {
    let Some(question) = open_pull_request(rule, work_item, repository) else { return Ok(()) };
    let about = "whether a pull request of ours is open";
    match known(facts, question, about)? {
        Answer::Number(None) => Ok(()),
        Answer::Number(Some(number)) => {
            let value = format!("pull request {number} of {repository}");
            Err(Stop::fails("dedupe.skip_if_open_pr", "no open pull request of ours", value))
        }
        _ => Err(other_kind(about)),
    }
}
