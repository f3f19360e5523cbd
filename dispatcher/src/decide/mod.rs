//! One event against one automation: pure, so that the same facts always give the same decision.

pub mod clauses;
pub mod facts;
pub mod text;

use schemas::decision::Verdict;
use schemas::event::ActorKind;
use schemas::{Event, RepoRef};

use crate::rules::Rule;
use facts::{FactKey, Facts};

/// What a decision came to, before runs of the same work item are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// Every clause held, for this repository.
    Match {
        /// Where the run works.
        repository: RepoRef,
        /// The command label to take off, where one started it.
        command_label: Option<String>,
    },
    /// It is decided, and no run follows.
    Verdict(Verdict),
    /// It cannot be decided without asking the forge.
    NeedsFacts(Vec<FactKey>),
}

/// Decides one automation about one event.
#[must_use]
pub fn decide(rule: &Rule, event: &Event, facts: &Facts) -> Evaluation {
    let trigger = match clauses::trigger(rule, event) {
        Ok(trigger) => trigger,
        Err(verdict) => return Evaluation::Verdict(verdict),
    };
    if let Some(because) = own_doing(event, facts) {
        return Evaluation::Verdict(Verdict::OwnEvent { because });
    }
    let Some(repository) = repository(rule, event) else {
        return Evaluation::Verdict(Verdict::NoRepository {
            because: "the event names none, and the automation has no `run.repo`".to_owned(),
        });
    };
    if !rule.covers(&repository) {
        return Evaluation::Verdict(Verdict::NotMatched {
            clause: "repos".to_owned(),
            wants: rule.automation.repos.join(", "),
            value: repository.to_string(),
        });
    }
    match allowed(rule, event, &repository, facts) {
        Ok(()) => Evaluation::Match { repository, command_label: trigger.label_command.clone() },
        Err(stop) => stop,
    }
}

/// The event's own repository, else the automation's; never guessed.
fn repository(rule: &Rule, event: &Event) -> Option<RepoRef> {
    event.repository.as_ref().map(|repository| repository.name.clone()).or(rule.automation.run.repo.clone())
}

fn own_doing(event: &Event, facts: &Facts) -> Option<String> {
    if let Some(comment) = &event.comment
        && comment.body.expose().contains(crate::words::MARKER)
    {
        return Some("the comment carries our marker".to_owned());
    }
    let actor = event.actor.as_ref()?;
    // An owner who lends us his own token still triggers; only machine accounts of ours do not.
    let ours = facts.own_accounts.get(&event.connection)?;
    (ours.machine && ours.id == actor.id).then(|| format!("{} is our own account", ours.login))
}

fn allowed(rule: &Rule, event: &Event, repository: &RepoRef, facts: &Facts) -> Result<(), Evaluation> {
    let allow = rule.allow();
    let denied = |actor: &str, because: String| {
        Err(Evaluation::Verdict(Verdict::Denied { actor: actor.to_owned(), because }))
    };
    let Some(actor) = &event.actor else {
        return denied("somebody unnamed", "the event does not say who did it".to_owned());
    };
    let named = |list: &[String]| list.iter().any(|login| login.eq_ignore_ascii_case(&actor.login));
    if actor.kind != ActorKind::Human {
        if !named(&allow.bots) {
            return denied(&actor.login, "bots and apps have to be named in `allow.bots`".to_owned());
        }
        return Ok(());
    }
    if !allow.users.is_empty() && !named(&allow.users) {
        return denied(&actor.login, "`allow.users` does not name them".to_owned());
    }
    let Some(least) = allow.permission else {
        return Err(Evaluation::Verdict(Verdict::Error {
            message: "no permission is configured".to_owned(),
        }));
    };
    let key = FactKey::Permission { repository: repository.clone(), login: actor.login.clone() };
    match facts.permission(&key) {
        None => Err(Evaluation::NeedsFacts(vec![key])),
        Some(Err(message)) => Err(Evaluation::Verdict(Verdict::Error {
            message: format!("the permission of {} could not be asked: {message}", actor.login),
        })),
        Some(Ok(has)) if has >= least => Ok(()),
        Some(Ok(has)) => denied(&actor.login, format!("needs {least} on {repository}, has {has}")),
    }
}
