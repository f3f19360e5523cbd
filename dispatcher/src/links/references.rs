//! What a text says that its item belongs to.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use schemas::event::{Item, SourceKind};
use schemas::{ConnectionName, Event, RepoRef, WorkItem};

use super::Trackers;
use crate::decide::text::own_words;

/// Bytes of a text that are looked at.
const LOOKED_AT: usize = 64 << 10;
/// References that one text can have.
const MOST: usize = 10;

/// Something that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The pull request closes it.
    Closes(WorkItem),
    /// The text holds its address.
    Remote(WorkItem),
    /// The text holds the address of an issue of Sentry, which does not tell its project.
    SentryIssue {
        /// Which Sentry.
        connection: ConnectionName,
        /// The issue's id.
        id: String,
    },
}

/// What the text of an event's item names, each once: nothing where somebody else wrote the text
/// than who caused the event, since only the latter is known to be allowed to.
#[must_use]
pub fn references(event: &Event, trackers: &Trackers) -> Vec<Reference> {
    let (Some(item), Some(actor)) = (&event.item, &event.actor) else { return Vec::new() };
    let own_text = item.author.as_ref().is_some_and(|author| author.eq_ignore_ascii_case(&actor.login));
    if !own_text {
        return Vec::new();
    }
    let text = prose(event.source, item.body.expose());
    let mut found = Vec::new();
    if item.is_pull_request
        && let Some(repository) = &event.repository
    {
        found.extend(closing(&text, item, &repository.name, trackers));
    }
    found.extend(remote(&text, trackers));
    let mut each = Vec::new();
    for reference in found {
        if !each.contains(&reference) && each.len() < MOST {
            each.push(reference);
        }
    }
    each
}

/// A pattern of ours; one that does not compile finds nothing, which the tests would show.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// The words of GitHub and of GitLab's default closing pattern, and all that they are about.
static CLOSING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?xi) \b (?: clos(?:e[sd]?|ing) | fix(?:e[sd]|ing)? | resolv(?:e[sd]?|ing) | implement(?:s|ed|ing)? )
        (?: : \s* | \s+ ) (?P<all> (?: (?: \s*,\s* (?:and\s+)? | \s+and\s+ )? (?: issues? \s+ )?
        (?: https?://[^\s<>()\[\]]+ | [\w./-]*\#\d+ | [a-z][a-z0-9_]+-\d+ ) )+ )",
    )
});

/// One reference of a list.
static ONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?xi) (?P<url> https?://[^\s<>()\[\],]+ ) | (?P<path> [\w./-]* ) \# (?P<number> \d+ )
        | \b (?P<key> [a-z][a-z0-9_]+-\d+ ) \b",
    )
});

/// An address.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"https?://[^\s<>()\[\]"']+"#));

fn closing(text: &str, item: &Item, repository: &RepoRef, trackers: &Trackers) -> Vec<Reference> {
    let (Some(closing), Some(one)) = (CLOSING.as_ref(), ONE.as_ref()) else { return Vec::new() };
    let lists = closing.captures_iter(text).filter_map(|found| found.name("all"));
    let each = lists.flat_map(|list| one.captures_iter(list.as_str()));
    each.filter_map(|found| closed(&found, item, repository, trackers)).map(Reference::Closes).collect()
}

fn closed(found: &Captures<'_>, item: &Item, repository: &RepoRef, trackers: &Trackers) -> Option<WorkItem> {
    let issue = |path: &str, number: &str| {
        let path = if path.is_empty() { repository.path.as_str() } else { path };
        let repository = RepoRef::new(&repository.connection, path).ok()?;
        let number: u64 = number.parse().ok()?;
        Some(WorkItem(format!("{}:{}#{number}", repository.connection, repository.path)))
    };
    if let Some(url) = found.name("url") {
        // On the same forge: what stands before the repository's path in the item's own address.
        let site = item.url.as_deref()?.split_once(&format!("/{}/", repository.path))?.0;
        let rest = url.as_str().strip_prefix(site)?.strip_prefix('/')?;
        let (path, number) = rest.split_once("/-/issues/").or_else(|| rest.split_once("/issues/"))?;
        return issue(path, number.split(['#', '?', '/']).next()?);
    }
    if let Some(key) = found.name("key") {
        let mut jiras = trackers.iter().filter(|(_, tracker)| tracker.kind == SourceKind::Jira);
        // With several it is not told whose it is.
        let (connection, _) = jiras.next().filter(|_| jiras.next().is_none())?;
        return Some(WorkItem(format!("{connection}:{}", key.as_str().to_ascii_uppercase())));
    }
    issue(found.name("path")?.as_str(), found.name("number")?.as_str())
}

fn remote(text: &str, trackers: &Trackers) -> Vec<Reference> {
    let Some(address) = ADDRESS.as_ref() else { return Vec::new() };
    let each = address.find_iter(text).map(|found| found.as_str());
    each.filter_map(|url| trackers.iter().find_map(|(name, tracker)| tracked(url, name, tracker))).collect()
}

fn tracked(url: &str, name: &ConnectionName, tracker: &super::Tracker) -> Option<Reference> {
    let plain = url.split(['?', '#']).next()?.trim_end_matches(['.', ',', ';', ':', '/']);
    match tracker.kind {
        SourceKind::Jira => {
            let key = plain.strip_prefix(tracker.url.as_str())?.strip_prefix("/browse/")?;
            let (project, number) = key.split_once('-')?;
            let project_ok = project.starts_with(|c: char| c.is_ascii_uppercase())
                && project.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
            let ok = project_ok && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            ok.then(|| Reference::Remote(WorkItem(format!("{name}:{key}"))))
        }
        SourceKind::Sentry => {
            let host = tracker.url.split_once("://")?.1;
            // Organisations have sub-domains of their own: `https://acme.sentry.io/issues/4711/`.
            let (site, path) = plain.split_once("://")?.1.split_once('/')?;
            let here = site == host || site.strip_suffix(host).is_some_and(|before| before.ends_with('.'));
            let mut parts = path.split('/').skip_while(|part| *part != "issues");
            let id =
                parts.nth(1).filter(|id| here && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))?;
            Some(Reference::SentryIssue { connection: name.clone(), id: id.to_owned() })
        }
        _ => None,
    }
}

/// What a text says itself: in no quote, code, comment or link.
fn prose(source: SourceKind, text: &str) -> String {
    let mut end = text.len().min(LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let (mut own, mut before) = (String::new(), 0);
    for part in own_words(source, text) {
        if part.start != before {
            own.push('\n');
        }
        before = part.end;
        own.push_str(text.get(part).unwrap_or_default());
    }
    own
}
