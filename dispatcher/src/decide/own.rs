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

/// How long the chain of causes would be with a run for this event.
///
/// # Errors
/// `own_event`, `paused` for a chain that is too long, or what has to be asked first.
pub(super) fn depth(event: &Event, context: &Context, facts: &Facts) -> Result<u32, Stop> {
    let origins = origins(event);
    let own = |because: String| Stop::Verdict(Verdict::OwnEvent { because });
    if origins.iter().any(|origin| origin.instance == context.instance) && tells_of_its_text(event, context) {
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
    Ok(cause + 1)
}

/// Who wrote what the event is about, where it was a Pullwright: the comment, or the item itself
/// where the event is about that.
fn origins(event: &Event) -> Vec<Origin> {
    let text = match (&event.comment, &event.item) {
        (Some(comment), _) => &comment.body,
        (None, Some(item)) => &item.body,
        (None, None) => return Vec::new(),
    };
    Origin::all_in(text.expose())
}

/// Whether an event is about the text it brings having been written. What people do to a pull request
/// of ours later, they do; a label of it may be ours as well, and only the account tells.
fn tells_of_its_text(event: &Event, context: &Context) -> bool {
    use EventType as T;
    match event.r#type {
        _ if event.comment.is_some() => true,
        T::IssueOpened | T::IssueEdited | T::PullRequestOpened => true,
        T::IssueLabeled | T::PullRequestLabeled => {
            let ours = context.accounts.get(&event.connection).map(|account| &account.id);
            ours.is_some() && ours == event.actor.as_ref().map(|actor| &actor.id)
        }
        _ => false,
    }
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
    let branch = match event.r#type {
        T::Push => change?.base_ref.as_ref().map(name),
        T::PullRequestOpened | T::PullRequestUpdated => change?.head_ref.as_ref().map(name),
        T::IssueUnlabeled => {
            let (work_item, label) = (event.work_item.clone()?, event.label.as_ref()?.expose().to_owned());
            return Some((FactKey::OwnUnlabel { work_item, label }, "we took the label off"));
        }
        _ => return None,
    };
    let (repository, commit) = (repository.clone(), change?.head.clone()?);
    Some((FactKey::OwnCommit { repository, branch: Some(branch?), commit }, "we pushed the commit"))
}
