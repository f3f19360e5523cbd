//! What is said and shown on issues and merge requests: notes, award emoji, labels.
//! <https://docs.gitlab.com/api/notes/>, <https://docs.gitlab.com/api/emoji_reactions/>.

use std::borrow::Cow;

use gitlab::api::common::path_escaped;
use gitlab::api::{BodyError, Endpoint, FormParams, Pageable, QueryParams};
use http::Method;
use schemas::RepoRef;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::account;
use super::call::Call;
use super::quick_actions;
use crate::{CommentRef, ForgeError, ReactionTarget};

/// Which of the two sequences a number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Items {
    Issues,
    MergeRequests,
}

/// Who sees a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Whoever sees its item.
    ByAll,
    /// Members of the project alone: an internal note.
    ByMembers,
}

/// An issue or merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub items: Items,
    pub number: u64,
}

impl Place {
    /// As addresses and paths have it.
    fn path(self) -> String {
        match self.items {
            Items::Issues => format!("issues/{}", self.number),
            Items::MergeRequests => format!("merge_requests/{}", self.number),
        }
    }

    /// As people write it.
    fn told(self, repo: &RepoRef) -> String {
        let sign = if self.items == Items::Issues { '#' } else { '!' };
        format!("{repo}{sign}{}", self.number)
    }

    /// The place of a note with this address, `…/-/issues/7#note_1`.
    fn of(url: &str) -> Option<Self> {
        let (place, _) = url.rsplit_once("#note_")?;
        let (before, number) = place.rsplit_once('/')?;
        let items = match before.rsplit_once("/-/")?.1 {
            "issues" | "work_items" => Items::Issues,
            "merge_requests" => Items::MergeRequests,
            _ => return None,
        };
        Some(Self { items, number: number.parse().ok()? })
    }
}

/// A request about an item or what belongs to it: the same for issues and merge requests.
struct About<'a> {
    repo: &'a RepoRef,
    place: Place,
    method: Method,
    /// What follows the item's path.
    rest: String,
    form: Vec<(&'static str, Cow<'a, str>)>,
    query: &'static [(&'static str, &'static str)],
}

impl<'a> About<'a> {
    fn new(repo: &'a RepoRef, place: Place, method: Method, rest: impl Into<String>) -> Self {
        Self { repo, place, method, rest: rest.into(), form: Vec::new(), query: &[] }
    }

    fn with(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.form.push((name, value.into()));
        self
    }
}

impl Endpoint for About<'_> {
    fn method(&self) -> Method {
        self.method.clone()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        let project = path_escaped(&self.repo.path);
        format!("projects/{project}/{}{}", self.place.path(), self.rest).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut params = QueryParams::default();
        params.extend(self.query.iter().copied());
        params
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let mut params = FormParams::default();
        params.extend(self.form.iter().map(|(name, value)| (*name, value.as_ref())));
        params.into_body()
    }
}

impl Pageable for About<'_> {}

#[derive(Deserialize)]
struct Note {
    id: u64,
    body: String,
    author: Author,
    /// Written by GitLab itself in somebody's name.
    #[serde(default)]
    system: bool,
}

#[derive(Deserialize)]
struct Author {
    id: u64,
}

pub(super) async fn react(
    call: &Call<'_>,
    repo: &RepoRef,
    items: Items,
    target: &ReactionTarget,
) -> Result<(), ForgeError> {
    let (place, rest) = match target {
        ReactionTarget::Item(number) => (Place { items, number: *number }, String::new()),
        ReactionTarget::Comment { number, id } => (Place { items, number: *number }, format!("/notes/{id}")),
    };
    let award = About::new(repo, place, Method::POST, format!("{rest}/award_emoji")).with("name", "eyes");
    match call.write::<IgnoredAny>(award, &place.told(repo)).await {
        Ok(_) | Err(ForgeError::AlreadyExists) => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) async fn remove_label(
    call: &Call<'_>,
    repo: &RepoRef,
    place: Place,
    label: &str,
) -> Result<(), ForgeError> {
    let what = place.told(repo);
    // A comma separates labels and is in none: such a label is not there. Neither is an empty one.
    if label.contains(',') || label.trim().is_empty() {
        return call.get::<IgnoredAny>(About::new(repo, place, Method::GET, ""), &what).await.map(drop);
    }
    let edit = About::new(repo, place, Method::PUT, "").with("remove_labels", label);
    call.write::<IgnoredAny>(edit, &what).await.map(drop)
}

pub(super) async fn create_comment(
    call: &Call<'_>,
    repo: &RepoRef,
    place: Place,
    body: &str,
    seen: Seen,
) -> Result<CommentRef, ForgeError> {
    let body = quick_actions::defused(body);
    let mut note = About::new(repo, place, Method::POST, "/notes").with("body", body);
    if seen == Seen::ByMembers {
        note = note.with("internal", "true");
    }
    let made: Note = call.write(note, &place.told(repo)).await?;
    Ok(reference(call, repo, place, made.id))
}

pub(super) async fn edit_comment(
    call: &Call<'_>,
    repo: &RepoRef,
    comment: &CommentRef,
    body: &str,
) -> Result<(), ForgeError> {
    let place = place_of(comment)?;
    let note = About::new(repo, place, Method::PUT, format!("/notes/{}", comment.id))
        .with("body", quick_actions::defused(body));
    call.write::<IgnoredAny>(note, &format!("the comment {}", comment.url)).await.map(drop)
}

pub(super) async fn find_comment(
    call: &Call<'_>,
    repo: &RepoRef,
    place: Place,
    marker: &str,
) -> Result<Option<CommentRef>, ForgeError> {
    let us = account::id(call).await?;
    let mut notes = About::new(repo, place, Method::GET, "/notes");
    notes.query = &[("sort", "asc"), ("order_by", "created_at")];
    call.find(notes, &place.told(repo), |note: Note| {
        let ours = note.author.id == us && !note.system && note.body.contains(marker);
        ours.then(|| reference(call, repo, place, note.id))
    })
    .await
}

/// The interface does not tell a note's address, but it is made of known parts.
fn reference(call: &Call<'_>, repo: &RepoRef, place: Place, id: u64) -> CommentRef {
    let url = format!("{}{}/-/{}#note_{id}", call.gitlab.root, repo.path, place.path());
    CommentRef { id, url }
}

fn place_of(comment: &CommentRef) -> Result<Place, ForgeError> {
    let message = || format!("the comment's address `{}` names no issue or merge request", comment.url);
    Place::of(&comment.url).ok_or_else(|| ForgeError::Refused { status: 400, message: message() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notes_address_names_its_place() {
        let issue = |number| Some(Place { items: Items::Issues, number });
        let merge_request = |number| Some(Place { items: Items::MergeRequests, number });
        for (url, expected) in [
            ("https://gitlab.com/acme/api/-/issues/7#note_1", issue(7)),
            ("https://gitlab.com/acme/api/-/work_items/7#note_1", issue(7)),
            ("https://acme.dev/git/a/b/c/-/merge_requests/12#note_1", merge_request(12)),
            ("https://gitlab.com/acme/api/-/commit/7#note_1", None),
            ("https://gitlab.com/acme/api/-/issues/x#note_1", None),
            ("https://gitlab.com/acme/api/-/issues/7", None),
            ("", None),
        ] {
            assert_eq!(Place::of(url), expected, "{url}");
        }
    }
}
