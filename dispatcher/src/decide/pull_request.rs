//! The pull request that an event is about, by the event where it says, else by the forge.

use schemas::{Event, RepoRef, Untrusted};

use super::facts::{Answer, FactKey, Facts};
use super::stop::{Stop, known, other_kind};

/// What rules ask of a pull request.
pub(super) struct PullRequestView {
    /// The branch it goes to.
    pub(super) base_ref: String,
    /// Whether it is a draft.
    pub(super) draft: bool,
    /// Whether the change lies elsewhere.
    pub(super) fork: bool,
}

/// Its repository and number, where the event is about one.
pub(super) fn of(event: &Event) -> Option<(&RepoRef, u64)> {
    let item = event.item.as_ref().filter(|item| item.is_pull_request)?;
    Some((&event.repository.as_ref()?.name, item.key.parse().ok()?))
}

/// What it is like; `None` where the event is about none.
pub(super) fn view(event: &Event, facts: &Facts) -> Result<Option<PullRequestView>, Stop> {
    let Some((repository, number)) = of(event) else { return Ok(None) };
    let draft = event.item.as_ref().is_some_and(|item| item.draft);
    if let Some(change) = &event.change {
        let base_ref = change.base_ref.as_ref().map(Untrusted::expose).unwrap_or_default().to_owned();
        return Ok(Some(PullRequestView { base_ref, draft, fork: change.fork }));
    }
    // A comment on GitHub carries the conversation, not the change.
    let question = FactKey::PullRequest { repository: repository.clone(), number };
    let about = "the pull request";
    let Answer::PullRequest(found) = known(facts, question, about)? else { return Err(other_kind(about)) };
    let base_ref = found.base_ref.clone();
    Ok(Some(PullRequestView { base_ref, draft: found.draft, fork: found.fork }))
}
