//! The loop guard: what we did ourselves starts nothing, and chains of causes end.

use schemas::decision::Verdict;
use schemas::event::EventType;
use schemas::{Event, RepoRef, Untrusted};

use super::Context;
use super::facts::{FactKey, Facts};
use super::stop::{Stop, is};
use crate::words::Origin;

/// How long a chain of runs may be of which each caused the next, in all instances of Pullwright
/// together: long enough for a review that is answered and answered again.
pub const MOST_DEPTH: u32 = 3;

/// What a run for an event would have been caused by.
pub(super) struct Cause {
    /// How long the chain of causes would be with the run.
    pub depth: u32,
    /// Whether another installation wrote what the event tells of.
    pub answers: bool,
}

/// What caused an event, if a run may follow.
///
/// # Errors
/// `own_event`, `paused` for a chain that is too long, or what has to be asked first.
pub(super) fn cause(event: &Event, context: &Context, facts: &Facts) -> Result<Cause, Stop> {
    let origins = origins(event);
    let own = |because: String| Stop::Verdict(Verdict::OwnEvent { because });
    let tells_of_its_text = tells_of_its_text(event);
    if origins.iter().any(|origin| origin.instance == context.instance) && tells_of_its_text {
        return Err(own("it carries our marker".to_owned()));
    }
    if let Some(because) = account(event, context) {
        return Err(own(because));
    }
    let cause = origins.iter().map(|origin| origin.depth).max().unwrap_or(0);
    if cause >= MOST_DEPTH {
        let because = format!("{cause} runs caused each other before this event, and {MOST_DEPTH} may");
        return Err(Stop::Verdict(Verdict::Paused { because }));
    }
    if let Some((question, because)) = write(event)
        && is(facts, question, "whether we did it")?
    {
        return Err(own(because.to_owned()));
    }
    Ok(Cause { depth: cause + 1, answers: cause > 0 && tells_of_its_text })
}

/// Who wrote what the event is about, where it was a Pullwright: the comment, the item itself where
/// the event is about that, or the newest commit of a push.
fn origins(event: &Event) -> Vec<Origin> {
    let message = || event.change.as_ref()?.message.as_ref();
    let text = match (&event.comment, &event.item) {
        (Some(comment), _) => Some(&comment.body),
        (None, Some(item)) => Some(&item.body),
        (None, None) => message(),
    };
    text.map(|text| Origin::all_in(text.expose())).unwrap_or_default()
}

/// Whether an event is about the text it brings having been written: what people do to a pull request
/// of ours later, they do.
fn tells_of_its_text(event: &Event) -> bool {
    use EventType as T;
    let written = matches!(event.r#type, T::IssueOpened | T::IssueEdited | T::PullRequestOpened);
    written || event.comment.is_some()
}

/// An owner who lends us his own token still triggers; only machine accounts of ours do not. What a
/// pipeline came to is nobody's doing, whoever pushed.
fn account(event: &Event, context: &Context) -> Option<String> {
    let actor = event.actor.as_ref().filter(|_| event.r#type != EventType::PipelineCompleted)?;
    let ours = context.accounts.get(&event.connection)?;
    (ours.machine && ours.id == actor.id).then(|| format!("{} is our own account", ours.login))
}

/// The write of ours that an event may tell of, as a question to our records.
fn write(event: &Event) -> Option<(FactKey, &'static str)> {
    use EventType as T;
    let repository: &RepoRef = &event.repository.as_ref()?.name;
    let change = event.change.as_ref();
    let name = |text: &Untrusted| text.expose().trim_start_matches("refs/heads/").to_owned();
    let label = || Some(event.label.as_ref()?.expose().to_owned());
    let branch = match event.r#type {
        T::Push => change?.base_ref.as_ref().map(name),
        T::PullRequestOpened | T::PullRequestUpdated => change?.head_ref.as_ref().map(name),
        T::PullRequestLabeled => {
            let (number, label) = (event.item.as_ref()?.key.parse().ok()?, label()?);
            let repository = repository.clone();
            return Some((FactKey::OwnLabel { repository, number, label }, "we put the label on"));
        }
        T::IssueUnlabeled => {
            let (work_item, label) = (event.work_item.clone()?, label()?);
            return Some((FactKey::OwnUnlabel { work_item, label }, "we took the label off"));
        }
        _ => return None,
    };
    let (repository, commit) = (repository.clone(), change?.head.clone()?);
    Some((FactKey::OwnCommit { repository, branch: Some(branch?), commit }, "we pushed the commit"))
}
